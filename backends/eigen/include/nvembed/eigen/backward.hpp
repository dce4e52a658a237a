#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/core/dropout.hpp>
#include <nvembed/core/host_lane.hpp>
#include <nvembed/core/kernel_args.hpp>
#include <nvembed/core/segment.hpp>
#include <nvembed/core/view.hpp>
#include <nvembed/eigen/scalar.hpp>
#include <nvembed/mask/mask.hpp>
#include <span>

namespace nvembed::eigen {

/// The reference's backward kernels, plain loops like the forward ones. Sums over rows are kept wide and run in one
/// order whatever the number of threads.
class BackwardKernels {
 public:
  template <class T>
  void fill(HostLane& lane, T value, MatView<T> y) const {
    each_row(lane, y.rows, [&](Index i) { std::fill_n(y.row(i), y.cols, value); });
  }
  template <class T>
  void copy(HostLane& lane, MatView<const T> x, MatView<T> y) const {
    each_row(lane, x.rows, [&](Index i) { std::copy_n(x.row(i), x.cols, y.row(i)); });
  }
  /// y_ij = x_ij / (1 - p), or 0 where it is dropped
  template <class T>
  void dropout(HostLane& lane, MatView<const T> x, const Dropout& dropout, MatView<T> y) const {
    each_row(lane, y.rows, [&](Index i) { dropout.apply_row(i, x.row(i), x.cols, y.row(i)); });
  }
  template <class T>
  void column_sums(HostLane& lane, MatView<const T> x, VecView<T> y) const {
    each_row(lane, x.cols, [&](Index j) {
      wide_t<T> sum(0);
      for (Index i = 0; i < x.rows; ++i) sum += wide_t<T>(x(i, j));
      y[j] = T(sum);
    });
  }

  template <class T>
  void rms_norm_backward(HostLane& lane, MatView<const T> dy, MatView<const T> x, VecView<const T> w,
                         VecView<const T> rstd, MatView<T> dx, VecView<T> dw) const {
    if (dx.data)
      each_row(lane, x.rows, [&](Index i) { norm_row(dy.row(i), x.row(i), w.data, rstd[i], x.cols, dx.row(i)); });
    if (dw.data)
      each_row(lane, x.cols, [&](Index j) {
        wide_t<T> sum(0);
        for (Index i = 0; i < x.rows; ++i) sum += wide_t<T>(dy(i, j)) * wide_t<T>(x(i, j)) * wide_t<T>(rstd[i]);
        dw[j] = T(sum);
      });
  }

  template <class T>
  void head_rms_norm_backward(HostLane& lane, MatView<const T> dy, MatView<const T> x, VecView<const T> w, double eps,
                              MatView<T> dx, VecView<T> dw) const {
    const Index d = w.size;
    if (dx.data)
      each_row(lane, x.rows, [&](Index i) {
        for (Index h = 0; h < x.cols; h += d)
          norm_row(dy.row(i) + h, x.row(i) + h, w.data, inverse_rms(x.row(i) + h, d, eps), d, dx.row(i) + h);
      });
    if (dw.data)
      each_row(lane, d, [&](Index j) {
        wide_t<T> sum(0);
        for (Index i = 0; i < x.rows; ++i)
          for (Index h = 0; h < x.cols; h += d)
            sum += wide_t<T>(dy(i, h + j)) * wide_t<T>(x(i, h + j)) * wide_t<T>(inverse_rms(x.row(i) + h, d, eps));
        dw[j] = T(sum);
      });
  }

  template <class T>
  void layer_norm_backward(HostLane& lane, MatView<const T> dy, MatView<const T> x, VecView<const T> w,
                           VecView<const T> mean, VecView<const T> rstd, MatView<T> dx, VecView<T> dw,
                           VecView<T> db) const {
    const Index d = x.cols;
    if (dx.data)
      each_row(lane, x.rows, [&](Index i) {
        wide_t<T> sum(0), along(0);
        for (Index j = 0; j < d; ++j) {
          const wide_t<T> g = wide_t<T>(dy(i, j)) * wide_t<T>(w[j]);
          sum += g;
          along += g * wide_t<T>((x(i, j) - mean[i]) * rstd[i]);
        }
        sum /= wide_t<T>(static_cast<double>(d));
        along /= wide_t<T>(static_cast<double>(d));
        for (Index j = 0; j < d; ++j)
          dx(i, j) = rstd[i] * (dy(i, j) * w[j] - T(sum) - (x(i, j) - mean[i]) * rstd[i] * T(along));
      });
    if (dw.data)
      each_row(lane, d, [&](Index j) {
        wide_t<T> sum(0);
        for (Index i = 0; i < x.rows; ++i) sum += wide_t<T>(dy(i, j)) * wide_t<T>((x(i, j) - mean[i]) * rstd[i]);
        dw[j] = T(sum);
      });
    if (db.data) column_sums(lane, dy, db);
  }

  template <class T>
  void rope_backward(HostLane& lane, MatView<const T> dy, std::span<const Segment> segments, MatView<const T> cos,
                     MatView<const T> sin, MatView<T> dx) const {
    const Index half = cos.cols;
    lane.parallel_for(static_cast<Index>(segments.size()), [&](Index s, Worker&) {
      const Segment& segment = segments[static_cast<std::size_t>(s)];
      for (Index p = 0; p < segment.size; ++p)
        for (Index h = 0; h < dy.cols; h += 2 * half)
          for (Index j = 0; j < half; ++j) {
            const T *in = dy.row(segment.begin + p) + h, a = in[j], b = in[half + j];
            T* out = dx.row(segment.begin + p) + h;
            out[j] = a * cos(p, j) + b * sin(p, j);
            out[half + j] = b * cos(p, j) - a * sin(p, j);
          }
    });
  }

  /// With p = exp(scale q k - lse) and D = y . dy:  dv = p^T dy;  ds = p (dy v - D);  dq = scale ds k;  dk = scale ds^T
  /// q
  template <class T, Mask M>
  void attention_backward(HostLane& lane, MatView<const T> dy, MatView<const T> q, MatView<const T> k,
                          MatView<const T> v, MatView<const T> y, VecView<const T> lse,
                          std::span<const Segment> segments, const M& mask, AttentionShape shape, MatView<T> dq,
                          MatView<T> dk, MatView<T> dv) const {
    const Index group = shape.heads / shape.kv_heads, d = shape.head_dim;
    const T scale(static_cast<real_t<T>>(shape.scale));
    // A task is a key head of a text: it alone writes that head's dk and dv, and its queries' dq.
    lane.parallel_for(static_cast<Index>(segments.size()) * shape.kv_heads, [&](Index task, Worker& worker) {
      const Segment& s = segments[static_cast<std::size_t>(task / shape.kv_heads)];
      const Index kv = task % shape.kv_heads;
      wide_t<T>* sums = worker.template scratch_as<wide_t<T>>((2 * s.size + 1) * d);
      wide_t<T>*to_k = sums, *to_v = sums + s.size * d, *to_q = sums + 2 * s.size * d;
      std::fill_n(sums, 2 * s.size * d, wide_t<T>(0));
      for (Index head = kv * group; head < (kv + 1) * group; ++head)
        for (Index i = 0; i < s.size; ++i) {
          const Index row = s.begin + i;
          const T *query = q.row(row) + head * d, *grad = dy.row(row) + head * d;
          const wide_t<T> along = dot(grad, y.row(row) + head * d, d);
          const Range keys = keys_within(mask, {i, i + 1}, s);
          std::fill_n(to_q, d, wide_t<T>(0));
          for (Index j = keys.begin; j < keys.end; ++j) {
            if (!mask.allows(i, j, s)) continue;
            const T *key = k.row(s.begin + j) + kv * d, *value = v.row(s.begin + j) + kv * d;
            using std::exp;
            const wide_t<T> p(exp(T(dot(query, key, d)) * scale - lse[row * shape.heads + head]));
            const wide_t<T> ds = p * (dot(grad, value, d) - along) * wide_t<T>(scale);
            for (Index c = 0; c < d; ++c) {
              to_q[c] += ds * wide_t<T>(key[c]);
              to_k[j * d + c] += ds * wide_t<T>(query[c]);
              to_v[j * d + c] += p * wide_t<T>(grad[c]);
            }
          }
          for (Index c = 0; c < d; ++c) dq(row, head * d + c) = T(to_q[c]);
        }
      for (Index j = 0; j < s.size; ++j)
        for (Index c = 0; c < d; ++c) {
          dk(s.begin + j, kv * d + c) = T(to_k[j * d + c]);
          dv(s.begin + j, kv * d + c) = T(to_v[j * d + c]);
        }
    });
  }

  template <class T>
  void softmax_backward(HostLane& lane, MatView<const T> dy, MatView<const T> y, Index group, double scale,
                        MatView<T> dx) const {
    each_row(lane, y.rows, [&](Index i) {
      for (Index g = 0; g < y.cols; g += group) {
        const T along(dot(dy.row(i) + g, y.row(i) + g, group));
        for (Index j = g; j < g + group; ++j)
          dx(i, j) = T(static_cast<real_t<T>>(scale)) * y(i, j) * (dy(i, j) - along);
      }
    });
  }

  template <class T>
  void gated_backward(HostLane& lane, MatView<const T> dy, MatView<const T> x, Gate gate, MatView<T> dx) const {
    const Index m = dy.cols;
    each_row(lane, x.rows, [&](Index i) {
      for (Index j = 0; j < m; ++j) {
        using std::exp;
        const T a = x(i, j), b = x(i, m + j), d = dy(i, j), one(1), half(real_t<T>(0.5));
        if (gate == Gate::swiglu) {
          const T s = one / (one + exp(-a));
          dx(i, j) = d * b * s * (one + a * (one - s));
          dx(i, m + j) = d * a * s;
        } else {
          const T cdf = half * (one + error_function(b * T(real_t<T>(0.70710678118654752440))));
          const T density = exp(-half * b * b) * T(real_t<T>(0.39894228040143267794));  // 1 / sqrt(2 pi)
          dx(i, j) = d * b * cdf;
          dx(i, m + j) = d * a * (cdf + b * density);
        }
      }
    });
  }

  /// dx = 0 but for dx[rows_i] += dy_i
  template <class T>
  void gather_rows_backward(HostLane& lane, MatView<const T> dy, std::span<const Index> to, MatView<T> dx) const {
    fill(lane, T(0), dx);
    for (Index i = 0; i < dy.rows; ++i)
      for (Index j = 0; j < dy.cols; ++j) dx(to[static_cast<std::size_t>(i)], j) += dy(i, j);
  }

  template <class T>
  void segment_mean_backward(HostLane& lane, MatView<const T> dy, std::span<const Segment> segments,
                             MatView<T> dx) const {
    pool_backward(lane, dy, segments, dx, [](Index) { return real_t<T>(1); });
  }
  template <class T>
  void segment_weighted_mean_backward(HostLane& lane, MatView<const T> dy, std::span<const Segment> segments,
                                      MatView<T> dx) const {
    pool_backward(lane, dy, segments, dx, [](Index i) { return static_cast<real_t<T>>(i + 1); });
  }

  /// norm is |x| as it was, before it was kept from being too small.
  template <class T>
  void l2_normalize_backward(HostLane& lane, MatView<const T> dy, MatView<const T> y, VecView<const T> norm,
                             MatView<T> dx) const {
    constexpr real_t<T> least(1e-12);
    each_row(lane, y.rows, [&](Index i) {
      const bool tiny = real_part(norm[i]) < least;
      const T divisor = tiny ? T(least) : norm[i];
      const T along = tiny ? T(0) : T(dot(dy.row(i), y.row(i), y.cols));
      for (Index j = 0; j < y.cols; ++j) dx(i, j) = (dy(i, j) - y(i, j) * along) / divisor;
    });
  }

 private:
  template <class F>
  static void each_row(HostLane& lane, Index n, F&& f) {
    constexpr Index tile = 64;
    lane.parallel_for((n + tile - 1) / tile, [&](Index t, Worker&) {
      for (Index i = t * tile; i < std::min(n, (t + 1) * tile); ++i) f(i);
    });
  }

  template <class T>
  static wide_t<T> dot(const T* a, const T* b, Index n) {
    wide_t<T> sum(0);
    for (Index j = 0; j < n; ++j) sum += wide_t<T>(a[j]) * wide_t<T>(b[j]);
    return sum;
  }
  template <class T>
  static T inverse_rms(const T* x, Index n, double eps) {
    using std::sqrt;
    return T(wide_t<T>(1) / sqrt(dot(x, x, n) / wide_t<T>(static_cast<double>(n)) + wide_t<T>(eps)));
  }
  /// dx_j = r (w_j dy_j - x_j r^2 c),  c = mean_j w_j dy_j x_j
  template <class T>
  static void norm_row(const T* dy, const T* x, const T* w, T r, Index n, T* dx) {
    wide_t<T> c(0);
    for (Index j = 0; j < n; ++j) c += wide_t<T>(w[j]) * wide_t<T>(dy[j]) * wide_t<T>(x[j]);
    const T along(c / wide_t<T>(static_cast<double>(n)));
    for (Index j = 0; j < n; ++j) dx[j] = r * (w[j] * dy[j] - x[j] * r * r * along);
  }

  template <class T, class Weight>
  void pool_backward(HostLane& lane, MatView<const T> dy, std::span<const Segment> segments, MatView<T> dx,
                     Weight&& weight) const {
    fill(lane, T(0), dx);
    lane.parallel_for(static_cast<Index>(segments.size()), [&](Index t, Worker&) {
      const Segment& s = segments[static_cast<std::size_t>(t)];
      real_t<T> total(0);
      for (Index i = s.pool_begin; i < s.size; ++i) total += weight(i);
      for (Index i = s.pool_begin; i < s.size; ++i)
        for (Index j = 0; j < dx.cols; ++j) dx(s.begin + i, j) = dy(t, j) * T(weight(i) / total);
    });
  }
};

}  // namespace nvembed::eigen

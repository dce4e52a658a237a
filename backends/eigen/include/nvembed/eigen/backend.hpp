#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <nvembed/core/backend.hpp>
#include <nvembed/core/cpu_count.hpp>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/host_lane.hpp>
#include <nvembed/core/memory.hpp>
#include <nvembed/core/weight_rounding.hpp>
#include <nvembed/eigen/backward.hpp>
#include <nvembed/eigen/dense_weight.hpp>
#include <nvembed/eigen/product.hpp>
#include <nvembed/eigen/scalar.hpp>
#include <nvembed/mask/mask.hpp>
#include <span>
#include <string_view>
#include <vector>

namespace nvembed::eigen {

/// The reference: plain loops and Eigen's products, for float, double and whatever scalar has the arithmetic. Judges
/// all other back ends and shares no kernel with them. Forward code stays holomorphic in T (products of x with itself,
/// no conjugates, maxima over real parts), so that derivatives can be checked by complex steps.
class Backend : public BackwardKernels {
 public:
  using Lane = HostLane;
  template <class T>
  using Packed = DenseWeight<T>;
  template <class T>
  using Table = DenseWeight<T>;

  /// Rows of one tile. A shorter last tile is filled up with zeros, so every product has the same shape.
  static constexpr Index tile = 64;

  explicit Backend(Index threads = cpu_count()) : pool_(std::make_shared<ThreadPool>(threads)) {}

  static constexpr Index batch_tokens = 2048;

  std::string_view name() const { return "eigen"; }
  Index free_memory() const { return available_memory(); }
  Lane make_lane() const { return Lane(pool_); }

  /// Decodes the stacked rows of `raw` and rounds them to the precision; they are held as T all the same. Throws
  /// ShapeError where their widths differ.
  template <class T>
  DenseWeight<T> pack(std::span<const RawWeight> raw, Precision precision, Use) const {
    Index rows = 0;
    for (const RawWeight& r : raw) {
      require<ShapeError>(r.cols == raw[0].cols, "pack", r.name, " has ", r.cols, " columns, ", raw[0].name, " has ",
                          raw[0].cols);
      rows += r.rows;
    }
    DenseWeight<T> w(rows, raw.empty() ? 0 : raw[0].cols);
    Index first = 0;
    Worker self;
    for (const RawWeight& r : raw) {
      pool_->run((r.rows + tile - 1) / tile, self, [&](Index t, Worker& worker) {
        float* decoded = worker.scratch_as<float>(r.cols);
        for (Index i = t * tile; i < std::min(r.rows, (t + 1) * tile); ++i) {
          if (r.dtype == DType::f64 && precision == Precision::f32) {  // would lose digits on the way through float
            for (Index j = 0; j < r.cols; ++j) {
              double value;
              std::memcpy(&value, r.row(i) + j * static_cast<Index>(sizeof value), sizeof value);
              w.row(first + i)[j] = static_cast<T>(value);
            }
            continue;
          }
          dequantize_row(r, i, decoded);
          round_row(precision, r.dtype, decoded, r.cols);
          std::copy_n(decoded, r.cols, w.row(first + i));
        }
      });
      first += r.rows;
    }
    return w;
  }
  template <class T>
  DenseWeight<T> pack_table(std::span<const RawWeight> raw, Precision precision) const {
    return pack<T>(raw, precision, Use::forward);
  }

  template <class T>
  void embedding(Lane& lane, std::span<const TokenId> ids, const DenseWeight<T>& table, MatView<T> y) const {
    rows(lane, y.rows, [&](Index i) { std::copy_n(table.row(ids[static_cast<std::size_t>(i)]), y.cols, y.row(i)); });
  }

  template <class T>
  void linear(Lane& lane, MatView<const T> x, const DenseWeight<T>& w, LinearExtras<T> extras, MatView<T> y) const {
    tiled_product(lane, x, w.row(0), w.cols(), w.rows(), true, T(1), [&](Index first, MatView<const T> t) {
      for (Index i = 0; i < t.rows; ++i)
        for (Index j = 0; j < t.cols; ++j) {
          T v = t(i, j);
          if (extras.bias.data) v += extras.bias[j];
          if (extras.residual.data) v += extras.residual(first + i, j);
          y(first + i, j) = v;
        }
    });
  }

  template <class T>
  void linear_dx(Lane& lane, MatView<const T> dy, const DenseWeight<T>& w, MatView<T> dx) const {
    tiled_product(lane, dy, w.row(0), w.cols(), w.cols(), false, T(1), [&](Index first, MatView<const T> t) {
      for (Index i = 0; i < t.rows; ++i) std::copy_n(t.row(i), t.cols, dx.row(first + i));
    });
  }

  template <class T>
  void gated_linear(Lane& lane, MatView<const T> x, const DenseWeight<T>& w, VecView<const T> bias, Gate gate,
                    MatView<T> y) const {
    tiled_product(lane, x, w.row(0), w.cols(), w.rows(), true, T(1), [&](Index first, MatView<const T> t) {
      const auto at = [&](Index i, Index j) { return bias.data ? t(i, j) + bias[j] : t(i, j); };
      for (Index i = 0; i < t.rows; ++i)
        for (Index j = 0; j < y.cols; ++j) y(first + i, j) = gated_value(gate, at(i, j), at(i, y.cols + j));
    });
  }

  template <class T>
  void matmul(Lane& lane, MatView<const T> a, bool transpose_a, MatView<const T> b, bool transpose_b, T alpha,
              MatView<T> y) const {
    const auto store = [&](Index first, MatView<const T> t) {
      for (Index i = 0; i < t.rows; ++i) std::copy_n(t.row(i), t.cols, y.row(first + i));
    };
    if (!transpose_a) return tiled_product(lane, a, b.data, b.stride, y.cols, transpose_b, alpha, store);
    std::vector<T> at(static_cast<std::size_t>(a.rows * a.cols));
    for (Index i = 0; i < a.rows; ++i)
      for (Index j = 0; j < a.cols; ++j) at[static_cast<std::size_t>(j * a.rows + i)] = a(i, j);
    tiled_product(lane, MatView<const T>{at.data(), a.cols, a.rows, a.rows}, b.data, b.stride, y.cols, transpose_b,
                  alpha, store);
  }

  template <class T>
  void gated(Lane& lane, MatView<const T> x, Gate gate, MatView<T> y) const {
    rows(lane, x.rows, [&](Index i) {
      for (Index j = 0; j < y.cols; ++j) y(i, j) = gated_value(gate, x(i, j), x(i, y.cols + j));
    });
  }

  template <class T>
  void add(Lane& lane, MatView<const T> a, MatView<const T> b, MatView<T> y) const {
    rows(lane, a.rows, [&](Index i) {
      for (Index j = 0; j < a.cols; ++j) y(i, j) = a(i, j) + b(i, j);
    });
  }

  template <class T>
  void rms_norm(Lane& lane, MatView<const T> x, VecView<const T> w, double eps, MatView<T> y, VecView<T> rstd) const {
    rows(lane, x.rows, [&](Index i) {
      const T r = inverse_rms(x.row(i), x.cols, eps);
      for (Index j = 0; j < x.cols; ++j) y(i, j) = w[j] * (x(i, j) * r);
      if (rstd.data) rstd[i] = r;
    });
  }

  template <class T>
  void head_rms_norm(Lane& lane, MatView<const T> x, VecView<const T> w, double eps, MatView<T> y) const {
    rows(lane, x.rows, [&](Index i) {
      for (Index h = 0; h < x.cols; h += w.size) {
        const T r = inverse_rms(x.row(i) + h, w.size, eps);
        for (Index j = 0; j < w.size; ++j) y(i, h + j) = w[j] * (x(i, h + j) * r);
      }
    });
  }

  template <class T>
  void layer_norm(Lane& lane, MatView<const T> x, VecView<const T> w, VecView<const T> b, double eps, MatView<T> y,
                  VecView<T> mean, VecView<T> rstd) const {
    rows(lane, x.rows, [&](Index i) {
      wide_t<T> sum(0), squares(0);
      for (Index j = 0; j < x.cols; ++j) sum += wide_t<T>(x(i, j));
      const T m = T(sum / wide_t<T>(static_cast<double>(x.cols)));
      for (Index j = 0; j < x.cols; ++j) squares += wide_t<T>((x(i, j) - m) * (x(i, j) - m));
      using std::sqrt;
      const T r = T(wide_t<T>(1) / sqrt(squares / wide_t<T>(static_cast<double>(x.cols)) + wide_t<T>(eps)));
      for (Index j = 0; j < x.cols; ++j) y(i, j) = (x(i, j) - m) * r * w[j] + b[j];
      if (mean.data) mean[i] = m;
      if (rstd.data) rstd[i] = r;
    });
  }

  template <class T>
  void rope(Lane& lane, MatView<const T> x, std::span<const Segment> segments, MatView<const T> cos,
            MatView<const T> sin, MatView<T> y) const {
    const Index half = cos.cols;
    lane.parallel_for(static_cast<Index>(segments.size()), [&](Index s, Worker&) {
      const Segment& segment = segments[static_cast<std::size_t>(s)];
      for (Index p = 0; p < segment.size; ++p)
        for (Index h = 0; h < x.cols; h += 2 * half)
          for (Index j = 0; j < half; ++j) {
            const T* in = x.row(segment.begin + p) + h;
            T* out = y.row(segment.begin + p) + h;
            const T a = in[j], b = in[half + j];
            out[j] = a * cos(p, j) - b * sin(p, j);
            out[half + j] = b * cos(p, j) + a * sin(p, j);
          }
    });
  }

  template <class T, Mask M>
  void attention(Lane& lane, MatView<const T> q, MatView<const T> k, MatView<const T> v,
                 std::span<const Segment> segments, const M& mask, AttentionShape shape, MatView<T> y,
                 VecView<T> lse) const {
    const Index group = shape.heads / shape.kv_heads, d = shape.head_dim;
    lane.parallel_for(static_cast<Index>(segments.size()) * shape.heads, [&](Index task, Worker& worker) {
      const Segment& s = segments[static_cast<std::size_t>(task / shape.heads)];
      const Index head = task % shape.heads, kv = head / group;
      // Scores, then one wide accumulator for the row under way.
      wide_t<T>* out = worker.template scratch_as<wide_t<T>>(d + s.size);
      T* p = reinterpret_cast<T*>(out + d);
      for (Index i = 0; i < s.size; ++i) {
        const T* query = q.row(s.begin + i) + head * d;
        const Range keys = keys_within(mask, {i, i + 1}, s);
        real_t<T> top = -std::numeric_limits<real_t<T>>::infinity();
        for (Index j = keys.begin; j < keys.end; ++j) {
          if (!mask.allows(i, j, s)) continue;
          p[j] = dot(query, k.row(s.begin + j) + kv * d, d) * T(static_cast<real_t<T>>(shape.scale));
          top = std::max(top, real_part(p[j]));
        }
        bool seen = false;
        std::fill_n(out, d, wide_t<T>(0));
        wide_t<T> sum(0);
        using std::exp;
        using std::log;
        for (Index j = keys.begin; j < keys.end; ++j) {
          if (!mask.allows(i, j, s)) continue;
          seen = true;
          const wide_t<T> e(exp(p[j] - T(top)));
          const T* value = v.row(s.begin + j) + kv * d;
          sum += e;
          for (Index c = 0; c < d; ++c) out[c] += e * wide_t<T>(value[c]);
        }
        if (!seen) fail_blind_query(i, s);
        for (Index c = 0; c < d; ++c) y(s.begin + i, head * d + c) = T(out[c] / sum);
        if (lse.data) lse[(s.begin + i) * shape.heads + head] = T(wide_t<T>(top) + log(sum));
      }
    });
  }

  template <class T>
  void softmax(Lane& lane, MatView<const T> x, Index group, double scale, MatView<T> y) const {
    using std::exp;
    const T factor(static_cast<real_t<T>>(scale));
    rows(lane, x.rows, [&](Index i) {
      for (Index g = 0; g < x.cols; g += group) {
        real_t<T> top = real_part(x(i, g) * factor);
        for (Index j = 1; j < group; ++j) top = std::max(top, real_part(x(i, g + j) * factor));
        T sum(0);
        for (Index j = 0; j < group; ++j) sum += y(i, g + j) = exp(x(i, g + j) * factor - T(top));
        for (Index j = 0; j < group; ++j) y(i, g + j) /= sum;
      }
    });
  }

  template <class T>
  void gather_rows(Lane& lane, MatView<const T> x, std::span<const Index> from, MatView<T> y) const {
    rows(lane, y.rows, [&](Index i) { std::copy_n(x.row(from[static_cast<std::size_t>(i)]), x.cols, y.row(i)); });
  }

  template <class T>
  void segment_mean(Lane& lane, MatView<const T> x, std::span<const Segment> segments, MatView<T> y) const {
    pool_rows(lane, x, segments, y, [](Index) { return real_t<T>(1); });
  }
  template <class T>
  void segment_weighted_mean(Lane& lane, MatView<const T> x, std::span<const Segment> segments, MatView<T> y) const {
    pool_rows(lane, x, segments, y, [](Index i) { return static_cast<real_t<T>>(i + 1); });
  }

  template <class T>
  void l2_normalize(Lane& lane, MatView<const T> x, MatView<T> y, VecView<T> norm) const {
    using std::sqrt;
    rows(lane, x.rows, [&](Index i) {
      const T length = sqrt(dot(x.row(i), x.row(i), x.cols));
      const T divisor = real_part(length) < real_t<T>(1e-12) ? T(real_t<T>(1e-12)) : length;
      for (Index j = 0; j < x.cols; ++j) y(i, j) = x(i, j) / divisor;
      if (norm.data) norm[i] = length;
    });
  }

 private:
  /// f(row) for all rows, a tile of rows a task.
  template <class F>
  static void rows(Lane& lane, Index n, F&& f) {
    lane.parallel_for((n + tile - 1) / tile, [&](Index t, Worker&) {
      for (Index i = t * tile; i < std::min(n, (t + 1) * tile); ++i) f(i);
    });
  }

  /// store(first row, tile result) for every tile of alpha x w^T (or alpha x w).
  template <class T, class Store>
  static void tiled_product(Lane& lane, MatView<const T> x, const T* w, Index w_stride, Index n, bool transposed,
                            T alpha, Store&& store) {
    lane.parallel_for((x.rows + tile - 1) / tile, [&](Index t, Worker& worker) {
      const Index first = t * tile, count = std::min(tile, x.rows - first);
      T* y = worker.template scratch_as<T>(tile * (n + (count < tile ? x.cols : 0)));
      const T* rows = x.row(first);
      Index stride = x.stride;
      if (count < tile) {
        T* filled = y + tile * n;
        for (Index i = 0; i < count; ++i) std::copy_n(x.row(first + i), x.cols, filled + i * x.cols);
        std::fill_n(filled + count * x.cols, (tile - count) * x.cols, T(0));
        rows = filled;
        stride = x.cols;
      }
      detail::product(rows, stride, tile, x.cols, w, w_stride, n, transposed, alpha, y, n);
      store(first, MatView<const T>{y, count, n, n});
    });
  }

  template <class T, class Weight>
  static void pool_rows(Lane& lane, MatView<const T> x, std::span<const Segment> segments, MatView<T> y,
                        Weight&& weight) {
    lane.parallel_for(static_cast<Index>(segments.size()), [&](Index s, Worker& worker) {
      const Segment& segment = segments[static_cast<std::size_t>(s)];
      wide_t<T>* sum = worker.template scratch_as<wide_t<T>>(x.cols);
      std::fill_n(sum, x.cols, wide_t<T>(0));
      wide_t<real_t<T>> total(0);
      for (Index i = segment.pool_begin; i < segment.size; ++i) {
        const auto w = static_cast<wide_t<real_t<T>>>(weight(i));
        for (Index j = 0; j < x.cols; ++j) sum[j] += w * wide_t<T>(x(segment.begin + i, j));
        total += w;
      }
      for (Index j = 0; j < x.cols; ++j) y(s, j) = T(sum[j] / total);
    });
  }

  /// Sums are kept wide: what judges others should not add rounding of its own.
  template <class T>
  static T dot(const T* a, const T* b, Index n) {
    wide_t<T> sum(0);
    for (Index j = 0; j < n; ++j) sum += wide_t<T>(a[j]) * wide_t<T>(b[j]);
    return T(sum);
  }
  template <class T>
  static T inverse_rms(const T* x, Index n, double eps) {
    wide_t<T> squares(0);
    for (Index j = 0; j < n; ++j) squares += wide_t<T>(x[j]) * wide_t<T>(x[j]);
    using std::sqrt;
    return T(wide_t<T>(1) / sqrt(squares / wide_t<T>(static_cast<double>(n)) + wide_t<T>(eps)));
  }
  template <class T>
  static T gated_value(Gate gate, T first, T second) {
    using std::exp;
    if (gate == Gate::swiglu) return first / (T(1) + exp(-first)) * second;
    return first *
           (second * (T(real_t<T>(0.5)) * (T(1) + error_function(second * T(real_t<T>(0.70710678118654752440))))));
  }

  std::shared_ptr<ThreadPool> pool_;
};

}  // namespace nvembed::eigen

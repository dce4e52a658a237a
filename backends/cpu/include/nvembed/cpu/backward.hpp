#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/core/dropout.hpp>
#include <nvembed/core/host_lane.hpp>
#include <nvembed/core/kernel_args.hpp>
#include <nvembed/core/segment.hpp>
#include <nvembed/core/view.hpp>
#include <nvembed/cpu/kernels.hpp>
#include <nvembed/mask/mask.hpp>
#include <span>
#include <vector>

namespace nvembed::cpu {

/// Backward kernels of a CPU back end, in f32. Rows are independent; sums over rows run in tiles of rows, in order,
/// whatever the number of threads. Gemm::run(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc) is a
/// single-threaded product c = op(a) op(b) + beta c.
template <class Gemm>
class BackwardKernels {
 public:
  void fill(HostLane& lane, float value, MatView<float> y) const {
    each_row(lane, y.rows, [&](Index i) { std::fill_n(y.row(i), y.cols, value); });
  }
  void copy(HostLane& lane, MatView<const float> x, MatView<float> y) const {
    each_row(lane, x.rows, [&](Index i) { std::copy_n(x.row(i), x.cols, y.row(i)); });
  }
  void dropout(HostLane& lane, MatView<const float> x, const Dropout& dropout, MatView<float> y) const {
    each_row(lane, y.rows, [&](Index i) { dropout.apply_row(i, x.row(i), x.cols, y.row(i)); });
  }
  void column_sums(HostLane& lane, MatView<const float> x, VecView<float> y) const {
    sum_rows(lane, x.rows, x.cols, y,
             [&](Index i, Index begin, Index n, float* to) { kernel_->add(to, x.row(i) + begin, n, to); });
  }

  void rms_norm_backward(HostLane& lane, MatView<const float> dy, MatView<const float> x, VecView<const float> w,
                         VecView<const float> rstd, MatView<float> dx, VecView<float> dw) const {
    if (dx.data)
      each_row(lane, x.rows,
               [&](Index i) { kernel_->rms_norm_backward(dy.row(i), x.row(i), w.data, x.cols, rstd[i], dx.row(i)); });
    if (dw.data)
      sum_rows(lane, x.rows, x.cols, dw, [&](Index i, Index begin, Index n, float* to) {
        kernel_->multiply_add(dy.row(i) + begin, x.row(i) + begin, rstd[i], n, to);
      });
  }
  void head_rms_norm_backward(HostLane& lane, MatView<const float> dy, MatView<const float> x, VecView<const float> w,
                              double eps, MatView<float> dx, VecView<float> dw) const {
    const Index d = w.size;
    const auto rstd = [&](const float* head) {
      return static_cast<float>(
          1.0 / std::sqrt(static_cast<double>(kernel_->squares(head, d)) / static_cast<double>(d) + eps));
    };
    if (dx.data)
      each_row(lane, x.rows, [&](Index i) {
        for (Index h = 0; h < x.cols; h += d)
          kernel_->rms_norm_backward(dy.row(i) + h, x.row(i) + h, w.data, d, rstd(x.row(i) + h), dx.row(i) + h);
      });
    if (dw.data)
      sum_rows(lane, x.rows, d, dw, [&](Index i, Index begin, Index n, float* to) {
        for (Index h = 0; h < x.cols; h += d)
          kernel_->multiply_add(dy.row(i) + h + begin, x.row(i) + h + begin, rstd(x.row(i) + h), n, to);
      });
  }
  void layer_norm_backward(HostLane& lane, MatView<const float> dy, MatView<const float> x, VecView<const float> w,
                           VecView<const float> mean, VecView<const float> rstd, MatView<float> dx, VecView<float> dw,
                           VecView<float> db) const {
    if (dx.data)
      each_row(lane, x.rows, [&](Index i) {
        kernel_->layer_norm_backward(dy.row(i), x.row(i), w.data, x.cols, mean[i], rstd[i], dx.row(i));
      });
    if (dw.data)
      sum_rows(lane, x.rows, x.cols, dw, [&](Index i, Index begin, Index n, float* to) {
        kernel_->multiply_add(dy.row(i) + begin, x.row(i) + begin, rstd[i], n, to);
        kernel_->axpy(-mean[i] * rstd[i], dy.row(i) + begin, n, to);
      });
    if (db.data) column_sums(lane, dy, db);
  }

  void rope_backward(HostLane& lane, MatView<const float> dy, std::span<const Segment> segments,
                     MatView<const float> cos, MatView<const float> sin, MatView<float> dx) const {
    std::vector<float> negative(static_cast<std::size_t>(sin.rows * sin.cols));  // the same turn, backwards
    for (Index p = 0; p < sin.rows; ++p) kernel_->scale(sin.row(p), sin.cols, -1.0f, negative.data() + p * sin.cols);
    lane.parallel_for(static_cast<Index>(segments.size()), [&](Index i, Worker&) {
      const Segment& s = segments[static_cast<std::size_t>(i)];
      for (Index p = 0; p < s.size; ++p)
        for (Index h = 0; h < dy.cols; h += 2 * cos.cols)
          kernel_->rope(dy.row(s.begin + p) + h, cos.row(p), negative.data() + p * sin.cols, cos.cols,
                        dx.row(s.begin + p) + h);
    });
  }

  /// A task is a key head of a text: it alone writes that head's dk and dv. Blocks of queries against all their keys,
  /// by products: s = q k^T, p = exp(scale s - lse), dp = dy v^T, ds = scale p (dp - dy . y); then dv += p^T dy, dk +=
  /// ds^T q, dq = ds k. Memory a thread: two blocks of (queries, keys).
  template <Mask M>
  void attention_backward(HostLane& lane, MatView<const float> dy, MatView<const float> q, MatView<const float> k,
                          MatView<const float> v, MatView<const float> y, VecView<const float> lse,
                          std::span<const Segment> segments, const M& mask, AttentionShape shape, MatView<float> dq,
                          MatView<float> dk, MatView<float> dv) const {
    constexpr Index block = 64;
    const Index group = shape.heads / shape.kv_heads, d = shape.head_dim;
    const auto scale = static_cast<float>(shape.scale);
    lane.parallel_for(static_cast<Index>(segments.size()) * shape.kv_heads, [&](Index task, Worker& worker) {
      const Segment& s = segments[static_cast<std::size_t>(task / shape.kv_heads)];
      const Index kv = task % shape.kv_heads, kv_at = kv * d;
      float* p = worker.scratch_as<float>(2 * block * s.size);
      float* ds = p + block * s.size;
      for (Index j = 0; j < s.size; ++j) {
        std::fill_n(dk.row(s.begin + j) + kv_at, d, 0.0f);
        std::fill_n(dv.row(s.begin + j) + kv_at, d, 0.0f);
      }
      for (Index head = kv * group; head < (kv + 1) * group; ++head)
        for (Index first = 0; first < s.size; first += block) {
          const Index count = std::min(block, s.size - first), row = s.begin + first, at = head * d;
          const Range keys = keys_within(mask, {first, first + count}, s);
          const Index n = keys.size(), key = s.begin + keys.begin;
          const float *query = q.row(row) + at, *grad = dy.row(row) + at;
          Gemm::run(false, true, count, n, d, query, q.stride, k.row(key) + kv_at, k.stride, 0, p, n);
          Gemm::run(false, true, count, n, d, grad, dy.stride, v.row(key) + kv_at, v.stride, 0, ds, n);
          for (Index i = 0; i < count; ++i) {
            float *p_row = p + i * n, *ds_row = ds + i * n;
            kernel_->exp_minus(p_row, n, scale, lse[(row + i) * shape.heads + head], p_row);
            for (Index j = 0; j < n; ++j)
              if (!mask.allows(first + i, keys.begin + j, s)) p_row[j] = 0;
            const float along = kernel_->dot(dy.row(row + i) + at, y.row(row + i) + at, d);
            kernel_->attention_ds(ds_row, p_row, n, along, scale, ds_row);
          }
          Gemm::run(true, false, n, d, count, p, n, grad, dy.stride, 1, dv.row(key) + kv_at, dv.stride);
          Gemm::run(true, false, n, d, count, ds, n, query, q.stride, 1, dk.row(key) + kv_at, dk.stride);
          Gemm::run(false, false, count, d, n, ds, n, k.row(key) + kv_at, k.stride, 0, dq.row(row) + at, dq.stride);
        }
    });
  }

  void softmax_backward(HostLane& lane, MatView<const float> dy, MatView<const float> y, Index group, double scale,
                        MatView<float> dx) const {
    each_row(lane, y.rows, [&](Index i) {
      for (Index g = 0; g < y.cols; g += group)
        kernel_->softmax_backward(dy.row(i) + g, y.row(i) + g, group, static_cast<float>(scale), dx.row(i) + g);
    });
  }
  void gated_backward(HostLane& lane, MatView<const float> dy, MatView<const float> x, Gate gate,
                      MatView<float> dx) const {
    const Index m = dy.cols;
    each_row(lane, x.rows, [&](Index i) {
      kernel_->gated_backward(gate, dy.row(i), x.row(i), x.row(i) + m, m, dx.row(i), dx.row(i) + m);
    });
  }
  void gather_rows_backward(HostLane& lane, MatView<const float> dy, std::span<const Index> to,
                            MatView<float> dx) const {
    fill(lane, 0.0f, dx);
    for (Index i = 0; i < dy.rows; ++i) {  // rows may be named twice
      float* row = dx.row(to[static_cast<std::size_t>(i)]);
      kernel_->add(row, dy.row(i), dy.cols, row);
    }
  }
  void segment_mean_backward(HostLane& lane, MatView<const float> dy, std::span<const Segment> segments,
                             MatView<float> dx) const {
    pool_backward(lane, dy, segments, dx, [](Index) { return 1.0f; });
  }
  void segment_weighted_mean_backward(HostLane& lane, MatView<const float> dy, std::span<const Segment> segments,
                                      MatView<float> dx) const {
    pool_backward(lane, dy, segments, dx, [](Index i) { return static_cast<float>(i + 1); });
  }
  /// norm is |x| as it was, before it was kept from being too small.
  void l2_normalize_backward(HostLane& lane, MatView<const float> dy, MatView<const float> y, VecView<const float> norm,
                             MatView<float> dx) const {
    constexpr float least = 1e-12f;
    each_row(lane, y.rows, [&](Index i) {
      const bool tiny = norm[i] < least;
      const float along = tiny ? 0.0f : kernel_->dot(dy.row(i), y.row(i), y.cols), by = 1.0f / (tiny ? least : norm[i]);
      kernel_->scale(dy.row(i), y.cols, by, dx.row(i));
      kernel_->axpy(-along * by, y.row(i), y.cols, dx.row(i));
    });
  }

 protected:
  explicit BackwardKernels(const Kernels& kernel) : kernel_(&kernel) {}

  const Kernels* kernel_;

 private:
  static constexpr Index tile = 64;

  template <class F>
  static void each_row(HostLane& lane, Index n, F&& f) {
    lane.parallel_for((n + tile - 1) / tile, [&](Index t, Worker&) {
      for (Index i = t * tile; i < std::min(n, (t + 1) * tile); ++i) f(i);
    });
  }

  /// y = sum over rows of what add(row, first column, columns, to) adds to `to`. A task is a stripe of columns; rows
  /// are added up in tiles, whose sums are added up in order.
  template <class Add>
  static void sum_rows(HostLane& lane, Index rows, Index cols, VecView<float> y, Add&& add) {
    constexpr Index stripe = 128;
    lane.parallel_for((cols + stripe - 1) / stripe, [&](Index t, Worker&) {
      const Index begin = t * stripe, n = std::min(stripe, cols - begin);
      float part[stripe];
      double total[stripe] = {};
      for (Index first = 0; first < rows; first += tile) {
        std::fill_n(part, n, 0.0f);
        for (Index i = first; i < std::min(rows, first + tile); ++i) add(i, begin, n, part);
        for (Index j = 0; j < n; ++j) total[j] += static_cast<double>(part[j]);
      }
      for (Index j = 0; j < n; ++j) y[begin + j] = static_cast<float>(total[j]);
    });
  }

  template <class Weight>
  void pool_backward(HostLane& lane, MatView<const float> dy, std::span<const Segment> segments, MatView<float> dx,
                     Weight&& weight) const {
    fill(lane, 0.0f, dx);
    lane.parallel_for(static_cast<Index>(segments.size()), [&](Index t, Worker&) {
      const Segment& s = segments[static_cast<std::size_t>(t)];
      float total = 0;
      for (Index i = s.pool_begin; i < s.size; ++i) total += weight(i);
      for (Index i = s.pool_begin; i < s.size; ++i)
        kernel_->scale(dy.row(t), dx.cols, weight(i) / total, dx.row(s.begin + i));
    });
  }
};

}  // namespace nvembed::cpu

#pragma once

#include <nvembed/core/backend.hpp>
#include <nvembed/core/dropout.hpp>

namespace nvembed {

/// A back end that trains too: the kernels of Backend have backward kernels beside them, under the same rules. `dy` is
/// the result's gradient, `dx` the input's; outputs are written whole. Where `dx`, `dw` or `db` is an empty view,
/// nobody wants it. Sums over rows run in one order whatever the number of threads.
template <class B, class T = float>
concept TrainableBackend = Backend<B, T> &&
    requires(const B& be, typename B::Lane& lane, MatView<const T> x, MatView<T> y, VecView<const T> v, VecView<T> out,
             std::span<const Segment> segments, std::span<const Index> rows, AttentionShape shape, Gate gate,
             const Dropout& dropout) {
  be.fill(lane, T(0), y);
  be.copy(lane, x, y);
  be.dropout(lane, x, dropout, y);                           // y_ij = x_ij / (1 - p), or 0
  be.column_sums(lane, x, out);                              // out_j = sum_i x_ij
  be.rms_norm_backward(lane, x, x, v, v, y, out);            // dy, x, w, rstd; dx, dw
  be.head_rms_norm_backward(lane, x, x, v, 0.0, y, out);     // dy, x, w, eps; dx, dw
  be.layer_norm_backward(lane, x, x, v, v, v, y, out, out);  // dy, x, w, mean, rstd; dx, dw, db
  be.rope_backward(lane, x, segments, x, x, y);              // dy, segments, cos, sin; dx
  be.attention_backward(lane, x, x, x, x, x, v, segments, detail::AnyMask{}, shape, y, y, y);  // dy, q, k, v, y, lse
  be.softmax_backward(lane, x, x, Index{}, 1.0, y);  // dy, y, group, scale; dx
  be.gated_backward(lane, x, x, gate, y);            // dy, x; dx
  be.gather_rows_backward(lane, x, rows, y);         // dx = 0 but for dx[rows_i] += dy_i
  be.segment_mean_backward(lane, x, segments, y);    // dx = 0 where nothing is pooled
  be.segment_weighted_mean_backward(lane, x, segments, y);
  be.l2_normalize_backward(lane, x, x, v, y);  // dy, y, |x|; dx
};

}  // namespace nvembed

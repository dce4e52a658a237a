#pragma once

#include <concepts>
#include <cstdint>
#include <nvembed/core/accumulate.hpp>
#include <nvembed/core/kernel_args.hpp>
#include <nvembed/core/lane.hpp>
#include <nvembed/core/precision.hpp>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/core/segment.hpp>
#include <nvembed/core/view.hpp>
#include <span>

namespace nvembed {

using TokenId = std::int32_t;

namespace detail {
/// Stands for any mask where a concept must name one.
struct AnyMask {
  NVEMBED_HD bool allows(Index, Index, const Segment&) const { return true; }
  NVEMBED_HD Range keys(Range, const Segment& s) const { return {0, s.size}; }
};
}  // namespace detail

/// The kernels of a back end for scalar T, on views of its own memory; `ids`, `segments` and `rows` lie on the host and
/// may change once the call is over. Rows are tokens. Statistics and tables are held in `accumulate_t<T>`. Work is cut
/// into fixed tiles: a row's result never depends on the other rows, on their number or on the number of threads, to
/// the bit. Outputs are written whole and never assumed zeroed; `y` may be `x` itself where shapes agree in rms_norm,
/// head_rms_norm, layer_norm, rope, softmax, add and l2_normalize. Optional outputs (`rstd`, `mean`, `norm`, `lse`) are
/// empty views where nobody wants them. Shapes are checked by the ops that call.
template <class B, class T>
concept Kernels = requires(const B& be, typename B::Lane& lane, const typename B::template Packed<T>& w,
                           std::span<const RawWeight> raw, MatView<const T> x, MatView<T> y, VecView<const T> v,
                           VecView<accumulate_t<T>> out, MatView<const accumulate_t<T>> table,
                           std::span<const TokenId> ids, std::span<const Segment> segments, std::span<const Index> rows,
                           LinearExtras<T> extras, AttentionShape shape, Gate gate) {
  // A frozen weight: the raw matrices stacked by rows, in an opaque form; copies share it.
  { be.template pack<T>(raw, Precision::f32, Use::forward) } -> std::same_as<typename B::template Packed<T>>;
  { w.rows() } -> std::convertible_to<Index>;   // out
  { w.cols() } -> std::convertible_to<Index>;   // in
  { w.bytes() } -> std::convertible_to<Index>;  // memory held
  // The same for rows that are looked up, not multiplied.
  { be.template pack_table<T>(raw, Precision::f32) } -> std::same_as<typename B::template Table<T>>;

  be.embedding(lane, ids, std::declval<const typename B::template Table<T>&>(), y);  // y_i = table[ids_i]
  be.linear(lane, x, w, extras, y);                                                  // y = x W^T + bias + residual
  be.linear_dx(lane, x, w, y);                  // dx = dy W, x being dy (n, out), y dx (n, in)
  be.gated_linear(lane, x, w, v, gate, y);      // y = gate(x W^T + bias), W (2m, in), y (n, m)
  be.matmul(lane, x, false, x, true, T(1), y);  // y = alpha op(a) op(b), op = transpose or not
  be.gated(lane, x, gate, y);                   // (n, 2m) -> (n, m)
  be.add(lane, x, x, y);
  be.rms_norm(lane, x, v, 0.0, y, out);            // out: rstd (n)
  be.head_rms_norm(lane, x, v, 0.0, y);            // each block of v.size columns on its own (Qwen3 q_norm, k_norm)
  be.layer_norm(lane, x, v, v, 0.0, y, out, out);  // mean (n), rstd (n)
  be.rope(lane, x, segments, table, table, y);     // cos, sin (positions, head_dim / 2), halves rotated
  be.attention(lane, x, x, x, segments, detail::AnyMask{}, shape, y, out);  // lse (n * heads)
  be.softmax(lane, x, Index{}, 1.0, y);            // over each group of columns: softmax(scale x)
  be.gather_rows(lane, x, rows, y);                // y_i = x[rows_i]
  be.segment_mean(lane, x, segments, y);           // y[i] = mean of rows [pool_begin, size) of segment i
  be.segment_weighted_mean(lane, x, segments, y);  // the same rows, weight of token i of a text: i + 1
  be.l2_normalize(lane, x, y, out);                // y = x / max(|x|, 1e-12); norm (n)
  requires std::same_as<T, accumulate_t<T>> || requires(MatView<accumulate_t<T>> wide) { be.cast(lane, x, wide); };
};

/// A device: immutable once made, shared between threads. `make_lane()` gives a worker on it.
template <class B, class T = float>
concept Backend = requires(const B& be) {
  typename B::Lane;
  requires Lane<typename B::Lane>;
  { be.make_lane() } -> std::same_as<typename B::Lane>;
  { be.name() } -> std::convertible_to<std::string_view>;
  { be.free_memory() } -> std::convertible_to<Index>;  // bytes that may still be allocated on it
  { B::batch_tokens } -> std::convertible_to<Index>;   // most tokens of a forward pass that serve it
}
&&Kernels<B, T>;

}  // namespace nvembed

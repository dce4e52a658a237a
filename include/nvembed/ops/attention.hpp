#pragma once

#include <memory>
#include <nvembed/core/accumulate.hpp>
#include <nvembed/core/kernel_args.hpp>
#include <nvembed/core/segment.hpp>
#include <nvembed/mask/any.hpp>
#include <nvembed/ops/op.hpp>
#include <vector>

namespace nvembed::ops {

/// Grouped-query attention inside each text: y = softmax(scale q k^T, masked) v, head h reading key head
/// h / (heads / kv_heads) (arXiv 1706.03762, 2305.13245).
template <class M>
struct Attention {
  std::shared_ptr<const std::vector<Segment>> segments;
  M mask{};
  AttentionShape shape;

  template <class B, class T>
  struct Saved {
    Tensor<B, T> qk, v, y;
    Tensor<B, accumulate_t<T>> lse;
  };

  /// qk (n, at least (heads + kv_heads) head_dim): queries, then keys; v (n, ...) with the values in its last kv_heads
  /// * head_dim columns -> (n, heads * head_dim)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved<B, T>> saved, const Tensor<B, T>& qk,
                       const Tensor<B, T>& v) const {
    const Index q_width = shape.heads * shape.head_dim, kv_width = shape.kv_heads * shape.head_dim;
    require<ShapeError>(shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0, "attention", shape.heads,
                        " heads do not share ", shape.kv_heads, " key heads evenly");
    require<ShapeError>(qk && qk.shape().rank() == 2 && qk.cols() >= q_width + kv_width, "attention", "q,k ",
                        qk.shape().str(), " hold no ", shape.heads, " + ", shape.kv_heads, " heads of ",
                        shape.head_dim);
    require<ShapeError>(v && v.shape().rank() == 2 && v.rows() == qk.rows() && v.cols() >= kv_width, "attention", "v ",
                        v.shape().str(), " does not fit q,k ", qk.shape().str());
    Tensor<B, T> y(lane, {qk.rows(), q_width});
    Tensor<B, accumulate_t<T>> lse;
    if (saved) lse = Tensor<B, accumulate_t<T>>(lane, {qk.rows() * shape.heads});
    const auto run = [&](const auto& m) {
      be.attention(lane, qk.mat().columns(0, q_width), qk.mat().columns(q_width, kv_width),
                   v.mat().columns(v.cols() - kv_width, kv_width), std::span<const Segment>(*segments), m, shape,
                   y.mat(), lse.flat());
    };
    if constexpr (std::is_same_v<M, mask::Any>)
      mask.visit(run);
    else
      run(mask);
    if (saved) *saved = {qk, v, y, lse};
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 2> backward(const B& be, typename B::Lane& lane, const Saved<B, T>& saved,
                                       const Tensor<B, T>& dy, Need) const {
    const Index q_width = shape.heads * shape.head_dim, kv_width = shape.kv_heads * shape.head_dim;
    const Tensor<B, T>&qk = saved.qk, &v = saved.v;
    // What attention does not read of its inputs has no gradient from it.
    const auto like = [&](const Tensor<B, T>& x, Index read) {
      return x.cols() == read ? Tensor<B, T>(lane, x.shape()) : detail::zeros<B, T>(be, lane, x.rows(), x.cols());
    };
    Tensor<B, T> dqk = like(qk, q_width + kv_width), dv = like(v, kv_width);
    const auto run = [&](const auto& m) {
      be.attention_backward(lane, dy.mat(), qk.mat().columns(0, q_width), qk.mat().columns(q_width, kv_width),
                            v.mat().columns(v.cols() - kv_width, kv_width), saved.y.mat(), saved.lse.flat(),
                            std::span<const Segment>(*segments), m, shape, dqk.mat().columns(0, q_width),
                            dqk.mat().columns(q_width, kv_width), dv.mat().columns(v.cols() - kv_width, kv_width));
    };
    if constexpr (std::is_same_v<M, mask::Any>)
      mask.visit(run);
    else
      run(mask);
    return {dqk, dv};
  }

  /// The first input, as it is kept for backward.
  template <class B, class T>
  static Tensor<B, T>& kept(Saved<B, T>& saved) {
    return saved.qk;
  }
};

}  // namespace nvembed::ops

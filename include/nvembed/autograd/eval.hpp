#pragma once

#include <nvembed/autograd/context.hpp>
#include <optional>
#include <utility>

namespace nvembed {

/// The context of inference: runs ops and keeps nothing. One thread drives it; make one per thread.
template <class B>
class Eval {
 public:
  using backend = B;
  template <class T>
  using Var = Tensor<B, T>;

  explicit Eval(const B& be, Randomness randomness = {})
      : be_(be), own_(be.make_lane()), randomness_(std::move(randomness)) {}
  /// On a lane of the caller's, whose buffers it takes up and leaves there.
  Eval(const B& be, typename B::Lane& lane, Randomness randomness = {})
      : be_(be), lent_(&lane), randomness_(std::move(randomness)) {}

  const B& be() const { return be_; }
  typename B::Lane& lane() { return lent_ ? *lent_ : *own_; }
  /// Empty for inference; a first pass whose result a second one will differentiate draws as that one does.
  const Randomness& randomness() const { return randomness_; }

  template <class T>
  Tensor<B, T> constant(Tensor<B, T> t) {
    return t;
  }
  template <class T>
  const Tensor<B, T>& leaf(const Parameter<B, T>& p) {
    return p.value;
  }
  template <class T>
  static const Tensor<B, T>& value(const Tensor<B, T>& v) {
    return v;
  }
  template <class F, class... Inputs>
  auto block(F&& f, const Inputs&... inputs) {
    return f(*this, inputs...);
  }
  /// op.forward(be, lane, nullptr, inputs...): nothing is saved.
  template <class Op, class... Inputs>
  auto apply(const Op& op, const Inputs&... inputs) {
    return op.forward(be_, lane(), nullptr, inputs...);
  }

 private:
  const B& be_;
  std::optional<typename B::Lane> own_;
  typename B::Lane* lent_ = nullptr;
  Randomness randomness_;
};

}  // namespace nvembed

#pragma once

#include <nvembed/autograd/context.hpp>
#include <utility>

namespace nvembed {

/// The context of inference: runs ops and keeps nothing. Owns a lane; one thread drives it; make one per thread.
template <class B>
class Eval {
 public:
  using backend = B;
  template <class T>
  using Var = Tensor<B, T>;

  explicit Eval(const B& be, Randomness randomness = {})
      : be_(be), lane_(be.make_lane()), randomness_(std::move(randomness)) {}

  const B& be() const { return be_; }
  typename B::Lane& lane() { return lane_; }
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
    return op.forward(be_, lane_, nullptr, inputs...);
  }

 private:
  const B& be_;
  typename B::Lane lane_;
  Randomness randomness_;
};

}  // namespace nvembed

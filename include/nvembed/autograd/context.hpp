#pragma once

#include <concepts>
#include <nvembed/autograd/randomness.hpp>
#include <nvembed/core/parameter.hpp>
#include <nvembed/core/tensor.hpp>

namespace nvembed {

/// Where a layer runs. `Var<T>` is what flows between ops: a Tensor under Eval, a Tensor and its place on the tape
/// under Tape. Layers use, besides what stands here,
///   cx.apply(op, vars...)  -> Var   runs an op (`op.forward`), and records it where gradients are wanted
///   cx.leaf(parameter)     -> Var   a parameter's value
///   cx.constant(tensor)    -> Var   a value without gradient
///   cx.block(f, vars...)   -> Var   f(cx, vars...), a part whose inner values a tape may make anew in backward instead
///                                   of keeping them; f holds what it needs by value, or outlives the context
///   cx.randomness()        what dropout draws from; empty where nothing is dropped
/// An op's inputs that may be left out are default-made Vars.
template <class C>
concept Context = requires(C& cx, typename C::template Var<float> v, Tensor<typename C::backend, float> t,
                           const Parameter<typename C::backend, float>& p) {
  typename C::backend;
  { cx.be() } -> std::same_as<const typename C::backend&>;
  { cx.lane() } -> std::same_as<typename C::backend::Lane&>;
  { cx.randomness() } -> std::same_as<const Randomness&>;
  { cx.constant(t) } -> std::same_as<typename C::template Var<float>>;
  { cx.leaf(p) } -> std::convertible_to<typename C::template Var<float>>;
  { C::value(v) } -> std::convertible_to<const Tensor<typename C::backend, float>&>;
};

}  // namespace nvembed

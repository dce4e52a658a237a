#pragma once

#include <concepts>
#include <nvembed/autograd/context.hpp>

namespace nvembed {

/// What is minimised: l(cx, a (n, d), b (m, d), targets) -> (1, 1). `a` and `b` are the two sides that are compared:
/// queries and passages, left and right texts of graded pairs, student and teacher; rows of unit length unless the loss
/// says otherwise, in f32 or wider. `Targets` is what it must know about their rows. Like a layer it is a const
/// callable that is written once: the value under Eval, gradients of both sides under a tape.
template <class L, class C>
concept Loss = Context<C> &&
    requires(const L& l, C& cx, const typename C::template Var<float>& v, const typename L::Targets& targets) {
  { l(cx, v, v, targets) } -> std::same_as<typename C::template Var<float>>;
};

}  // namespace nvembed

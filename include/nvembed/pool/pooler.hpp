#pragma once

#include <concepts>
#include <nvembed/autograd/context.hpp>
#include <nvembed/batch/packed.hpp>
#include <nvembed/nn/module.hpp>

namespace nvembed {

/// Token states to one vector a text: p(cx, hidden (tokens, dim), batch) -> (texts, dim). Only the rows
/// [pool_begin, size) of a text are pooled.
template <class P, class C>
concept Pooler = Context<C> && Module<P> &&
    requires(const P& p, C& cx, const typename C::template Var<float>& hidden, const Packed& batch) {
  { p(cx, hidden, batch) } -> std::same_as<typename C::template Var<float>>;
};

}  // namespace nvembed

#pragma once

#include <concepts>
#include <nvembed/autograd/context.hpp>
#include <nvembed/batch/packed.hpp>
#include <nvembed/nn/module.hpp>

namespace nvembed {

/// Token states to one vector a text: p(cx, hidden (tokens, dim), batch) -> (texts, dim). Only the rows
/// [pool_begin, size) of a text are pooled. One that reads no others may say so in `Range reads(const Segment&)`
/// (relative to the text); it is then called with those rows alone, as the batch that RowSelection leaves.
template <class P, class C>
concept Pooler = Context<C> && Module<P> &&
    requires(const P& p, C& cx, const typename C::template Var<float>& hidden, const Packed& batch) {
  { p(cx, hidden, batch) } -> std::same_as<typename C::template Var<float>>;
};

}  // namespace nvembed

#pragma once

#include <nvembed/pool/pooler.hpp>

namespace nvembed::pool {

/// No pooling: token states as they are, (tokens, dim).
struct None {
  template <class Self, class V>
  static void reflect(Self&, V&&) {}

  template <Context C, class Var>
  auto operator()(C&, const Var& hidden, const Packed&) const {
    return hidden;
  }
};

}  // namespace nvembed::pool

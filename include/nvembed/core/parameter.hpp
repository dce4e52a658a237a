#pragma once

#include <nvembed/core/tensor.hpp>
#include <string>
#include <utility>
#include <vector>

namespace nvembed {

/// One checkpoint tensor inside a member: members that are multiplied together (q, k, v; gate, up) are stacked by rows
/// and held as one.
struct Part {
  std::string key;  ///< appended to the member's own key; empty where the member is a single tensor
  Index rows = 0;
};

/// Stacked parts of a member, and the width they share.
struct Parts {
  std::vector<Part> parts;
  Index cols = 0;

  Parts() = default;
  Parts(Index rows, Index width) : parts{Part{"", rows}}, cols(width) {}
  Parts(std::vector<Part> p, Index width) : parts(std::move(p)), cols(width) {}
  Index rows() const {
    Index n = 0;
    for (const Part& p : parts) n += p.rows;
    return n;
  }
};

/// A tensor that a module owns and a checkpoint names: norm weights, biases, latents. Trainable as it is.
/// A vector of n elements is declared as one row: Parts{1, n}.
template <class B, class T>
struct Parameter {
  Parts declared;
  Tensor<B, T> value;  // (rows, cols)
};

/// A frozen matrix in the back end's packed form: multiplied from either side, never written.
template <class B, class T>
struct FrozenWeight {
  Parts declared;
  typename B::template Packed<T> value;  // (out, in)
};

/// A frozen matrix whose rows are looked up.
template <class B, class T>
struct FrozenTable {
  Parts declared;
  typename B::template Table<T> value;  // (vocab, dim)
};

}  // namespace nvembed

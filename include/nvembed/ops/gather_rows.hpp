#pragma once

#include <nvembed/ops/op.hpp>
#include <span>
#include <vector>

namespace nvembed::ops {

/// y_i = x[rows_i]: how rows that nobody pools are left out. dx: rows added up where they came from.
struct GatherRows {
  std::vector<Index> rows;

  struct Saved {
    Index rows = 0;  // of the input
  };

  /// x (n, d) -> (rows, d)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved> saved, const Tensor<B, T>& x) const {
    for (Index r : rows)
      require<ShapeError>(r >= 0 && r < x.rows(), "gather_rows", "row ", r, " of x ", x.shape().str());
    Tensor<B, T> y(lane, {static_cast<Index>(rows.size()), x.cols()});
    be.gather_rows(lane, x.mat(), std::span<const Index>(rows), y.mat());
    if (saved) saved->rows = x.rows();
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 1> backward(const B& be, typename B::Lane& lane, const Saved& saved, const Tensor<B, T>& dy,
                                       Need) const {
    Tensor<B, T> dx(lane, {saved.rows, dy.cols()});
    be.gather_rows_backward(lane, dy.mat(), std::span<const Index>(rows), dx.mat());
    return {dx};
  }
};

}  // namespace nvembed::ops

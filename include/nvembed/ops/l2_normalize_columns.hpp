#pragma once

#include <nvembed/core/accumulate.hpp>
#include <nvembed/ops/op.hpp>

namespace nvembed::ops {

/// The first `columns` columns of each row, brought to unit length: y_i = x_i[:columns] / max(|x_i[:columns]|, 1e-12),
/// as Matryoshka vectors are cut. dx is L2Normalize's in these columns, 0 in the others.
struct L2NormalizeColumns {
  Index columns = 0;

  template <class B, class T>
  struct Saved {
    Tensor<B, T> y;                   // (n, columns)
    Tensor<B, accumulate_t<T>> norm;  // (n)
    Index width = 0;                  // of x
  };

  /// x (n, d) -> (n, columns)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved<B, T>> saved, const Tensor<B, T>& x) const {
    require<ShapeError>(x && x.shape().rank() == 2 && columns > 0 && columns <= x.cols(), "l2_normalize_columns", "x ",
                        x.shape().str(), " does not have ", columns, " columns");
    Tensor<B, T> y(lane, {x.rows(), columns});
    Tensor<B, accumulate_t<T>> norm;
    if (saved) norm = Tensor<B, accumulate_t<T>>(lane, {x.rows()});
    be.l2_normalize(lane, x.mat().columns(0, columns), y.mat(), norm.flat());
    if (saved) *saved = {y, norm, x.cols()};
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 1> backward(const B& be, typename B::Lane& lane, const Saved<B, T>& saved,
                                       const Tensor<B, T>& dy, Need) const {
    Tensor<B, T> dx = detail::zeros<B, T>(be, lane, dy.rows(), saved.width);
    be.l2_normalize_backward(lane, dy.mat(), saved.y.mat(), saved.norm.flat(), dx.mat().columns(0, columns));
    return {dx};
  }
};

}  // namespace nvembed::ops

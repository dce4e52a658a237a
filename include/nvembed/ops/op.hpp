#pragma once

#include <array>
#include <nvembed/core/need.hpp>
#include <nvembed/core/tensor.hpp>
#include <string_view>
#include <type_traits>
#include <utility>

namespace nvembed::ops {

/// The shape every op has. An op is a small struct that holds what is not differentiable (sizes, segments, a frozen
/// weight's handle: owned or shared, never borrowed). It has
///   template <class B, class T> struct Saved;      what its backward needs: owned tensors, never pointers
///   Tensor<B, T> forward(be, lane, SavedArg<Saved<B, T>> saved, inputs...) const;      fills `*saved` unless null
/// and, for fine-tuning,
///   std::array<Tensor<B, T>, n> backward(be, lane, saved, dy, need) const;   a gradient for each input that is needed
/// and, where it is cheap,
///   Tensor<B, T> remake(be, lane, saved) const;      its result again, so that a tape need not keep it
///   Tensor<B, T>& kept(saved);                       of a reader: where it saves its first input, if only to read it
/// It checks shapes, calls the back end's kernels and knows neither layers nor tapes.
///
/// SavedArg takes part in no deduction, so `nullptr` may be passed.
template <class Saved>
using SavedArg = std::type_identity_t<Saved>*;

/// For ops whose backward needs nothing but the incoming gradient and what the op itself holds.
struct SavesNothing {};

namespace detail {
template <class B, class T>
void check_width(std::string_view op, const Tensor<B, T>& x, Index width) {
  require<ShapeError>(x && x.shape().rank() == 2 && x.cols() == width, op, "x ", x.shape().str(), " should be (n, ",
                      width, ")");
}
template <class B, class T>
void check_vector(std::string_view op, const char* name, const Tensor<B, T>& w, Index size) {
  require<ShapeError>(w.size() == size, op, name, " ", w.shape().str(), " does not fit ", size, " columns");
}
/// Sums over rows, (1, cols).
template <class B, class T>
Tensor<B, T> column_sums(const B& be, typename B::Lane& lane, const Tensor<B, T>& x) {
  Tensor<B, T> sums(lane, {1, x.cols()});
  be.column_sums(lane, x.mat(), sums.flat());
  return sums;
}

/// A vector as a matrix of n equal rows: rows of stride 0, to be read only.
template <class B, class T>
MatView<const T> every_row(const Tensor<B, T>& v, Index n) {
  return {v.data(), n, v.size(), 0};
}

/// A matrix of zeros.
template <class B, class T>
Tensor<B, T> zeros(const B& be, typename B::Lane& lane, Index rows, Index cols) {
  Tensor<B, T> z(lane, {rows, cols});
  be.fill(lane, T(0), z.mat());
  return z;
}
}  // namespace detail

}  // namespace nvembed::ops

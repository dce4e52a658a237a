#pragma once

#include <cstdint>
#include <nvembed/autograd/context.hpp>
#include <nvembed/loss/host_op.hpp>
#include <nvembed/loss/squared_error.hpp>
#include <string_view>

namespace nvembed::loss {

namespace detail {
struct CosineDistanceRows {
  static constexpr std::string_view name = "embedding_distillation";
  static constexpr std::size_t inputs = 2;

  template <class W>
  W operator()(const HostMatrix<W>* const (&x)[2], HostMatrix<W>* const (&dx)[2], bool) const {
    const HostMatrix<W>&a = *x[0], &b = *x[1];
    const double n = static_cast<double>(a.rows);
    W sum(0);
    for (Index i = 0; i < a.rows; ++i) {
      sum += 1.0 - dot(a.row(i), b.row(i), a.cols);
      if (dx[0]) add_row(dx[0]->row(i), W(-1 / n), b.row(i), a.cols);
      if (dx[1]) add_row(dx[1]->row(i), W(-1 / n), a.row(i), a.cols);
    }
    return sum / n;
  }
};
}  // namespace detail

/// What of two vectors is held against each other. `cosine`: mean_i 1 - a_i.b_i, of unit vectors. `mse`: mean over all
/// elements of (a - b)^2, of vectors of any length (arXiv 2004.09813).
enum class EmbeddingDistance : std::uint8_t { cosine, mse };

/// The student's vectors are to be the teacher's. A teacher without gradient is `cx.constant(vectors)`.
struct EmbeddingDistillation {
  /// Row i of both sides is the same text; there is no more to tell.
  struct Targets {};

  EmbeddingDistance distance = EmbeddingDistance::cosine;

  /// student (n, d), teacher (n, d) -> (1, 1)
  template <Context C, class Var>
  auto operator()(C& cx, const Var& student, const Var& teacher, const Targets& = {}) const {
    detail::require_same_shape<C>("embedding_distillation", student, teacher);
    return distance == EmbeddingDistance::mse ? squared_error(cx, student, teacher)
                                              : cx.apply(HostOp<detail::CosineDistanceRows>{}, student, teacher);
  }
};

}  // namespace nvembed::loss

#pragma once

#include <memory>
#include <nvembed/autograd/context.hpp>
#include <nvembed/loss/graded_pairs.hpp>
#include <nvembed/loss/host_op.hpp>
#include <string_view>
#include <vector>

namespace nvembed::loss {

namespace detail {
/// The loss of unit vectors a (n, d), b (n, d).
struct CosineMsePairs {
  static constexpr std::string_view name = "cosine_mse";
  static constexpr std::size_t inputs = 2;
  std::shared_ptr<const std::vector<double>> grades;

  template <class W>
  W operator()(const HostMatrix<W>* const (&x)[2], HostMatrix<W>* const (&dx)[2], bool) const {
    const HostMatrix<W>&a = *x[0], &b = *x[1];
    const double n = static_cast<double>(a.rows);
    W sum(0);
    for (Index i = 0; i < a.rows; ++i) {
      const W error = dot(a.row(i), b.row(i), a.cols) - (*grades)[static_cast<std::size_t>(i)];
      sum += error * error;
      if (dx[0]) add_row(dx[0]->row(i), error * (2 / n), b.row(i), a.cols);
      if (dx[1]) add_row(dx[1]->row(i), error * (2 / n), a.row(i), a.cols);
    }
    return sum / n;
  }
};
}  // namespace detail

/// mean_i (s_i - grade_i)^2: cosines s of pairs are to be the grades themselves (Sentence-BERT, arXiv 1908.10084).
struct CosineMse {
  using Targets = GradedPairs;  ///< grades in [-1, 1]

  /// unit vectors a (n, d), b (n, d) -> (1, 1). Throws InputError for a grade that no cosine can be.
  template <Context C, class Var>
  auto operator()(C& cx, const Var& a, const Var& b, const Targets& targets) const {
    detail::require_same_shape<C>("cosine_mse", a, b);
    targets.check("cosine_mse", C::value(a).rows());
    for (const double g : targets.grades)
      require<InputError>(g >= -1 && g <= 1, "cosine_mse", "grade ", g, " is not a cosine: scale grades to [-1, 1]");
    return cx.apply(HostOp<detail::CosineMsePairs>{{std::make_shared<const std::vector<double>>(targets.grades)}}, a,
                    b);
  }
};

}  // namespace nvembed::loss

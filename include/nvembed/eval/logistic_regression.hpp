#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/eval/search.hpp>
#include <span>
#include <vector>

namespace nvembed::eval {

/// Logistic regression with L2 penalty 1/(2C) |W|^2, C = 1, intercept not penalised, fitted by L-BFGS from zero: what
/// scikit-learn's LogisticRegression fits with its defaults. Two classes are binomial, more are multinomial.
class LogisticRegression {
 public:
  /// x (n, dim), labels in [0, classes). Stops where no component of the mean loss's gradient exceeds 1e-4, or after
  /// `iterations`. Throws InputError for fewer than two classes.
  NVEMBED_INLINE LogisticRegression(HostMatrix x, std::span<const Index> labels, Index classes, const DotProducts& dots,
                                    int iterations = 100);

  /// The likeliest class of each row.
  NVEMBED_INLINE std::vector<Index> predict(HostMatrix x, const DotProducts& dots) const;

  Index classes() const { return classes_; }
  /// (1 or classes, dim), and as many intercepts behind it.
  std::span<const float> coefficients() const { return weights_; }

 private:
  /// Rows of W: one where the classes are two.
  Index outputs() const { return classes_ == 2 ? 1 : classes_; }

  Index classes_ = 0, dim_ = 0;
  std::vector<float> weights_;
};

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/logistic_regression.inl>
#endif

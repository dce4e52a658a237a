#pragma once

#include <concepts>
#include <functional>
#include <nvembed/core/shape.hpp>
#include <nvembed/train/negative_rule.hpp>

namespace nvembed::train {

/// Any NegativeRule, asked once a query.
class AnyNegativeRule {
 public:
  /// Throws InputError where the rule's numbers make no sense.
  template <class R>
  requires(!std::same_as<R, AnyNegativeRule>) && NegativeRule<R> AnyNegativeRule(R rule)
      : limit_([rule](double positive) { return rule.limit(positive); }),
  skipped_(rule.skipped()) {
    rule.check();
  }

  double limit(double positive) const { return limit_(positive); }
  Index skipped() const { return skipped_; }

 private:
  std::function<double(double)> limit_;
  Index skipped_;
};

}  // namespace nvembed::train

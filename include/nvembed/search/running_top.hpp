#pragma once

#include <algorithm>
#include <limits>
#include <nvembed/search/ranked.hpp>
#include <vector>

namespace nvembed::search {

/// The best k so far of a query whose documents come by and by, with scores that are only nearly right: it keeps all
/// that may be among the k once true scores are known: some 4 k, and those that score about what the k-th does.
class RunningTop {
 public:
  /// No score is further from the true one than `error`.
  RunningTop(Index k, float error) : k_(static_cast<std::size_t>(k)), margin_(2 * error) {}

  /// A document that scores below this is none of the k. Rises as documents are added.
  float bound() const { return bound_; }
  void add(float score, Index row) {
    if (score < bound_ || k_ == 0) return;
    rows_.push_back({score, row});
    if (rows_.size() < full_) return;
    cut();
    full_ = std::max(full_, 2 * rows_.size());  // equals are not cut again and again
  }
  /// The k by the scores that `exact(row)` gives, best first; of equal ones that with `first(row)` smaller.
  /// Ends the search.
  template <class Exact, class First>
  std::vector<Ranked> take(Exact&& exact, First&& first) {
    cut();
    for (Ranked& r : rows_) r.score = static_cast<float>(exact(r.row));
    std::sort(rows_.begin(), rows_.end(), [&](const Ranked& a, const Ranked& b) {
      return a.score != b.score ? a.score > b.score : first(a.row) < first(b.row);
    });
    rows_.resize(std::min(rows_.size(), k_));
    return std::move(rows_);
  }

 private:
  static constexpr float lowest = -std::numeric_limits<float>::infinity();

  void cut() {
    if (rows_.size() <= k_) return;
    const auto kth = rows_.begin() + static_cast<std::ptrdiff_t>(k_) - 1;
    std::nth_element(rows_.begin(), kth, rows_.end(),
                     [](const Ranked& a, const Ranked& b) { return a.score > b.score; });
    bound_ = kth->score - margin_;
    std::erase_if(rows_, [&](const Ranked& r) { return r.score < bound_; });
  }

  std::size_t k_, full_ = 4 * k_ + 256;
  float margin_, bound_ = lowest;
  std::vector<Ranked> rows_;
};

}  // namespace nvembed::search

#pragma once

#include <algorithm>
#include <limits>
#include <nvembed/core/error.hpp>
#include <nvembed/search/bm25_index.hpp>

namespace nvembed::search {

NVEMBED_INLINE Bm25Index::Bm25Index(Index documents, const std::function<std::string_view(Index)>& text)
    : documents_(documents), bm25_(documents, text, true) {
  require<InputError>(documents <= std::numeric_limits<std::uint32_t>::max(), "bm25", documents,
                      " documents are too many");
  begins_.resize(static_cast<std::size_t>(bm25_.dim()) + 1);
  std::vector<Bm25::Weights> all;
  all.reserve(static_cast<std::size_t>(documents));
  for (Index d = 0; d < documents; ++d) {
    all.push_back(bm25_.document(text(d)));
    for (const auto& [term, weight] : all.back()) ++begins_[static_cast<std::size_t>(term) + 1];
  }
  for (std::size_t t = 1; t < begins_.size(); ++t) begins_[t] += begins_[t - 1];
  postings_.resize(begins_.back());
  std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
  for (std::size_t d = 0; d < all.size(); ++d) {
    for (const auto& [term, weight] : all[d])
      postings_[next[static_cast<std::size_t>(term)]++] = {static_cast<std::uint32_t>(d), weight};
    all[d] = {};
  }
}

NVEMBED_INLINE std::span<const Bm25Index::Posting> Bm25Index::postings(Index term, Index first, Index end) const {
  const auto t = static_cast<std::size_t>(term);
  const std::span<const Posting> all(postings_.data() + begins_[t], begins_[t + 1] - begins_[t]);
  const auto place = [&](Index document) {
    return std::lower_bound(all.begin(), all.end(), document,
                            [](const Posting& p, Index d) { return static_cast<Index>(p.document) < d; }) -
           all.begin();
  };
  const auto begin = static_cast<std::size_t>(place(first));
  return all.subspan(begin, static_cast<std::size_t>(place(end)) - begin);
}

NVEMBED_INLINE void Bm25Index::scores(const Bm25::Weights& query, Index first, std::span<float> scores) const {
  std::vector<double> sums(scores.size());
  for (const auto& [term, count] : query)
    for (const Posting& p : postings(term, first, first + static_cast<Index>(scores.size())))
      sums[static_cast<std::size_t>(static_cast<Index>(p.document) - first)] +=
          static_cast<double>(count) * static_cast<double>(p.weight);
  for (std::size_t i = 0; i < sums.size(); ++i) scores[i] = static_cast<float>(sums[i]);
}

NVEMBED_INLINE double Bm25Index::score(const Bm25::Weights& query, Index document) const {
  double sum = 0;
  for (const auto& [term, count] : query)
    for (const Posting& p : postings(term, document, document + 1))
      sum += static_cast<double>(count) * static_cast<double>(p.weight);
  return sum;
}

}  // namespace nvembed::search

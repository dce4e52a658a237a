#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/search/bm25.hpp>
#include <nvembed/text/unicode.hpp>
#include <set>
#include <utility>

namespace nvembed::search {
namespace detail {

/// The English list of the Glasgow Information Retrieval Group, as scikit-learn has it.
inline constexpr std::string_view stop_words =
    "a about above across after afterwards again against all almost alone along already also although always am "
    "among amongst amoungst amount an and another any anyhow anyone anything anyway anywhere are around as at "
    "back be became because become becomes becoming been before beforehand behind being below beside besides "
    "between beyond bill both bottom but by call can cannot cant co con could couldnt cry de describe detail do "
    "done down due during each eg eight either eleven else elsewhere empty enough etc even ever every everyone "
    "everything everywhere except few fifteen fifty fill find fire first five for former formerly forty found "
    "four from front full further get give go had has hasnt have he hence her here hereafter hereby herein "
    "hereupon hers herself him himself his how however hundred i ie if in inc indeed interest into is it its "
    "itself keep last latter latterly least less ltd made many may me meanwhile might mill mine more moreover "
    "most mostly move much must my myself name namely neither never nevertheless next nine no nobody none noone "
    "nor not nothing now nowhere of off often on once one only onto or other others otherwise our ours ourselves "
    "out over own part per perhaps please put rather re same see seem seemed seeming seems serious several she "
    "should show side since sincere six sixty so some somehow someone something sometime sometimes somewhere "
    "still such system take ten than that the their them themselves then thence there thereafter thereby "
    "therefore therein thereupon these they thick thin third this those though three through throughout thru thus "
    "to together too top toward towards twelve twenty two un under until up upon us very via was we well were "
    "what whatever when whence whenever where whereafter whereas whereby wherein whereupon wherever whether which "
    "while whither who whoever whole whom whose why will with within without would yet you your yours yourself "
    "yourselves";

inline bool is_stop_word(const std::string& term) {
  static const std::set<std::string, std::less<>> words = [] {
    std::set<std::string, std::less<>> all;
    for (std::string_view left = stop_words; !left.empty();) {
      const std::size_t end = std::min(left.find(' '), left.size());
      all.emplace(left.substr(0, end));
      left.remove_prefix(std::min(end + 1, left.size()));
    }
    return all;
  }();
  return words.contains(term);
}

template <class F>
void each_term(std::string_view text, F&& f) {
  text::require_utf8(text);
  const std::string lower = text::lower_case(text);
  std::size_t begin = 0;
  for (std::size_t at = 0; at < lower.size();) {
    const std::size_t here = at;
    const char32_t c = text::next_code_point(lower, at);
    if (c == U'_' || text::is_letter(c) || text::is_number(c)) continue;
    if (here > begin) f(lower.substr(begin, here - begin));
    begin = at;
  }
  if (begin < lower.size()) f(lower.substr(begin));
}

}  // namespace detail

NVEMBED_INLINE Bm25::Bm25(std::span<const std::string> documents, bool leave_out_stop_words)
    : Bm25(
          static_cast<Index>(documents.size()),
          [&](Index i) { return std::string_view(documents[static_cast<std::size_t>(i)]); }, leave_out_stop_words) {}

NVEMBED_INLINE Bm25::Bm25(Index documents, const std::function<std::string_view(Index)>& text,
                          bool leave_out_stop_words)
    : leave_out_stop_words_(leave_out_stop_words) {
  std::vector<double> frequency;  // documents that have the term
  double length = 0;
  for (Index i = 0; i < documents; ++i) {
    std::set<Index> seen;
    detail::each_term(text(i), [&](std::string term) {
      if (leave_out_stop_words_ && detail::is_stop_word(term)) return;
      const Index number = terms_.try_emplace(std::move(term), static_cast<Index>(terms_.size())).first->second;
      frequency.resize(terms_.size());
      if (seen.insert(number).second) ++frequency[static_cast<std::size_t>(number)];
      ++length;
    });
  }
  const double n = static_cast<double>(documents);
  for (const double df : frequency) idf_.push_back(std::log1p((n - df + 0.5) / (df + 0.5)));
  mean_length_ = length / std::max(n, 1.0);
  require<InputError>(!terms_.empty(), "bm25", "the texts have no words");
}

NVEMBED_INLINE Bm25::Weights Bm25::query(std::string_view text) const {
  std::map<Index, float> counts;
  detail::each_term(text, [&](const std::string& term) {
    if (const auto found = terms_.find(term); found != terms_.end()) ++counts[found->second];
  });
  return {counts.begin(), counts.end()};
}

NVEMBED_INLINE Bm25::Weights Bm25::document(std::string_view text) const {
  Weights weights = query(text);
  double length = 0;
  for (const auto& [term, count] : weights) length += static_cast<double>(count);
  const double base = k1 * (1 - b + b * length / mean_length_);
  for (auto& [term, weight] : weights) {
    const double n = static_cast<double>(weight);
    weight = static_cast<float>(n * (k1 + 1) / (n + base) * idf_[static_cast<std::size_t>(term)]);
  }
  return weights;
}

NVEMBED_INLINE std::vector<float> Bm25::dense(std::span<const std::string> texts,
                                              Weights (Bm25::*weights)(std::string_view) const) const {
  std::vector<float> rows(texts.size() * idf_.size());
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (const auto& [term, weight] : (this->*weights)(texts[i]))
      rows[i * idf_.size() + static_cast<std::size_t>(term)] = weight;
  return rows;
}

NVEMBED_INLINE std::vector<float> Bm25::queries(std::span<const std::string> texts) const {
  return dense(texts, &Bm25::query);
}

NVEMBED_INLINE std::vector<float> Bm25::documents(std::span<const std::string> texts) const {
  return dense(texts, &Bm25::document);
}

}  // namespace nvembed::search

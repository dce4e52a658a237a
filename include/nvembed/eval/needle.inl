#pragma once

#include <algorithm>
#include <array>
#include <numeric>
#include <nvembed/core/error.hpp>
#include <nvembed/eval/needle.hpp>
#include <nvembed/eval/random.hpp>
#include <nvembed/eval/ranking.hpp>
#include <set>
#include <string_view>
#include <utility>

namespace nvembed::eval {

NVEMBED_INLINE Needle::Needle(const Retrieval& source, const Options& options, const CountTokens& count_tokens)
    : task_(make(source, options, count_tokens, places_)) {}

NVEMBED_INLINE Retrieval Needle::make(const Retrieval& source, const Options& options, const CountTokens& count_tokens,
                                      std::vector<double>& places) {
  constexpr Index special_tokens = 8;  // room for what comes with a text
  const TaskTexts &queries = source.texts()[0], &paragraphs = source.texts()[1];
  const std::string name = "needle_" + std::to_string(options.length);
  Random random(options.seed);

  // Queries with one answer, each with a paragraph of its own.
  std::vector<Index> order(queries.texts.size()), chosen;
  std::iota(order.begin(), order.end(), Index{0});
  random.shuffle(order);
  std::set<std::string_view> answers;
  const auto text_of = [&](Index p) -> const std::string& { return paragraphs.texts[static_cast<std::size_t>(p)]; };
  for (const Index q : order) {
    const auto& relevant = source.relevant()[static_cast<std::size_t>(q)];
    if (static_cast<Index>(chosen.size()) < options.queries && relevant.size() == 1 &&
        answers.insert(text_of(relevant.begin()->first)).second)
      chosen.push_back(q);
  }
  std::vector<Index> fillers;
  for (Index p = 0; p < paragraphs.size(); ++p)
    if (!answers.contains(text_of(p))) fillers.push_back(p);
  require<InputError>(chosen.size() >= 2, "needle", source.info().name, ": two queries with one answer are needed");

  std::vector<Index> sizes;
  for (const std::string& p : paragraphs.texts) sizes.push_back(count_tokens(p) + 1);  // a space goes between
  const auto size_of = [&](Index p) { return sizes[static_cast<std::size_t>(p)]; };
  TaskTexts documents{Role::passage, paragraphs.file, {}, {}};
  std::vector<std::string> ids;
  std::vector<std::map<Index, double>> relevant;
  for (const Index q : chosen) {
    const Index answer = source.relevant()[static_cast<std::size_t>(q)].begin()->first;
    random.shuffle(fillers);
    std::vector<Index> parts;
    Index left = options.length - special_tokens - size_of(answer);
    bool full = false;
    for (const Index filler : fillers) {
      if (size_of(filler) > left) {
        full = true;  // the next may be shorter, but then all documents would end in short ones
        break;
      }
      parts.push_back(filler);
      left -= size_of(filler);
    }
    require<InputError>(full, "needle", source.info().name, ": its ", paragraphs.size(),
                        " paragraphs do not fill documents of ", options.length, " tokens");
    const Index before = random.below(static_cast<Index>(parts.size()) + 1);
    places.push_back(parts.empty() ? 0.5 : static_cast<double>(before) / static_cast<double>(parts.size()));
    parts.insert(parts.begin() + before, answer);
    std::string text;
    for (const Index p : parts) text += (text.empty() ? "" : " ") + text_of(p);
    relevant.push_back({{documents.size(), 1.0}});
    ids.push_back(std::to_string(documents.size()));
    documents.add(std::move(text), paragraphs.lines.empty() ? 0 : paragraphs.lines[static_cast<std::size_t>(answer)]);
  }
  return {TaskInfo{name, "needle", source.info().instruction, options.length}, queries.subset(chosen),
          std::move(documents), std::move(ids), std::move(relevant)};
}

NVEMBED_INLINE Score Needle::score(std::span<const HostMatrix> vectors, const Scoring& scoring) const {
  constexpr Index deep = 10;
  const auto rankings = task_.ranking(vectors[0], vectors[1], deep, scoring);
  struct Third {
    double hits = 0, all = 0;
  };
  std::array<Third, 3> thirds;
  std::vector<double> hits;
  double reciprocal_ranks = 0;
  for (std::size_t q = 0; q < rankings.size(); ++q) {
    std::vector<double> gains;
    for (const Ranked& r : rankings[q]) gains.push_back(task_.relevant()[q].contains(r.row) ? 1 : 0);
    hits.push_back(reciprocal_rank(gains, 1));
    reciprocal_ranks += reciprocal_rank(gains, deep);
    Third& third = thirds[static_cast<std::size_t>(std::min(2.0, 3 * places_[q]))];
    third.hits += hits.back();
    ++third.all;
  }
  Score s = mean_score(hits, scoring.seed);
  s.extras["mrr10"] = 100 * reciprocal_ranks / static_cast<double>(hits.size());
  constexpr std::array names{"start", "middle", "end"};
  for (std::size_t i = 0; i < names.size(); ++i)
    if (thirds[i].all > 0) s.extras[names[i]] = 100 * thirds[i].hits / thirds[i].all;
  return s;
}

}  // namespace nvembed::eval

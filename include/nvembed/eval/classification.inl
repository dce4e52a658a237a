#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <nvembed/core/error.hpp>
#include <nvembed/eval/classification.hpp>
#include <nvembed/eval/f1.hpp>
#include <nvembed/eval/logistic_regression.hpp>
#include <nvembed/eval/sample.hpp>
#include <utility>

namespace nvembed::eval {

NVEMBED_INLINE Classification::Classification(TaskInfo info, const TaskTexts& train,
                                              std::span<const std::string> train_labels, TaskTexts test,
                                              std::span<const std::string> test_labels, Index per_label,
                                              std::uint64_t seed, int draws)
    : info_(std::move(info)), texts_{TaskTexts{}, std::move(test)} {
  require<ShapeError>(train.texts.size() == train_labels.size() && texts_[1].texts.size() == test_labels.size(),
                      "classification", train.size(), " and ", texts_[1].size(), " texts, ", train_labels.size(),
                      " and ", test_labels.size(), " labels");
  require<InputError>(!test_labels.empty(), "classification", texts_[1].file, ": no texts");
  std::map<std::string_view, Index> numbers;
  const auto number = [&](const std::string& label) {
    return numbers.try_emplace(label, static_cast<Index>(numbers.size())).first->second;
  };
  std::vector<Index> labels;
  for (const std::string& label : train_labels) labels.push_back(number(label));
  classes_ = static_cast<Index>(numbers.size());
  require<InputError>(classes_ >= 2, "classification", train.file, ": ", classes_, classes_ == 1 ? " label" : " labels",
                      ", at least two are needed");
  for (const std::string& label : test_labels) test_labels_.push_back(number(label));

  Random random(seed);
  for (int d = 0; d < draws; ++d) {
    std::vector<Index> order(labels.size()), chosen;
    std::iota(order.begin(), order.end(), Index{0});
    random.shuffle(order);
    std::vector<Index> seen(static_cast<std::size_t>(classes_));
    for (const Index i : order)
      if (Index& n = seen[static_cast<std::size_t>(labels[static_cast<std::size_t>(i)])]; n < per_label) {
        ++n;
        chosen.push_back(i);
      }
    draws_.push_back(std::move(chosen));
  }
  keep_drawn(train, labels);
}

NVEMBED_INLINE void Classification::keep_drawn(const TaskTexts& train, std::span<const Index> labels) {
  std::vector<Index> used;
  for (const auto& rows : draws_) used.insert(used.end(), rows.begin(), rows.end());
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  texts_[0] = train.subset(used);
  train_labels_.clear();
  for (const Index i : used) train_labels_.push_back(labels[static_cast<std::size_t>(i)]);
  for (auto& rows : draws_)
    for (Index& i : rows) i = std::lower_bound(used.begin(), used.end(), i) - used.begin();
}

NVEMBED_INLINE Score Classification::score(std::span<const HostMatrix> vectors, const Scoring& scoring) const {
  const std::size_t n = test_labels_.size();
  std::vector<std::vector<std::uint8_t>> right;
  std::vector<double> accuracies;
  double f1 = 0;
  for (const auto& rows : draws_) {
    const std::vector<float> examples = gather(vectors[0], rows);
    const std::vector<Index> labels = pick(train_labels_, rows);
    const LogisticRegression model({examples.data(), static_cast<Index>(rows.size()), vectors[0].cols}, labels,
                                   classes_, scoring.dots);
    const std::vector<Index> predicted = model.predict(vectors[1], scoring.dots);
    f1 += macro_f1(test_labels_, predicted) / static_cast<double>(draws_.size());
    std::vector<std::uint8_t> hits(n);
    for (std::size_t i = 0; i < n; ++i) hits[i] = predicted[i] == test_labels_[i];
    accuracies.push_back(static_cast<double>(std::count(hits.begin(), hits.end(), 1)) / static_cast<double>(n));
    right.push_back(std::move(hits));
  }
  const double k = static_cast<double>(accuracies.size());
  const double mean = std::accumulate(accuracies.begin(), accuracies.end(), 0.0) / k;
  double squares = 0;
  for (const double a : accuracies) squares += (a - mean) * (a - mean);
  Score s;
  s.n = static_cast<Index>(n);
  s.value = 100 * mean;
  s.extras["f1"] = 100 * f1;
  s.extras["deviation"] = 100 * std::sqrt(squares / k);
  Random random(scoring.seed + 1);  // test texts and draws are both resampled
  s.replicates = bootstrap(
      s.n,
      [&](std::span<const Index> items) {
        double hits = 0;
        for (std::size_t d = 0; d < right.size(); ++d) {
          const auto& of_draw = right[static_cast<std::size_t>(random.below(static_cast<Index>(right.size())))];
          for (const Index i : items) hits += of_draw[static_cast<std::size_t>(i)];
        }
        return 100 * hits / (k * static_cast<double>(n));
      },
      scoring.seed);
  return s;
}

NVEMBED_INLINE Classification Classification::sampled(double fraction, std::uint64_t seed) const {
  const std::vector<Index> rows = stratified_sample(test_labels_, fraction, seed);
  const double draws = static_cast<double>(draws_.size());
  const auto kept = static_cast<std::size_t>(std::min(draws, std::max(3.0, std::round(fraction * draws))));
  Classification smaller;
  smaller.info_ = info_;
  smaller.texts_ = {TaskTexts{}, texts_[1].subset(rows)};
  smaller.classes_ = classes_;
  smaller.test_labels_ = pick(test_labels_, rows);
  smaller.draws_.assign(draws_.begin(), draws_.begin() + static_cast<std::ptrdiff_t>(kept));
  smaller.keep_drawn(texts_[0], train_labels_);
  return smaller;
}

}  // namespace nvembed::eval

#include "eval_baselines.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <string_view>

namespace cli {
namespace {

using nvembed::Index;

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr std::array<const char*, 4> encoders{"BM25", "SmolLM2, mean", "MiniLM-L6", "e5-small, 4 bit"};

struct Row {
  std::string_view task;
  Index n;
  std::array<double, 4> scores;
};

/// docs/evaluation.md says how they were measured.
constexpr Row rows[] = {
    {"stsb", 1379, {70.6, 17.2, 82.0, 84.0}},
    {"sts13", 1500, {72.4, 18.0, 80.6, 77.4}},
    {"sickr", 4927, {58.4, 28.7, 77.1, 77.1}},
    {"cranfield", 225, {36.0, 9.0, 39.5, 38.3}},
    {"vaswani", 93, {36.2, 7.5, 43.4, none}},
    {"xquad", 1190, {96.5, 62.8, 94.3, 96.6}},
    {"scifact_subset", 265, {74.4, 11.2, 73.7, none}},
    {"climate_fever", 1061, {33.3, 14.1, 36.8, 36.6}},
    {"trecqa", 68, {66.3, 50.1, 74.6, 79.6}},
    {"banking77", 3080, {63.4, 19.2, 80.0, 70.7}},
    {"trec", 500, {46.7, 30.3, 53.8, 51.7}},
    {"amazon_counterfactual", 670, {77.8, 58.7, 63.3, 72.1}},
    {"sst2", 1821, {54.4, 53.0, 64.8, 79.6}},
    {"stackoverflow", 20000, {50.2, 5.8, 68.6, none}},
    {"reuters_titles", 1951, {37.5, 14.5, 55.1, 51.2}},
    {"mrpc", 1725, {85.0, 76.2, 83.7, 88.0}},
};

}  // namespace

std::vector<nvembed::eval::Report::Others> eval_baselines(const nvembed::eval::Evaluation& evaluation) {
  std::vector<nvembed::eval::Report::Others> all;
  for (std::size_t e = 0; e < encoders.size(); ++e) {
    nvembed::eval::Report::Others others{encoders[e], {}};
    for (const auto& result : evaluation.tasks)
      for (const Row& row : rows)
        if (result.score && row.task == result.info.name && row.n == result.score->n && !std::isnan(row.scores[e]))
          others.scores[result.info.name] = {row.scores[e], 0};
    if (!others.scores.empty()) all.push_back(std::move(others));
  }
  return all;
}

}  // namespace cli

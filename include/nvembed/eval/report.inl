#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/eval/clustering.hpp>
#include <nvembed/eval/pair_classification.hpp>
#include <nvembed/eval/pair_cosines.hpp>
#include <nvembed/eval/principal_components.hpp>
#include <nvembed/eval/report.hpp>
#include <nvembed/eval/reranking.hpp>
#include <nvembed/eval/retrieval.hpp>
#include <nvembed/eval/sample.hpp>
#include <nvembed/eval/search.hpp>
#include <nvembed/report/heat_map.hpp>
#include <nvembed/report/histogram.hpp>
#include <nvembed/report/page.hpp>
#include <nvembed/report/scatter.hpp>
#include <nvembed/report/table.hpp>

namespace nvembed::eval {
namespace detail {

inline std::string drawn(const std::string& name, std::vector<double> positives, std::vector<double> negatives,
                         const Scoring& scoring, const char* caption) {
  const char* what = scoring.similarity == Similarity::cosine ? ", cosines" : ", products";
  return report::html(report::Histogram{
      name + what, caption, {{"positive", std::move(positives)}, {"negative", std::move(negatives)}}});
}

inline std::string histogram_of(const PairClassification& task, std::span<const HostMatrix> vectors,
                                const Scoring& scoring) {
  std::vector<double> groups[2];
  const std::vector<double> cosines = pair_cosines(vectors[0], vectors[1]);
  for (std::size_t i = 0; i < cosines.size(); ++i) groups[task.labels()[i]].push_back(cosines[i]);
  return drawn(task.info().name, groups[1], groups[0], scoring, "Pairs that belong together, and those that do not.");
}

inline std::string histogram_of(const Retrieval& task, std::span<const HostMatrix> vectors, const Scoring& scoring) {
  std::vector<double> positives, negatives;
  Random random(scoring.seed);
  for (Index q = 0; q < vectors[0].rows; ++q) {
    const auto& relevant = task.relevant()[static_cast<std::size_t>(q)];
    const auto add = [&](Index row, std::vector<double>& to) {
      to.push_back(similarity(vectors[0][q], vectors[1][row], scoring.similarity));
    };
    for (const auto& [row, gain] : relevant) add(row, positives);
    for (std::size_t i = 0; i < relevant.size(); ++i)
      if (const Index row = random.below(vectors[1].rows); !relevant.contains(row)) add(row, negatives);
  }
  return drawn(task.info().name, std::move(positives), std::move(negatives), scoring,
               "Queries with relevant documents, and with documents drawn by chance.");
}

inline std::string histogram_of(const Reranking& task, std::span<const HostMatrix> vectors, const Scoring& scoring) {
  std::vector<double> positives, negatives;
  for (Index q = 0; q < vectors[0].rows; ++q) {
    const auto& c = task.candidates()[static_cast<std::size_t>(q)];
    for (Index i = c.begin; i < c.end; ++i)
      (i < c.begin + c.right ? positives : negatives)
          .push_back(similarity(vectors[0][q], vectors[1][i], scoring.similarity));
  }
  return drawn(task.info().name, std::move(positives), std::move(negatives), scoring,
               "Queries with right candidates, and with wrong ones.");
}

/// Of the first queries one that is answered at once, one later, and one whose answers are not among the ten best.
inline std::string neighbours_of(const Retrieval& task, std::span<const HostMatrix> vectors, const Scoring& scoring) {
  constexpr Index looked_at = 100, deep = 10, shown = 5;
  const HostMatrix queries{vectors[0].data, std::min(looked_at, vectors[0].rows), vectors[0].cols};
  const auto rankings = task.ranking(queries, vectors[1], deep, scoring);
  std::string kinds[3];  // answered at once, later, not at all
  for (std::size_t q = 0; q < rankings.size(); ++q) {
    const auto& relevant = task.relevant()[q];
    const auto& ranking = rankings[q];
    const auto hit =
        std::find_if(ranking.begin(), ranking.end(), [&](const Ranked& r) { return relevant.contains(r.row); });
    std::string& html = kinds[hit == ranking.begin() ? 0 : hit == ranking.end() ? 2 : 1];
    if (!html.empty()) continue;
    html += "<h3>" + report::escape(report::shortened(task.texts()[0].texts[q], 300)) + "</h3><ol class=\"hits\">";
    for (std::size_t i = 0; i < std::min<std::size_t>(shown, ranking.size()); ++i) {
      const bool right = relevant.contains(ranking[i].row);
      html += std::string("<li><span class=\"mark ") + (right ? "good\">\xE2\x9C\x93" : "bad\">\xE2\x9C\x97") + " " +
              report::fixed(static_cast<double>(ranking[i].score), 3) + "</span>" +
              report::escape(report::shortened(task.texts()[1].texts[static_cast<std::size_t>(ranking[i].row)], 220)) +
              "</li>";
    }
    html += "</ol>";
    if (hit == ranking.end() || hit - ranking.begin() >= shown)
      html += "<p>Relevant" +
              (hit == ranking.end() ? std::string(", not among the ten best: ")
                                    : ", on rank " + std::to_string(hit - ranking.begin() + 1) + ": ") +
              report::escape(
                  report::shortened(task.texts()[1].texts[static_cast<std::size_t>(relevant.begin()->first)], 220)) +
              "</p>";
  }
  return kinds[0] + kinds[1] + kinds[2];
}

inline std::string projection_of(const Clustering& task, HostMatrix x, const Scoring& scoring) {
  constexpr double most = 1200;
  std::vector<Index> rows =
      stratified_sample(task.labels(), std::min(1.0, most / static_cast<double>(x.rows)), scoring.seed);
  const std::vector<float> sample = gather(x, rows);
  const auto places = principal_components({sample.data(), static_cast<Index>(rows.size()), x.cols}, 2);
  // The most frequent labels get the colours.
  std::vector<Index> count(task.label_names().size()), order(count.size()), rank(count.size());
  for (const Index label : task.labels()) ++count[static_cast<std::size_t>(label)];
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Index>(i);
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
    return count[static_cast<std::size_t>(a)] > count[static_cast<std::size_t>(b)];
  });
  report::Scatter scatter;
  scatter.title = task.info().name + ", two principal components";
  scatter.caption = std::to_string(rows.size()) + " texts, coloured by label.";
  for (std::size_t i = 0; i < order.size(); ++i) {
    rank[static_cast<std::size_t>(order[i])] = static_cast<Index>(i);
    scatter.groups.push_back(task.label_names()[static_cast<std::size_t>(order[i])]);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto label = static_cast<std::size_t>(task.labels()[static_cast<std::size_t>(rows[i])]);
    scatter.points.push_back({places[2 * i], places[2 * i + 1], static_cast<std::size_t>(rank[label]),
                              task.label_names()[label] + ": " +
                                  report::shortened(task.texts()[0].texts[static_cast<std::size_t>(rows[i])], 120)});
  }
  return report::html(scatter);
}

/// A score with its interval on a line from 0 to 100, and the others' as ticks.
inline std::string interval(const Estimate& score, const std::vector<std::pair<std::string, double>>& others) {
  constexpr double width = 220;
  const auto x = [](double v) { return report::fixed(4 + (width - 8) * std::clamp(v, 0.0, 100.0) / 100, 1); };
  std::string svg =
      "<svg viewBox=\"0 0 220 18\" style=\"width:220px\"><line x1=\"4\" x2=\"216\" y1=\"9\" y2=\"9\" "
      "stroke=\"var(--line)\"/>";
  for (const auto& [name, value] : others)
    svg += "<line x1=\"" + x(value) + "\" x2=\"" + x(value) +
           "\" y1=\"3\" y2=\"15\" stroke=\"var(--axis)\" stroke-width=\"2\"><title>" + report::escape(name) + ": " +
           report::fixed(value, 2) + "</title></line>";
  return svg + "<line x1=\"" + x(score.value - score.ci95) + "\" x2=\"" + x(score.value + score.ci95) +
         "\" y1=\"9\" y2=\"9\" stroke=\"var(--c1)\" stroke-width=\"4\" stroke-opacity=\".45\"/><circle cx=\"" +
         x(score.value) + "\" cy=\"9\" r=\"4\" fill=\"var(--c1)\"/></svg>";
}

inline std::string tile(const std::string& name, const Estimate& value) {
  return "<div class=\"card tile\"><span>" + report::escape(name) + "</span><b>" + report::fixed(value.value, 1) +
         "</b><span>\xC2\xB1 " + report::fixed(value.ci95, 1) + "</span></div>";
}

}  // namespace detail

NVEMBED_INLINE void Report::add(const AnyTask& task, const Score&, std::span<const HostMatrix> vectors,
                                const Scoring& scoring) {
  if (const auto* pairs = task.as<PairClassification>())
    histograms_.push_back(detail::histogram_of(*pairs, vectors, scoring));
  if (const auto* reranking = task.as<Reranking>())
    histograms_.push_back(detail::histogram_of(*reranking, vectors, scoring));
  if (const auto* retrieval = task.as<Retrieval>()) {
    histograms_.push_back(detail::histogram_of(*retrieval, vectors, scoring));
    neighbours_.emplace_back(task.info().name, detail::neighbours_of(*retrieval, vectors, scoring));
  }
  if (const auto* clustering = task.as<Clustering>())
    projections_.push_back(detail::projection_of(*clustering, vectors[0], scoring));
}

NVEMBED_INLINE void Report::add_latents(const Clustering& task, std::span<const Index> rows, HostMatrix weights) {
  constexpr std::size_t shown = 64;
  const std::size_t labels = task.label_names().size(), latents = static_cast<std::size_t>(weights.cols);
  std::vector<double> mean(labels * latents), count(labels);
  for (std::size_t i = 0; i < rows.size(); ++i)
    ++count[static_cast<std::size_t>(task.labels()[static_cast<std::size_t>(rows[i])])];
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto label = static_cast<std::size_t>(task.labels()[static_cast<std::size_t>(rows[i])]);
    for (std::size_t c = 0; c < latents; ++c)
      mean[label * latents + c] += static_cast<double>(weights.row(static_cast<Index>(i))[c]) / count[label];
  }
  std::vector<std::pair<double, std::size_t>> spread;  // variance between labels
  for (std::size_t c = 0; c < latents; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t l = 0; l < labels; ++l)
      sum += mean[l * latents + c], squares += mean[l * latents + c] * mean[l * latents + c];
    spread.emplace_back(squares - sum * sum / static_cast<double>(labels), c);
  }
  std::sort(spread.begin(), spread.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  spread.resize(std::min(shown, spread.size()));
  report::HeatMap map;
  map.title = task.info().name;
  map.caption = std::to_string(spread.size()) + " of " + std::to_string(latents) + " latents of all heads, over " +
                std::to_string(rows.size()) + " texts.";
  map.rows.assign(task.label_names().begin(), task.label_names().end());
  for (const auto& [variance, c] : spread) map.columns.push_back("latent " + std::to_string(c));
  for (std::size_t l = 0; l < labels; ++l)
    for (const auto& [variance, c] : spread) {  // beside the mean of all labels
      double sum = 0;
      for (std::size_t other = 0; other < labels; ++other) sum += mean[other * latents + c];
      map.values.push_back(sum > 0 ? mean[l * latents + c] * static_cast<double>(labels) / sum : 0);
    }
  latents_.push_back(report::html(map));
}

NVEMBED_INLINE std::string Report::html(const std::string& title, const std::vector<std::string>& facts,
                                        const Evaluation& evaluation, const std::vector<Others>& others,
                                        const std::string& compared_with,
                                        const std::vector<std::optional<Estimate>>& comparison) const {
  report::Page page(title);
  for (const std::string& fact : facts) page.paragraph(fact);
  std::vector<std::pair<std::string, Estimate>> figures;
  for (const TaskResult& r : evaluation.tasks)
    if (r.score) figures.emplace_back(r.info.category, Estimate{r.score->value, r.score->ci95()});
  const Means m = means(figures);
  std::string tiles = "<div class=\"tiles\">" + detail::tile("mean of the categories", m.overall);
  for (const auto& [category, mean] : m.categories) tiles += detail::tile(category, mean);
  page.add(tiles + "</div>\n");

  page.heading("Scores");
  page.paragraph(
      "In percent, with half of a 95 % interval over the test data. A click on a title sorts. The dot is this "
      "model, the bar its interval; ticks are the others.");
  report::Table table;
  table.column("category");
  table.column("task");
  table.column("n", true);
  table.column("score", true);
  table.column("\xC2\xB1", true);
  table.column("0 to 100");
  if (!comparison.empty()) {
    table.column("against " + compared_with, true);
    table.column("\xC2\xB1", true);
  }
  for (const Others& o : others) table.column(o.name, true);
  for (std::size_t t = 0; t < evaluation.tasks.size(); ++t) {
    const TaskResult& r = evaluation.tasks[t];
    table.row();
    table.cell(r.info.category);
    table.cell(r.info.name);
    if (!r.score) {
      table.cell("no score: " + (r.problems.empty() ? "" : r.problems.front()));
      continue;
    }
    const Estimate score{r.score->value, r.score->ci95()};
    std::vector<std::pair<std::string, double>> ticks;
    for (const Others& o : others)
      if (const auto found = o.scores.find(r.info.name); found != o.scores.end())
        ticks.emplace_back(o.name, found->second.value);
    table.cell(static_cast<double>(r.score->n), 0);
    table.cell(score.value);
    table.cell(score.ci95);
    table.cell_html(detail::interval(score, ticks), score.value);
    if (!comparison.empty()) {
      const auto& d = comparison[t];
      table.cell(d ? std::optional<double>(d->value) : std::nullopt);
      table.cell(d ? std::optional<double>(d->ci95) : std::nullopt);
    }
    for (const Others& o : others) {
      const auto found = o.scores.find(r.info.name);
      table.cell(found == o.scores.end() ? std::nullopt : std::optional<double>(found->second.value), 1);
    }
  }
  page.add(table.html());

  report::Table extras;
  extras.column("task");
  extras.column("measure");
  extras.column("value", true);
  for (const TaskResult& r : evaluation.tasks)
    if (r.score)
      for (const auto& [name, value] : r.score->extras) {
        extras.row();
        extras.cell(r.info.name);
        extras.cell(name);
        extras.cell(value);
      }
  page.add("<details><summary>Other measures</summary>" + extras.html() + "</details>\n");
  if (!histograms_.empty()) {
    page.heading("Similarities");
    page.paragraph("Where the two overlap, the model cannot tell them apart.");
    page.add(report::grid(histograms_));
  }
  if (!neighbours_.empty()) {
    page.heading("Nearest documents");
    page.paragraph(
        "A query that is answered at once, one that is answered later, and one that is not, where there are such.");
    for (const auto& [task, html] : neighbours_)
      page.add("<details class=\"card\"" + std::string(&task == &neighbours_.front().first ? " open" : "") +
               "><summary>" + report::escape(task) + "</summary>" + html + "</details>\n");
  }
  if (!projections_.empty()) {
    page.heading("Clusters");
    page.add(report::grid(projections_));
  }
  if (!latents_.empty()) {
    page.heading("Latent attention");
    page.paragraph(
        "The share of attention that a label's texts give to latents: those that differ most between labels.");
    for (const std::string& figure : latents_) page.add(figure);
  }
  return page.html();
}

}  // namespace nvembed::eval

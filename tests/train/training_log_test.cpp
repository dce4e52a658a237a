#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nvembed/train/training_log.hpp>
#include <nvembed/train/training_report.hpp>
#include <support/scratch.hpp>

using namespace nvembed;
using namespace nvembed::train;

TEST_CASE("a log is read as it was written, and cut where a run goes on") {
  const Scratch s;
  const TrainingLog log(s.path("log.jsonl"));
  CHECK(log.read().steps.empty());
  log.cut(3);  // there is nothing
  log.add(EvaluationLog{0, 40, {{"a", 30}, {"b", 50}}, 2});
  for (Index i = 1; i <= 5; ++i) {
    StepLog step;
    step.step = i, step.loss = 1.0 / static_cast<double>(i), step.tokens = 100 * i, step.seconds = 0.5;
    step.queries = 4, step.negatives = 12, step.masked = 1, step.truncated = 2, step.unusable = 3,
    step.without_negatives = 1;
    if (i == 4) step.loss = std::nan(""), step.skipped = "loss nan, <not> finite";
    log.add(step);
    if (i == 3) log.add(EvaluationLog{3, 60, {{"a", 55}, {"b", 65}}, 2});
  }
  std::ofstream(s.path("log.jsonl"), std::ios::app) << R"({"event": "st)";  // killed while writing
  const auto all = log.read();
  REQUIRE(all.steps.size() == 5);
  REQUIRE(all.evaluations.size() == 2);
  CHECK(all.steps[2].loss == 1.0 / 3);
  CHECK(all.steps[2].truncated == 2);
  CHECK(all.steps[2].unusable == 3);
  CHECK(std::isnan(all.steps[3].loss));
  CHECK(all.steps[3].skipped == "loss nan, <not> finite");
  CHECK(all.evaluations[1].tasks.at("b") == 65);

  Recipe recipe;
  recipe.output = "out/<run>";
  recipe.model = "base.gguf";
  recipe.stages.resize(1);
  recipe.stages[0].name = "one";
  recipe.stages[0].steps = 5;
  const std::string page = training_report(recipe, all, 1234);
  for (const char* there : {"&lt;run&gt;", "base.gguf", "1234 numbers", "5 of 5 steps", "1 steps were skipped", "Loss",
                            "Evaluation", "overall: 0, 40", "&lt;not&gt;"})
    CHECK_MESSAGE(page.find(there) != page.npos, there);
  CHECK(page.find("<run>") == page.npos);
  CHECK(page.find("nan") == page.find("nan, &lt;not"));  // in no coordinate

  log.cut(3);
  const auto cut = log.read();
  REQUIRE(cut.steps.size() == 3);
  CHECK(cut.evaluations.size() == 2);
  log.cut(2);
  CHECK(log.read().evaluations.size() == 1);
  CHECK(log.read().steps.size() == 2);
  s.write("log.jsonl", "{\"event\": \"step\"}\n");
  CHECK_THROWS_WITH_AS(log.read(), doctest::Contains("line 1"), FileError);
}

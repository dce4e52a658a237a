#include <cmath>
#include <nvembed/eval/bm25.hpp>
#include <nvembed/eval/needle.hpp>
#include <nvembed/eval/report.hpp>
#include <set>

#include "support.hpp"

using namespace eval_test;
using namespace nvembed::eval;

namespace {

/// A task of a user's own.
class FirstIsLonger {
 public:
  FirstIsLonger() { texts_.texts = {"a short text", "a text that is much longer"}; }
  const TaskInfo& info() const { return info_; }
  std::span<const TaskTexts> texts() const { return {&texts_, 1}; }
  Score score(std::span<const HostMatrix> v, const Scoring& scoring) const {
    return mean_score(std::vector<double>{norm_of(v[0][0]) > norm_of(v[0][1]) ? 1.0 : 0.0}, scoring.seed);
  }

 private:
  static float norm_of(std::span<const float> v) {
    float sum = 0;
    for (const float x : v) sum += x;
    return sum;
  }
  TaskInfo info_{"own", "own", "", 0};
  TaskTexts texts_{Role::query, "own", {}, {}};
};
static_assert(EvalTask<FirstIsLonger>);
static_assert(!EvalTask<int>);

void hold_against_judge(const Evaluation& e, const char* vectors) {
  for (const TaskResult& r : e.tasks) {
    const Json& all = expected()["tasks"][r.info.name];
    if (!all.contains(vectors)) continue;
    CAPTURE(r.info.name);
    REQUIRE(r.score);
    const Json& theirs = all[vectors];
    const bool chance = r.info.category == "classification" || r.info.category == "clustering";
    if (chance) {  // other draws and starting points
      CHECK(std::abs(r.score->value - theirs["score"].get<double>()) < (r.info.category == "clustering" ? 25 : 3));
      continue;
    }
    CHECK(std::abs(r.score->value - theirs["score"].get<double>()) < 1e-4);
    for (const auto& [name, value] : r.score->extras)
      if (theirs.contains(name)) CHECK(std::abs(value - theirs[name].get<double>()) < 1e-4);
    if (theirs.contains("ci95")) CHECK(r.score->ci95() == doctest::Approx(theirs["ci95"].get<double>()).epsilon(0.15));
  }
}

}  // namespace

TEST_CASE("scores of all kinds of tasks are the judge's") {
  FakeModel fake;
  const auto tasks = read_tasks(tasks_folder());
  const Evaluation e = evaluate(fake.model(), tasks);
  CHECK(e.tasks.size() == 7);
  hold_against_judge(e, "trigrams");
  hold_against_judge(evaluate_bm25(tasks, dots()), "bm25");
}

TEST_CASE("each different text is encoded once for each instruction, the longest first") {
  FakeModel fake;
  const auto tasks = read_tasks(tasks_folder());
  double share = 0;
  EvaluateOptions options;
  std::size_t scored = 0;
  options.progress = [&](const EvaluateProgress& p) {
    CHECK(p.share >= share);
    CHECK(p.texts <= p.total_texts);
    share = p.share;
  };
  options.scored = [&](const AnyTask& task, const Score&, std::span<const HostMatrix> vectors, const Scoring&) {
    ++scored;
    REQUIRE(vectors.size() == task.texts().size());
    for (std::size_t g = 0; g < vectors.size(); ++g)
      for (Index i = 0; i < vectors[g].rows; ++i) {
        const auto row = vectors[g][i];
        CHECK(std::vector<float>(row.begin(), row.end()) ==
              trigrams(task.texts()[g].texts[static_cast<std::size_t>(i)]));
      }
  };
  const Evaluation e = evaluate(fake.model(), tasks, options);
  CHECK(share == 1);
  CHECK(scored == 7);
  std::set<std::pair<std::string, std::string>> different, wanted;
  for (const auto& [text, instruction] : fake.seen) different.insert({text, instruction});
  for (const FoundTask& t : tasks)
    for (const TaskTexts& g : t.task->texts())
      for (const std::string& text : g.texts) wanted.insert({text, g.role == Role::query ? t.info.instruction : ""});
  CHECK(different == wanted);
  CHECK(fake.seen.size() == wanted.size());
  CHECK(e.texts == static_cast<Index>(wanted.size()));
  for (std::size_t i = 1; i < fake.seen.size(); ++i)
    CHECK(fake.seen[i - 1].text.size() + fake.seen[i - 1].instruction.size() >=
          fake.seen[i].text.size() + fake.seen[i].instruction.size());

  FakeModel plain;
  options.instructions = false, options.progress = {}, options.scored = {};
  evaluate(plain.model(), tasks, options);
  CHECK(plain.seen.size() < fake.seen.size());  // tasks share texts now
  for (const auto& call : plain.seen) CHECK(call.instruction.empty());
}

TEST_CASE("a text that cannot be encoded fails its tasks and no others") {
  auto tasks = read_tasks(tasks_folder());
  FakeModel fake;
  fake.broken = "sailing";  // in topics and kinds, never at the start
  const Evaluation e = evaluate(fake.model(), tasks);
  for (const TaskResult& r : e.tasks) {
    const bool hit = r.info.name == "topics" || r.info.name == "kinds";
    CAPTURE(r.info.name);
    CHECK(r.score.has_value() == !hit);
    if (!hit) continue;
    REQUIRE(r.problems.size() == 1);
    CHECK(r.problems[0].find("not finite") != std::string::npos);
    CHECK(r.problems[0].find(".jsonl, line ") != std::string::npos);
  }
  fake.broken = " ";  // every text
  for (const TaskResult& r : evaluate(fake.model(), tasks).tasks) CHECK(!r.score);

  EvaluatedModel constant{[](std::span<const Text> texts, const EncodeOptions&) {
                            return Embeddings{
                                static_cast<Index>(texts.size()), 1, std::vector<float>(texts.size(), 1.0f), {}, {}, 0};
                          },
                          {},
                          dots(),
                          1};
  const Evaluation same = evaluate(constant, tasks);
  CHECK(!same.tasks[0].score);  // correlation with a constant
  CHECK(same.tasks[0].problems.at(0).find("not a number") != std::string::npos);
  CHECK(same.tasks[1].score->value == doctest::Approx(same.tasks[1].score->extras.at("positive_rate")));
}

TEST_CASE("vectors of an earlier run are taken from the cache") {
  const Folder folder("evaluate");
  const auto tasks = read_tasks(tasks_folder());
  EvaluateOptions options;
  options.cache = folder.path("vectors");
  FakeModel first, second, renamed;
  const Evaluation a = evaluate(first.model(), tasks, options), b = evaluate(second.model(), tasks, options);
  CHECK(a.cached_texts == 0);
  CHECK(second.seen.empty());
  CHECK(b.cached_texts == b.texts);
  for (std::size_t t = 0; t < tasks.size(); ++t) CHECK(a.tasks[t].score->value == b.tasks[t].score->value);
  renamed.name = "other";
  CHECK(evaluate(renamed.model(), tasks, options).cached_texts == 0);
}

TEST_CASE("own tasks, and their own length") {
  FakeModel fake;
  const FirstIsLonger own;
  const std::vector<FoundTask> tasks{{own.info(), AnyTask(own), {}}};
  CHECK(evaluate(fake.model(), tasks).tasks[0].score->value == 0);
  CHECK(tasks[0].task->as<FirstIsLonger>());
  CHECK(!tasks[0].task->as<Retrieval>());
}

TEST_CASE("needles") {
  const auto tasks = read_tasks(tasks_folder(), {{"search"}});
  const Retrieval* source = tasks[0].task->as<Retrieval>();
  REQUIRE(source);
  const auto words = [](std::string_view text) {
    return static_cast<Index>(std::count(text.begin(), text.end(), ' ')) + 1;
  };
  const Needle needle(*source, {80, 6, 3}, words);
  const auto groups = needle.texts();
  CHECK(needle.info().max_length == 80);
  CHECK(groups[0].size() == 6);
  CHECK(groups[1].size() == 6);
  for (Index i = 0; i < 6; ++i) {
    const std::string& document = groups[1].texts[static_cast<std::size_t>(i)];
    CHECK(words(document) <= 80);
    CHECK(words(document) > 50);
    // The answer stands in its document, and in no other.
    const std::string& query = groups[0].texts[static_cast<std::size_t>(i)];
    const auto& all = source->texts();
    const auto q = std::find(all[0].texts.begin(), all[0].texts.end(), query) - all[0].texts.begin();
    const std::string& answer =
        all[1].texts[static_cast<std::size_t>(source->relevant()[static_cast<std::size_t>(q)].begin()->first)];
    for (Index d = 0; d < 6; ++d)
      CHECK((groups[1].texts[static_cast<std::size_t>(d)].find(answer) != std::string::npos) == (d == i));
  }
  // Vectors that know the answer.
  std::vector<float> identity(36);
  for (std::size_t i = 0; i < 6; ++i) identity[7 * i] = 1;
  const HostMatrix m{identity.data(), 6, 6};
  const Score s = needle.score(std::vector<HostMatrix>{m, m}, {dots()});
  CHECK(s.value == 100);
  CHECK(s.extras.at("mrr10") == 100);
  CHECK_THROWS_AS(Needle(*source, {100000, 6, 3}, words), InputError);
}

TEST_CASE("bm25 reads words as Unicode has them") {
  const std::vector<std::string> texts{"Über the Brücke", "über, ÜBER! 42nd naïve", "the"};
  const Bm25 bm25(texts, true);
  CHECK(bm25.dim() == 4);  // über, brücke, 42nd, naïve; `the` is a stop word
  const std::vector<std::string> query{"ÜBER über unknown"};
  CHECK(bm25.queries(query) == std::vector<float>{2, 0, 0, 0});
  CHECK_THROWS_AS(Bm25(std::vector<std::string>{"the of", "..."}, true), InputError);
}

TEST_CASE("a page about an evaluation") {
  FakeModel fake;
  const auto tasks = read_tasks(tasks_folder());
  Report report;
  EvaluateOptions options;
  options.scored = [&](const auto& task, const auto& score, auto vectors, const auto& scoring) {
    report.add(task, score, vectors, scoring);
  };
  const Evaluation e = evaluate(fake.model(), tasks, options);
  const Report::Others other{"Other <b>", {{"search", {50, 1}}}};
  const std::string page = report.html("A & B", {"fact"}, e, {other}, "", {});
  for (const char* part : {"A &amp; B", "Other &lt;b&gt;", "fact", "search, cosines", "pairs, cosines",
                           "two principal components", "summarization", "50.0"})
    CHECK_MESSAGE(page.find(part) != std::string::npos, part);
  for (const char* part : {"<b>", "http", "nan", "inf\""}) {
    const auto at = page.find(part);
    CHECK_MESSAGE((at == std::string::npos || std::string(part) == "<b>"), part << " at " << at);
  }
}

#include <doctest/doctest.h>

#include <functional>
#include <nvembed/io/json.hpp>
#include <nvembed/train/trainer.hpp>
#include <support/backends.hpp>
#include <support/golden.hpp>
#include <train/npy.hpp>
#include <train/support.hpp>

using namespace train_test;
using B = eigen::Backend;

namespace {

const char* const words[] = {"river", "stone", "cloud", "engine", "garden", "letter", "music", "winter"};

/// Two tasks of 8 records: questions with negatives, and graded pairs.
struct Data : Folder {
  std::string queries, passages;  // texts for a teacher

  explicit Data(const std::string& name) : Folder(name) {
    std::string asked, graded;
    for (int i = 0; i < 8; ++i) {
      const std::string word = words[i], other = words[(i + 3) % 8];
      asked += R"({"query": "what is a )" + word + R"(", "positive": ["the )" + word + R"("], "negative": ["no )" +
               other + "\"]}\n";
      graded += R"({"text1": "a )" + word + R"(", "text2": "one )" + (i % 2 ? word : other) + R"(", "score": )" +
                std::to_string(i % 2 ? 5 : i % 3) + "}\n";
      queries += R"({"text": "what is a )" + word + "\"}\n";
      passages += R"({"text": "the )" + word + "\"}\n" + R"({"text": "no )" + word + "\"}\n";
    }
    write("asked.jsonl", asked);
    write("graded.jsonl", graded);
    write("q.jsonl", queries);
    write("p.jsonl", passages);
    write("tasks.json", R"([
      {"name": "asked", "kind": "retrieval", "instruction": "Find it", "symmetric": false, "in_batch_negatives": true},
      {"name": "graded", "kind": "sts", "instruction": "Compare", "symmetric": true, "in_batch_negatives": false, "grades": [0, 5]}])");
  }

  Recipe recipe(const std::string& loss, const std::string& task = "asked", const std::string& more = "") const {
    static int number = 0;
    write("recipe.json", R"({"model": ")" + golden::path("nvembed_tiny") + R"(", "output": "out)" +
                             std::to_string(++number) + R"(", "lora": {"rank": 4, "alpha": 8, "dropout": 0}, "seed": 3,
      "stages": [{"data": {"tasks": ".", "only": [")" +
                             task + R"("]}, "batch": 8, "hard_negatives": 1, "steps": 12,
                  "warmup_steps": 1, "learning_rate": 0.02, "loss": )" +
                             loss + more + "}]}");
    return read_recipe(path("recipe.json"));
  }
  /// Losses of the steps.
  std::vector<double> run(const Recipe& r) const {
    Trainer<B> trainer(std::make_shared<B>(2), r);
    CHECK(trainer.run());
    std::vector<double> losses;
    for (const StepLog& step : trainer.log().read().steps) {
      CHECK(step.skipped.empty());
      CHECK(step.queries == 8);
      losses.push_back(step.loss);
    }
    return losses;
  }
  /// The model's own vectors as those of a teacher, each changed by `change`.
  std::string teacher(const std::function<void(std::vector<float>&)>& change) const {
    const Trainer<B> trainer(std::make_shared<B>(2), recipe("{}"));
    const auto embedder = trainer.embedder();
    std::vector<Text> q, p;
    std::vector<std::string> passages;
    for (const char* word : words) {
      passages.push_back(std::string("the ") + word);
      passages.push_back(std::string("no ") + word);
    }
    std::vector<std::string> asked;
    for (const char* word : words) asked.push_back(std::string("what is a ") + word);
    for (const auto& t : asked) q.push_back({t, "Find it"});
    for (const auto& t : passages) p.push_back({t});
    const auto save = [&](const char* name, const std::vector<Text>& texts) {
      auto e = embedder.encode(texts);
      std::vector<float> values(e.values.begin(), e.values.end());
      change(values);
      write(name, npy(static_cast<int>(e.rows), static_cast<int>(e.dim), values));
    };
    save("q.npy", q);
    save("p.npy", p);
    return R"(, "teacher": {"queries": {"texts": "q.jsonl", "vectors": "q.npy"},
      "passages": {"texts": "p.jsonl", "vectors": "p.npy"}})";
  }
};

}  // namespace

TEST_CASE("every loss of a recipe falls while a model is trained by it") {
  const Data data("losses");
  for (const char* loss : {R"({"type": "info_nce", "temperature": 0.1})", R"({"type": "triplet", "margin": 0.5})",
                           R"({"type": "triplet", "distance": "euclidean", "others_hard_negatives": true})",
                           R"({"type": "triplet", "margin": 0.5, "dims": [32, 64]})"}) {
    CAPTURE(loss);
    const auto losses = data.run(data.recipe(loss));
    CHECK(losses.back() < 0.8 * losses.front());
  }
  for (const char* loss :
       {R"({"type": "cosent"})", R"({"type": "cosine_mse"})", R"({"type": "cosent", "dims": [16, 64]})"}) {
    CAPTURE(loss);
    const auto losses = data.run(data.recipe(loss, "graded"));
    CHECK(losses.back() < 0.8 * losses.front());
  }
}

TEST_CASE("a model that teaches itself has nothing to learn, another one has") {
  const Data data("distil");
  const std::string own = data.teacher([](auto& v) {
    for (float& x : v) x *= 3;  // their length does not count
  });
  for (const char* loss : {R"({"type": "score_distillation"})", R"({"type": "embedding_distillation"})",
                           R"({"type": "embedding_distillation", "distance": "mse"})"}) {
    CAPTURE(loss);
    CHECK(std::abs(data.run(data.recipe(loss, "asked", own)).front()) < 1e-5);
  }
  const std::string other = data.teacher([](auto& v) {
    for (std::size_t i = 0; i < v.size(); ++i) v[i] += i % 3 ? 0.05f : -0.1f * static_cast<float>(i % 7);
  });
  for (const char* loss : {R"({"type": "score_distillation", "temperature": 0.05, "teacher_temperature": 0.05})",
                           R"({"type": "embedding_distillation"})"}) {
    CAPTURE(loss);
    const auto losses = data.run(data.recipe(loss, "asked", other));
    CHECK(losses.front() > 1e-3);
    CHECK(losses.back() < 0.8 * losses.front());
  }
}

TEST_CASE("losses of a stage add up by their weights") {
  const Data data("sum");
  const std::string teacher = data.teacher([](auto& v) { v[0] += 1; });
  const std::string nce = R"({"temperature": 0.1})", triplet = R"({"type": "triplet"})",
                    scores = R"({"type": "score_distillation"})";
  const double a = data.run(data.recipe(nce)).front(), b = data.run(data.recipe(triplet)).front(),
               c = data.run(data.recipe(scores, "asked", teacher)).front();
  const double sum = data.run(data.recipe(R"([{"temperature": 0.1, "weight": 0.5}, {"type": "triplet", "weight": 2},
    {"type": "score_distillation"}])",
                                          "asked", teacher))
                         .front();
  CHECK(sum == doctest::Approx(0.5 * a + 2 * b + c).epsilon(1e-6));
}

TEST_CASE("a loss that finds nothing to compare makes no update, in a sum it is left out") {
  const Data data("nothing");
  const std::string teacher = data.teacher([](auto& v) { v[0] += 1; });
  Recipe r = data.recipe(R"([{"type": "triplet"}, {"type": "embedding_distillation"}])", "asked", teacher);
  r.stages[0].hard_negatives = 0, r.stages[0].in_batch_negatives = false;
  Recipe alone = data.recipe(R"({"type": "embedding_distillation"})", "asked", teacher);
  alone.stages[0].hard_negatives = 0, alone.stages[0].in_batch_negatives = false;
  CHECK(data.run(r).front() == data.run(alone).front());

  Recipe lone = data.recipe(R"({"type": "cosent"})", "graded");
  lone.stages[0].batch = 1, lone.stages[0].steps = 2;
  Trainer<B> trainer(std::make_shared<B>(1), lone);
  CHECK(trainer.run());
  for (const StepLog& step : trainer.log().read().steps)
    CHECK(step.skipped.find("all 1 grades are equal") != std::string::npos);
  CHECK(trainer.state().guard.skipped == 2);
}

TEST_CASE("losses that do not fit their data are refused") {
  const Data data("refused");
  const auto refused = [&](const Recipe& r, const char* what) {
    CHECK_THROWS_WITH_AS(Trainer<B>(std::make_shared<B>(1), r), doctest::Contains(what), Error);
  };
  refused(data.recipe("{}", "graded"), "task graded holds graded pairs");
  refused(data.recipe(R"({"type": "cosent"})"), "task asked holds no graded pairs");
  const auto unread = [&](const std::string& loss, const std::string& more, const char* what) {
    CHECK_THROWS_WITH_AS(data.recipe(loss, "asked", more), doctest::Contains(what), FileError);
  };
  unread(R"([{"type": "cosent"}, {}])", "", "make two stages");
  unread(R"({"type": "triplet", "temperature": 1})", "", "there is no key temperature");
  unread(R"({"type": "cosent", "margin": 1})", "", "there is no key margin");
  unread(R"({"type": "score_distillation"})", "", "its loss needs a teacher");
  unread(R"({"type": "tripled"})", "", "type is tripled");
  unread(R"([])", "", "no loss has a weight");
  unread(R"({"type": "triplet", "margin": -1})", "", "margin is -1; it should be 0 to 100");
  const std::string teacher = data.teacher([](auto&) {});
  unread("{}", teacher, "teacher goes with");

  Recipe r = data.recipe(R"({"type": "embedding_distillation"})", "asked", teacher);
  const auto without = [&](auto&& change, const char* what) {
    Recipe made = r;  // in C++, past the reader
    change(made.stages[0]);
    refused(made, what);
  };
  without([](RecipeStage& s) { s.teacher.reset(); }, "its loss needs a teacher");
  without([](RecipeStage& s) { s.losses.clear(); }, "has no loss");
  data.write("q.npy", npy(8, 2, std::vector<float>(16, 1)));
  data.write("p.npy", npy(16, 2, std::vector<float>(32, 1)));
  refused(r, "the teacher's vectors have 2 components, the model's 64");
  data.write("p.npy", npy(16, 3, std::vector<float>(48, 1)));
  refused(r, "those of passages 3");
}

TEST_CASE("a query that the teacher does not know is left out and told of") {
  const Data data("unknown");
  const std::string teacher = data.teacher([](auto&) {});
  std::string fewer = data.queries;
  fewer.replace(fewer.find("winter"), 6, "summer");
  data.write("q.jsonl", fewer);
  Recipe r = data.recipe(R"({"type": "embedding_distillation"})", "asked", teacher);
  r.stages[0].steps = 1;
  std::vector<std::string> notices;
  TrainingHooks hooks;
  hooks.notice = [&](const std::string& line) { notices.push_back(line); };
  Trainer<B> trainer(std::make_shared<B>(1), r, hooks);
  CHECK(trainer.run());
  const auto steps = trainer.log().read().steps;
  CHECK(steps.at(0).unusable == 1);
  CHECK(steps.at(0).queries == 7);
  REQUIRE(!notices.empty());
  CHECK(notices.back() ==
        data.path("asked.jsonl") + ", line 8: the teacher has no vector for a text of it; its query is left out");
}

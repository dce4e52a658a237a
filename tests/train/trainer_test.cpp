#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nvembed/embed/load.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/train/memory_plan.hpp>
#include <nvembed/train/trainer.hpp>
#include <string>
#include <support/backends.hpp>
#include <support/golden.hpp>
#include <support/scratch.hpp>

using namespace nvembed;
using B = eigen::Backend;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}
std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const char* const words[] = {"river",  "stone",   "cloud",  "engine",  "garden", "letter", "music",  "winter",
                             "copper", "harbour", "needle", "orchard", "planet", "quarry", "saddle", "timber"};

/// A folder of two tasks: one of retrieval, one whose records bring negatives of their own.
fs::path tasks(const fs::path& folder) {
  std::string pairs, classes;
  for (int i = 0; i < 16; ++i) {
    const std::string word = words[i], other = words[(i + 5) % 16];
    pairs += R"({"query": "what is a )" + word + R"(", "positive": ["the )" + word +
             R"( is found outside"], "negative": []})" + "\n";
    classes += R"({"query": "a )" + word + R"( here", "positive": ["one )" + word + R"( there"], "negative": ["some )" +
               other + R"( there", "no )" + other + R"("]})" + "\n";
  }
  write(folder / "pairs.jsonl", pairs);
  write(folder / "classes.jsonl", classes);
  write(folder / "tasks.json", R"([
    {"name": "pairs", "kind": "retrieval", "instruction": "Find the text", "symmetric": false, "in_batch_negatives": true},
    {"name": "classes", "kind": "classification", "instruction": "Classify", "symmetric": true, "in_batch_negatives": false}])");
  return folder;
}

train::Recipe recipe(const fs::path& folder, const std::string& output = "out") {
  tasks(folder / "data");
  write(folder / "recipe.json", R"({"model": ")" + golden::path("nvembed_tiny") + R"(", "output": ")" + output + R"(",
    "lora": {"rank": 2, "alpha": 4, "dropout": 0.2}, "chunk_tokens": 40, "checkpoint_every": 2, "seed": 5,
    "stages": [
      {"name": "first", "data": {"tasks": "data", "only": ["retrieval"]}, "batch": 4, "steps": 5, "warmup_steps": 2,
       "learning_rate": 0.001},
      {"name": "second", "data": {"tasks": "data", "only": ["classes"]}, "batch": 3, "hard_negatives": 1, "in_batch_negatives": false, "steps": 4,
       "warmup_steps": 1, "learning_rate": 0.001, "optimizer": "adamw", "schedule": "cosine", "loss": {"dims": [16, 64]}}]})");
  return train::read_recipe((folder / "recipe.json").string());
}

std::map<std::string, std::vector<float>> weights_of(const train::Trainer<B>& trainer) {
  auto lane = trainer.embedder().backend().make_lane();
  std::map<std::string, std::vector<float>> all;
  trainer.tuned().each_trained([&](const std::string& name, const auto& p) { all[name] = p.value.to_host(lane); });
  return all;
}

}  // namespace

TEST_CASE("a run that is stopped and goes on comes to the same bits, whatever the threads") {
  const Scratch scratch;
  train::Trainer<B> whole(std::make_shared<B>(1), recipe(scratch.dir, "whole"));
  const auto before = weights_of(whole);
  CHECK(whole.run());
  CHECK(whole.finished());
  const auto wanted = weights_of(whole);
  CHECK(wanted.size() == before.size());
  for (const auto& named : wanted) {
    CAPTURE(named.first);
    CHECK(named.second != before.at(named.first));
  }

  const train::Recipe parts = recipe(scratch.dir, "parts");
  for (int stop_after = 1;; ++stop_after) {  // step by step, stopped in the middle of one each time
    REQUIRE(stop_after < 20);
    std::stop_source stop;
    train::TrainingHooks hooks;
    Index first = -1;
    hooks.progress = [&](const train::TrainingProgress& p) {
      if (first < 0) first = p.step;
      if (p.step >= first + 1) stop.request_stop();
    };
    hooks.stop = stop.get_token();
    train::Trainer<B> part(std::make_shared<B>(3), parts, hooks);
    CHECK(part.can_resume() == (stop_after > 1));
    if (part.can_resume()) part.resume();
    const Index from = part.state().step;
    if (part.run()) {
      CHECK(weights_of(part) == wanted);
      break;
    }
    CHECK(part.state().step == from + 1);
  }
  // The log has every step once.
  const auto log = train::TrainingLog((scratch.dir / "parts/log.jsonl").string()).read();
  const auto expected = train::TrainingLog((scratch.dir / "whole/log.jsonl").string()).read();
  REQUIRE(log.steps.size() == 9);
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK(log.steps[i].step == static_cast<Index>(i) + 1);
    CHECK(log.steps[i].loss == expected.steps[i].loss);
    CHECK(log.steps[i].tokens == expected.steps[i].tokens);
    CHECK(log.steps[i].skipped.empty());
  }
  // A run that is over can be taken up, too.
  train::Trainer<B> again(std::make_shared<B>(2), parts);
  again.resume();
  CHECK(again.finished());
  CHECK(weights_of(again) == wanted);
}

TEST_CASE("the embedder that a run leaves is what it was trained to be") {
  const Scratch scratch;
  train::Recipe r = recipe(scratch.dir);
  r.stages.resize(1);
  train::Trainer<B> trainer(std::make_shared<B>(2), r);
  CHECK(trainer.run());
  trainer.save_embedder(r.output);
  const std::vector<std::string> texts{"what is a river", "the engine is found outside", "winter"};
  const auto trained = trainer.embedder().encode(texts);
  const auto loaded = load<B>(r.output).encode(texts);
  REQUIRE(loaded.values.size() == trained.values.size());
  for (std::size_t i = 0; i < loaded.values.size(); ++i)
    CHECK(loaded.values[i] == doctest::Approx(trained.values[i]).epsilon(1e-5).scale(1));
  const auto base = load<B>(golden::path("nvembed_tiny")).encode(texts);
  double moved = 0;
  for (std::size_t i = 0; i < base.values.size(); ++i)
    moved = std::max(moved, static_cast<double>(std::abs(base.values[i] - loaded.values[i])));
  CHECK(moved > 1e-3);
}

TEST_CASE("checkpoints: which are kept, and what is refused") {
  const Scratch scratch;
  train::Recipe r = recipe(scratch.dir);
  train::TrainingHooks hooks;
  r.evaluation.every = 3;
  Index evaluations = 0;
  hooks.evaluate = [&] {
    ++evaluations;
    return train::EvaluationLog{0, evaluations == 2 ? 90.0 : 50.0, {{"task", 1.0}}, 0.1};
  };
  r.checkpoint_every = 1;
  train::Trainer<B> trainer(std::make_shared<B>(2), r, hooks);
  CHECK_THROWS_AS(trainer.resume(), FileError);  // there is none yet
  CHECK(trainer.run());
  CHECK(evaluations == 5);  // at 0, 3, 5 (end of a stage), 6, 9
  CHECK(trainer.checkpoints().steps() == std::vector<Index>{3, 8, 9});
  CHECK(trainer.log().read().evaluations.size() == 5);
  const auto last = weights_of(trainer);
  trainer.take_best();
  CHECK(trainer.state().step == 3);
  CHECK(weights_of(trainer) != last);

  const auto refused = [&](const train::Recipe& other, const char* what) {
    train::Trainer<B> t(std::make_shared<B>(2), other);
    const auto before = weights_of(t);
    CHECK_THROWS_WITH_AS(t.resume(), doctest::Contains(what), FileError);
    CHECK(weights_of(t) == before);
  };
  train::Recipe other = r;
  other.stages[1].learning_rate = 0.5;
  refused(other, "stages.1.learning_rate");
  other = r;
  other.lora->rank = 3;
  refused(other, "lora.rank");
  // Cut short, byte for byte in the middle of each file.
  const fs::path newest = trainer.checkpoints().path(9);
  for (const char* name : {"weights.safetensors", "optimizer.safetensors", "state.json"}) {
    CAPTURE(name);
    const std::string content = read(newest / name);
    write(newest / name, content.substr(0, content.size() / 2));
    refused(r, name);
    write(newest / name, content);
  }
  // A half-written one is no checkpoint, and goes when the next is written.
  fs::create_directories(scratch.dir / "out/checkpoints/step-00000010.tmp");
  train::Trainer<B> t(std::make_shared<B>(2), r);
  t.resume();
  CHECK(t.state().step == 9);
}

TEST_CASE("steps that cannot teach are skipped, told of and counted; too many end the run") {
  const Scratch scratch;
  train::Recipe r = recipe(scratch.dir);
  r.stages.resize(1);
  r.stages[0].batch = 1;  // the only query has no negatives
  r.most_skipped = 3;
  std::vector<std::string> notices;
  train::TrainingHooks hooks;
  hooks.notice = [&](const std::string& line) { notices.push_back(line); };
  train::Trainer<B> trainer(std::make_shared<B>(2), r, hooks);
  const auto before = weights_of(trainer);
  CHECK_THROWS_WITH_AS(trainer.run(), doctest::Contains("3 steps in a row"), Error);
  CHECK(weights_of(trainer) == before);
  CHECK(notices.size() == 3);
  CHECK(notices[0].find("step 1 is skipped: [info_nce]") == 0);
  CHECK(trainer.log().read().steps.size() == 2);

  // An instruction that takes all of max_length: its queries are left out, the others go on.
  train::Recipe shorter = recipe(scratch.dir, "shorter");
  shorter.stages.erase(shorter.stages.begin());
  shorter.stages[0].query_max_length = 4;
  notices.clear();
  train::Trainer<B> cut(std::make_shared<B>(2), shorter, hooks);
  CHECK(cut.run());
  for (const train::StepLog& step : cut.log().read().steps) {
    CHECK(step.unusable == 3);
    CHECK(step.skipped.find("no query") != std::string::npos);
  }
  REQUIRE(!notices.empty());
  CHECK(notices[0].find("leaves no token to pool") != std::string::npos);
  CHECK(notices[0].find("classes.jsonl, line") != std::string::npos);
}

TEST_CASE("a recipe that does not fit its base is refused") {
  const Scratch scratch;
  const auto refused = [&](auto&& change, const char* what) {
    train::Recipe r = recipe(scratch.dir);
    change(r);
    CHECK_THROWS_WITH_AS(train::Trainer<B>(std::make_shared<B>(1), r), doctest::Contains(what), Error);
  };
  refused([](train::Recipe& r) { r.lora->target_modules = {"c_attn"}; }, "no linear layer c_attn");
  refused([](train::Recipe& r) { r.full = {"layers.9.*"}; }, "layers.9.*");
  refused([](train::Recipe& r) { r.stages[0].losses[0].dims = {65}; }, "dims has 65");
  refused([](train::Recipe& r) { r.stages[0].lr_scale = {{"*lora_C*", 2.0}}; }, "group 0");
  refused([](train::Recipe& r) { r.stages[0].data[0].weights = {{"nothing", 2.0}}; }, "nothing");
  refused([](train::Recipe& r) { r.stages[0].data[0].only = {"sts"}; }, "sts");
  refused(
      [](train::Recipe& r) {
        r.lora.reset();
        r.pool = "mean";
      },
      "nothing is trained");
}

TEST_CASE("a new head that starts as the mean gives the mean's vectors, and the plan counts what is trained") {
  const Scratch scratch;
  train::Recipe r = recipe(scratch.dir);
  const auto be = std::make_shared<B>(2);
  r.pool = "mean";
  r.stages.resize(1);
  const auto mean = train::Trainer<B>(be, r).embedder().encode({"what is a river", "stone"});
  r.pool = "";
  r.head = train::RecipeHead{8, 2, 16, 2, pool::LatentStart::mean};
  train::Trainer<B> trainer(be, r);
  const auto started = trainer.embedder().encode({"what is a river", "stone"});
  for (std::size_t i = 0; i < mean.values.size(); ++i)
    CHECK(started.values[i] == doctest::Approx(mean.values[i]).epsilon(1e-5).scale(1));
  const train::MemoryPlan plan = train::plan_training(*be, r);
  CHECK(plan.trained_numbers == trainer.tuned().trained_numbers());
  CHECK(plan.trained == 16 * plan.trained_numbers);
  r.head->start = pool::LatentStart::released;
  const auto released = train::Trainer<B>(be, r).embedder().encode({"stone"});
  CHECK(std::abs(released.values[0] - mean.values[64]) > 1e-3f);

  r.head.reset();
  r.lora.reset();
  r.full = {"layers.2.*", "norm.weight"};
  train::Trainer<B> top(be, r);
  const Index layer = 2 * 64 + 64 * 64 * 2 + 2 * 32 * 64 + 3 * 64 * 160;
  Index head = 0;
  top.tuned().each_trained([&](const std::string& name, const auto& p) {
    if (name.starts_with("pool.")) head += p.declared.rows() * p.declared.cols;
  });
  CHECK(top.tuned().trained_numbers() == layer + 64 + head);
  CHECK(top.run());
  top.save_embedder(r.output);
  const auto trained = top.embedder().encode({"stone"}), loaded = load<B>(r.output).encode({"stone"});
  for (std::size_t i = 0; i < trained.values.size(); ++i)
    CHECK(loaded.values[i] == doctest::Approx(trained.values[i]).epsilon(1e-5).scale(1));
}

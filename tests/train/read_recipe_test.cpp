#include <doctest/doctest.h>

#include <nvembed/train/read_recipe.hpp>
#include <string>
#include <support/scratch.hpp>

using namespace nvembed;
using namespace nvembed::train;

namespace {

Recipe read(const Scratch& s, const std::string& json) { return read_recipe(s.write("r.json", json)); }

std::string refused(const Scratch& s, const std::string& json) {
  try {
    read(s, json);
  } catch (const FileError& e) {
    return e.what();
  }
  return "nothing was refused";
}

}  // namespace

TEST_CASE("a recipe's defaults are NV-Embed's, and every key is read") {
  const Scratch s;
  const Recipe r = read(s, R"({"model": "m.gguf", "output": "/out", "comment": "any", "lora": {},
                               "stages": [{"data": "../data", "steps": 3}]})");
  CHECK(r.model == (s.dir / "m.gguf").string());
  CHECK(r.output == "/out");
  CHECK(r.lora->rank == 16);
  CHECK(r.lora->alpha == 32);
  CHECK(r.lora->dropout == 0.1);
  CHECK(r.lora->target_modules.size() == 7);
  CHECK(!r.head);
  REQUIRE(r.stages.size() == 1);
  const RecipeStage& stage = r.stages[0];
  CHECK(stage.name == "stage 1");
  CHECK(stage.data[0].tasks == (s.dir.parent_path() / "data").string());
  CHECK(stage.batch == 128);
  CHECK(stage.hard_negatives == 7);
  CHECK(stage.warmup_steps == 50);
  CHECK(stage.weight_decay == 0.03);
  CHECK(stage.optimizer == RecipeOptimizer::adam);
  CHECK(stage.schedule == RecipeSchedule::linear);
  CHECK(stage.losses.at(0).temperature == 0.02);
  CHECK(r.steps() == 3);

  const Recipe all =
      read(s, R"({"model": "m", "output": "o", "mask": "causal", "pool": "last_token", "precision": "int8",
    "latent_attention": {"num_latents": 3, "num_heads": 2, "head_dim": 5, "mult": 1, "start": "released"},
    "lora": {"rank": 2, "alpha": 3, "dropout": 0, "rslora": true, "target_modules": ["q_proj"], "layers": [1, 2]},
    "full": ["*norm*"], "seed": 9, "chunk_tokens": 7, "recompute": true, "moments": "bf16", "most_skipped": 4,
    "checkpoint_every": 8, "keep_last": 5, "keep_best": true, "embedder": "best", "skip_bad_records": true,
    "evaluation": {"tasks": "t", "only": ["sts"], "sample": 0.5, "max_length": 6, "every": 11},
    "stages": [{"name": "n", "data": [{"tasks": "a", "only": ["x"], "weights": {"x": 2.5}}, "b"], "size_exponent": 0.5,
      "batches": "homogeneous", "batch": 12, "hard_negatives": 0, "in_batch_negatives": false, "query_max_length": 13,
      "passage_max_length": 14, "loss": {"temperature": 0.1, "others_hard_negatives": true, "both_directions": true,
      "margin": -0.05, "margin_on_hard_negatives": true, "dims": [4, 8]}, "steps": 15, "learning_rate": 0.5,
      "warmup_steps": 0, "schedule": "cosine", "optimizer": "adamw", "beta1": 0.8, "beta2": 0.95, "eps": 1e-6,
      "weight_decay": 0, "max_gradient_norm": 0, "lr_scale": {"pool.*": 3}}]})");
  CHECK(all.head->head_dim == 5);
  CHECK(all.head->start == pool::LatentStart::released);
  CHECK(all.lora->layers == std::vector<Index>{1, 2});
  CHECK(all.lora->seed == 9);
  CHECK(all.take_best);
  CHECK(all.stages[0].data.size() == 2);
  CHECK(all.stages[0].data[0].weights.at("x") == 2.5);
  CHECK(all.stages[0].losses[0].margin == -0.05);
  CHECK(all.stages[0].losses[0].dims == std::vector<Index>{4, 8});
  CHECK(all.stages[0].lr_scale.at("pool.*") == 3);
  // Each setting that decides the weights tells two recipes apart.
  Recipe other = all;
  CHECK(recipe_differences(recipe_identity(all), recipe_identity(other)).empty());
  other.stages[0].losses[0].dims = {4};
  other.lora->layers = {};
  CHECK(recipe_differences(recipe_identity(all), recipe_identity(other)) ==
        std::vector<std::string>{"lora.layers.0", "lora.layers.1", "stages.0.loss.0.dims.1", "lora.layers"});
  other = all;
  other.output = "elsewhere";  // decides nothing
  CHECK(recipe_identity(all) == recipe_identity(other));
}

TEST_CASE("what is wrong with a recipe is told with its place") {
  const Scratch s;
  const auto stage = [](const std::string& more) {
    return R"({"model": "m", "output": "o", "stages": [{"data": "d", "steps": 1)" + more + "}]}";
  };
  const std::string file = s.path("r.json");
  CHECK(refused(s, "{}") == "[recipe] " + file + ": model is missing");
  CHECK(refused(s, R"({"model": "m", "output": "o", "stages": []})") ==
        "[recipe] " + file + ": stages should be a list of at least one stage");
  CHECK(refused(s, stage(R"(, "bacth": 3)")) ==
        "[recipe] " + file + ": stages.0: there is no key bacth; did you mean batch?");
  CHECK(refused(s, stage(R"(, "loss": {"temperature": 0})")) ==
        "[recipe] " + file + ": stages.0.loss: temperature is 0; it should be 0.0001 to 100");
  CHECK(refused(s, stage(R"(, "schedule": "linaer")")) ==
        "[recipe] " + file + ": stages.0: schedule is linaer; it should be one of linear, cosine, constant");
  CHECK(refused(s, stage(R"(, "xyzzy_quux": 3)")).find("; known are batch, batches, beta1") != std::string::npos);
  CHECK(refused(s, R"({"model": "m", "output": "o", "embedder": "best", "stages": [{"data": "d", "steps": 1}]})") ==
        "[recipe] " + file + ": embedder best needs keep_best and an evaluation");
  CHECK(refused(s, R"({"model": 3, "output": "o"})").find("model: expected a string") != std::string::npos);
}

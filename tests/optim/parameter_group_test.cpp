#include <doctest/doctest.h>

#include <nvembed/optim/name_pattern.hpp>

#include "support.hpp"

using namespace trained;
using optim::NamePattern;

TEST_CASE("optim: patterns of names") {
  const auto matches = [](const char* pattern, const char* name) { return NamePattern(pattern)(name); };
  CHECK(matches("layers.0.mlp", "layers.0.mlp"));
  CHECK(!matches("layers.0", "layers.0.mlp"));
  CHECK(!matches("mlp", "layers.0.mlp"));
  CHECK(matches("*", ""));
  CHECK(matches("*", "a.b"));
  CHECK(!matches("", "a"));
  CHECK(matches("", ""));
  CHECK(matches("*.bias", "layers.0.q_proj.bias"));
  CHECK(!matches("*.bias", "layers.0.q_proj.bias.x"));
  CHECK(matches("layers.*.lora_*", "layers.3.self_attn.lora_A"));
  CHECK(matches("*ab*ab", "abaab"));
  CHECK(matches("a*b*c", "axxbxbxc"));
  CHECK(!matches("a*b*c", "axxbxbxcx"));
  CHECK(matches("a**", "a"));
}

TEST_CASE("optim: norms and biases do not decay unless a group says so") {
  CHECK(optim::decays_by_default("layers.0.mlp.down_proj", Parts({{"weight", 8}}, 4)));
  CHECK(optim::decays_by_default("pool.latents", Parts(512, 64)));
  CHECK(!optim::decays_by_default("norm.weight", Parts(1, 64)));
  CHECK(!optim::decays_by_default("scale", Parts(1, 64)));
  CHECK(!optim::decays_by_default("layers.0.self_attn", Parts({{"q_proj.bias", 8}, {"k_proj.bias", 4}}, 1)));
  CHECK(!optim::decays_by_default("layers.0.input_layernorm.weight", Parts(2, 64)));

  const B be(1);
  Model<float> model;
  fill(be, model);
  const Trainable trainable = all_of(model);
  optim::AdamOptions options;
  options.weight_decay = 0.1;
  options.groups.push_back({NamePattern("*.bias"), 0.5});
  options.groups.push_back({NamePattern("*norm*"), 2, 0.3});
  const optim::AdamW<B> optimizer(be, model, trainable, options);
  CHECK(optimizer.weight_decay("layer.bias") == 0);
  CHECK(optimizer.weight_decay("layer.norm.weight") == 0.3);
  CHECK(optimizer.weight_decay("layer.weight") == 0.1);
  CHECK(optimizer.lr_scale("layer.bias") == 0.5);
  CHECK(optimizer.lr_scale("layer.norm.weight") == 2);
  CHECK(optimizer.lr_scale("layer.weight") == 1);
  CHECK_THROWS_AS(optimizer.lr_scale("layer"), InputError);
}

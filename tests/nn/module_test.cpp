#include <doctest/doctest.h>

#include <algorithm>
#include <nvembed/embed/embedder.hpp>
#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/model/parameter_count.hpp>
#include <nvembed/pool/latent_attention.hpp>
#include <set>
#include <string>
#include <support/backends.hpp>
#include <support/golden.hpp>

using namespace nvembed;
using B = eigen::Backend;
using Body = Decoder<B, mask::Bidirectional>;
using Head = pool::LatentAttention<B>;

namespace {

DecoderConfig mistral_7b() {
  DecoderConfig c;
  c.architecture = "mistral";
  c.vocab_size = 32000, c.hidden_size = 4096, c.intermediate_size = 14336, c.num_layers = 32;
  c.num_heads = 32, c.num_kv_heads = 8, c.head_dim = 128, c.rms_norm_eps = 1e-5;
  return c;
}

DecoderConfig tiny() {
  DecoderConfig c = mistral_7b();
  c.hidden_size = 64, c.intermediate_size = 160, c.num_layers = 3, c.num_heads = 4, c.num_kv_heads = 2, c.head_dim = 16;
  return c;
}

template <class M>
void add_keys(const M& module, const std::string& prefix, std::set<std::string>& keys) {
  for_each_leaf(module, [&](const std::string& key, const auto& leaf) {
    for (const Part& p : leaf.declared.parts) CHECK(keys.insert(prefix + join_key(key, p.key)).second);
  });
}

}  // namespace

TEST_CASE("module: NV-Embed-v2 has exactly the published number of parameters") {
  CHECK(count_parameters(Body(mistral_7b())) == 7'110'660'096);
  CHECK(count_parameters(Head(LatentAttentionConfig{})) == 740'356'096);
}

TEST_CASE("module: member names are the checkpoint's keys, all of them") {
  LatentAttentionConfig head;
  head.num_latents = 16, head.num_heads = 4, head.head_dim = 32, head.hidden_dim = head.latent_dim = 64;
  std::set<std::string> ours;
  add_keys(Body(tiny()), "embedding_model.", ours);
  add_keys(Head(head), "latent_attention_model.", ours);
  const Safetensors file(golden::path("nvembed_tiny/model.safetensors.index.json"));
  const auto names = file.names();
  CHECK(ours == std::set<std::string>(names.begin(), names.end()));
}

TEST_CASE("module: biases and head norms appear where the config has them") {
  DecoderConfig c = tiny();
  std::set<std::string> plain, with;
  add_keys(Body(c), "", plain);
  c.qkv_bias = c.o_bias = c.mlp_bias = c.qk_norm = true;
  add_keys(Body(c), "", with);
  CHECK(with.size() == plain.size() + 3 * (4 + 3 + 2));
  for (const char* key :
       {"layers.2.self_attn.k_proj.bias", "layers.0.self_attn.o_proj.bias", "layers.1.self_attn.q_norm.weight",
        "layers.1.mlp.up_proj.bias", "layers.1.mlp.down_proj.bias"})
    CHECK(with.count(key) == 1);
}

TEST_CASE("module: a config that makes no sense is refused before anything is declared") {
  DecoderConfig c = tiny();
  c.num_layers = 1'000'000'000;
  CHECK_THROWS_WITH_AS(Body{c}, doctest::Contains("num_hidden_layers is 1000000000"), FileError);
  c = tiny(), c.num_kv_heads = 3;
  CHECK_THROWS_AS(Body{c}, FileError);
  c = tiny(), c.num_heads = c.num_kv_heads = 1 << 20, c.head_dim = 1 << 14;  // each allowed, together absurd
  CHECK_THROWS_WITH_AS(Body{c}, doctest::Contains("num_attention_heads * head_dim"), FileError);
  c = tiny(), c.head_dim = 15;
  CHECK_THROWS_AS(Body{c}, FileError);
}

TEST_CASE("parameter_count agrees with the declared members") {
  DecoderConfig c = tiny();
  CHECK(parameter_count(c) == count_parameters(Body(c)));
  c.qkv_bias = c.o_bias = c.mlp_bias = c.qk_norm = true;
  CHECK(parameter_count(c) == count_parameters(Body(c)));
  LatentAttentionConfig head;
  CHECK(parameter_count(head) == count_parameters(Head(head)));
  head.num_latents = 5, head.num_heads = 3, head.head_dim = 20, head.hidden_dim = head.latent_dim = 48, head.mult = 2;
  CHECK(parameter_count(head) == count_parameters(Head(head)));
}

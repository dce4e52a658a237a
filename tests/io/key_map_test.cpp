#include <doctest/doctest.h>

#include <nvembed/io/key_map.hpp>
#include <set>

using nvembed::KeyMap;

TEST_CASE("KeyMap: Hugging Face prefixes, there and back") {
  for (const std::string prefix : {"model.", "", "embedding_model."}) {
    const KeyMap map = KeyMap::detect([&](const std::string& n) { return n == prefix + "embed_tokens.weight"; }, "f");
    CHECK(map.decoder_prefix() == prefix);
    CHECK_FALSE(map.is_gguf());
    for (const std::string key : {"embed_tokens.weight", "layers.31.self_attn.q_proj.weight", "norm.weight"}) {
      CHECK(map.foreign(key) == prefix + key);
      CHECK(map.ours(prefix + key) == key);
    }
    CHECK(map.foreign("latents") == "latent_attention_model.latents");
    CHECK(map.ours("latent_attention_model.cross_attend_blocks.0.fn.to_q.weight") ==
          "cross_attend_blocks.0.fn.to_q.weight");
    CHECK_FALSE(map.ours("lm_head.weight"));
    CHECK_FALSE(map.ours("vision.layers.0.mlp.up_proj.weight"));
  }
  CHECK_THROWS_WITH_AS(KeyMap::detect([](const std::string&) { return false; }, "some.safetensors"),
                       doctest::Contains("some.safetensors"), nvembed::FileError);
}

TEST_CASE("KeyMap: GGUF names, there and back, all different") {
  const KeyMap map = KeyMap::gguf();
  // What llama.cpp's writer calls them (gguf-py, TensorNameMap).
  const std::pair<const char*, const char*> pairs[] = {
      {"embed_tokens.weight", "token_embd.weight"},
      {"norm.weight", "output_norm.weight"},
      {"layers.0.self_attn.q_proj.weight", "blk.0.attn_q.weight"},
      {"layers.10.self_attn.k_proj.bias", "blk.10.attn_k.bias"},
      {"layers.1.self_attn.v_proj.weight", "blk.1.attn_v.weight"},
      {"layers.1.self_attn.o_proj.weight", "blk.1.attn_output.weight"},
      {"layers.1.self_attn.q_norm.weight", "blk.1.attn_q_norm.weight"},
      {"layers.1.self_attn.k_norm.weight", "blk.1.attn_k_norm.weight"},
      {"layers.1.mlp.gate_proj.weight", "blk.1.ffn_gate.weight"},
      {"layers.1.mlp.up_proj.weight", "blk.1.ffn_up.weight"},
      {"layers.1.mlp.down_proj.weight", "blk.1.ffn_down.weight"},
      {"layers.1.input_layernorm.weight", "blk.1.attn_norm.weight"},
      {"layers.1.post_attention_layernorm.weight", "blk.1.ffn_norm.weight"}};
  std::set<std::string> seen;
  for (const auto& [ours, foreign] : pairs) {
    CHECK(map.foreign(ours) == foreign);
    CHECK(map.ours(foreign) == ours);
    seen.insert(map.foreign(ours));
  }
  CHECK(seen.size() == std::size(pairs));
  for (const char* unknown : {"blk..attn_q.weight", "blk.x.attn_q.weight", "blk.1", "blk.1.ssm_in.weight", ""})
    CHECK_FALSE(map.ours(unknown));
}

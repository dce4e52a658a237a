#include <doctest/doctest.h>

#include <nvembed/autograd/eval.hpp>
#include <nvembed/io/load.hpp>
#include <nvembed/pool/any.hpp>
#include <support/backends.hpp>
#include <support/compare.hpp>
#include <support/golden.hpp>

using namespace nvembed;

namespace {

/// The packed texts that all expectations of this folder share.
Packed packed_texts() {
  std::vector<TokenizedText> texts;
  const Json file = golden::json("pooling/poolers.json");
  for (const Json& s : file["segments"])
    texts.push_back({std::vector<TokenId>(s["size"].get<std::size_t>(), 0), 0, s["pool_begin"].get<Index>()});
  return Packed(texts);
}

template <class B, class T, class P>
double worst_difference(const P& pooler, const std::string& inputs, const std::string& name) {
  const B be(2);
  Eval<B> cx(be);
  const Safetensors file(golden::path(inputs));
  const auto hidden = golden::tensor<B, T>(cx.lane(), file, "hidden");
  return max_abs_difference(pooler(cx, hidden, packed_texts()).to_host(cx.lane()), golden::values(file, name));
}

}  // namespace

TEST_CASE_TEMPLATE("mean, weighted mean and last token agree with sentence-transformers", B, NVEMBED_TEST_BACKENDS) {
  const char* file = "pooling/poolers.safetensors";
  CHECK(worst_difference<B, float>(pool::Mean{}, file, "mean") < 1e-6);
  CHECK(worst_difference<B, float>(pool::WeightedMean{}, file, "weighted_mean.from_start") < 1e-6);
  CHECK(worst_difference<B, float>(pool::LastToken{}, file, "last_token") < 1e-6);
  CHECK(worst_difference<B, float>(pool::None{}, file, "hidden") == 0);
  CHECK(worst_difference<B, float>(pool::Any<B>(pool::WeightedMean{}), file, "weighted_mean.from_start") < 1e-6);
}

TEST_CASE("poolers in double") {
  using B = eigen::Backend;
  const char* file = "pooling/poolers.safetensors";
  CHECK(worst_difference<B, double>(pool::Mean{}, file, "mean") < tolerance::exact);
  CHECK(worst_difference<B, double>(pool::WeightedMean{}, file, "weighted_mean.from_start") < tolerance::exact);
}

namespace {

template <class B, class T>
void check_self_attention(double bound) {
  const B be(2);
  const Safetensors weights(golden::path("pooling/self_attention.safetensors"));
  pool::SelfAttention<B, T> head(SelfAttentionPoolConfig{.num_heads = 3, .head_dim = 10, .hidden_dim = 24, .mult = 4});
  load_weights(be, head, golden::Source{weights, ""});
  CHECK(worst_difference<B, T>(head, "pooling/self_attention.expected.safetensors", "mean") < bound);

  Eval<B> cx(be);
  const Safetensors expected(golden::path("pooling/self_attention.expected.safetensors"));
  const auto hidden = golden::tensor<B, T>(cx.lane(), expected, "hidden");
  CHECK(max_abs_difference(head.tokens(cx, hidden, packed_texts()).to_host(cx.lane()),
                           golden::values(expected, "tokens")) < bound);
}

template <class B, class T>
void check_latent_attention(double bound) {
  const B be(2);
  const Safetensors weights(golden::path("latent/model.safetensors"));
  LatentAttentionConfig config;
  config.num_latents = 5, config.num_heads = 3, config.head_dim = 20, config.hidden_dim = config.latent_dim = 48;
  pool::LatentAttention<B, T> head(config);
  load_weights(be, head, golden::Source{weights, "latent_attention_model."});
  const auto folded = pool::fold(be, head);

  const char* file = "latent/expected.safetensors";
  CHECK(worst_difference<B, T>(head, file, "mean") < bound);
  CHECK(worst_difference<B, T>(folded, file, "mean") < bound);
  Eval<B> cx(be);
  const Safetensors expected(golden::path(file));
  const auto hidden = golden::tensor<B, T>(cx.lane(), expected, "hidden");
  const auto differs = [&](const auto& rows, const char* name) {
    return max_abs_difference(rows.to_host(cx.lane()), golden::values(expected, name));
  };
  CHECK(differs(head.cross_attention(cx, hidden), "cross_attention") < bound);
  CHECK(differs(head.tokens(cx, hidden), "tokens") < bound);
  CHECK(differs(folded.tokens(cx, hidden), "tokens") < bound);
}

}  // namespace

TEST_CASE_TEMPLATE("self-attention pooling agrees with torch", B, NVEMBED_TEST_BACKENDS) {
  check_self_attention<B, float>(tolerance::pooled);
}
TEST_CASE("self-attention pooling in double") { check_self_attention<eigen::Backend, double>(tolerance::exact); }

TEST_CASE_TEMPLATE("latent attention agrees with torch, plain and folded", B, NVEMBED_TEST_BACKENDS) {
  check_latent_attention<B, float>(tolerance::pooled);
}
TEST_CASE("latent attention in double, plain and folded") {
  check_latent_attention<eigen::Backend, double>(tolerance::exact);
}

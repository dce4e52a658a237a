#include <doctest/doctest.h>

#include <map>
#include <nvembed/autograd/eval.hpp>
#include <nvembed/io/config.hpp>
#include <nvembed/io/load.hpp>
#include <nvembed/io/weights.hpp>
#include <nvembed/mask/parse.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/pool/mean.hpp>
#include <support/backends.hpp>
#include <support/compare.hpp>
#include <support/golden.hpp>
#include <support/model.hpp>

using namespace nvembed;

namespace {

template <class B>
Decoder<B, mask::Any> load_decoder(const B& be, const DecoderConfig& config, const Weights& weights) {
  Decoder<B, mask::Any> decoder(config);
  load_weights(be, decoder, weights);
  return decoder;
}

/// All sequences of one expectation file, packed into one batch, under every mask that it has.
template <class B>
void check_states(const std::string& name, Decoder<B, mask::Any> decoder, const B& be) {
  const Json cases = golden::json(name + ".expected.json");
  const Safetensors expected(golden::path(name + ".expected.safetensors"));
  std::vector<TokenizedText> texts;
  for (const Json& s : cases["sequences"])
    texts.push_back({s["ids"].get<std::vector<TokenId>>(), s.value("prefix", Index{0}), 0});
  const Packed batch(texts);
  std::map<std::string, std::vector<std::pair<std::size_t, std::string>>> by_mode;
  for (const std::string& key : expected.names()) {
    const auto dot = key.find('.');
    by_mode[key.substr(dot + 1)].emplace_back(std::stoul(key.substr(1, dot - 1)), key);
  }
  Eval<B> cx(be);
  for (const auto& [mode, rows] : by_mode) {
    CAPTURE(mode);
    decoder.mask = mask::parse(mode);
    const auto states = decoder(cx, batch).to_host(cx.lane());
    for (const auto& [i, key] : rows) {
      const Segment& s = batch.segments()[i];
      const std::vector<float> ours(states.begin() + s.begin * decoder.dim(),
                                    states.begin() + (s.begin + s.size) * decoder.dim());
      CAPTURE(key);
      CHECK(max_abs_difference(ours, golden::values(expected, key)) < tolerance::hidden);
    }
  }
  CHECK(by_mode.size() >= 2);
}

}  // namespace

TEST_CASE_TEMPLATE("decoder: small checkpoints agree with transformers", B, NVEMBED_TEST_BACKENDS) {
  const B be(2);
  for (const char* name : {"qwen2", "qwen3", "llama3_rope", "llama_linear_rope", "mistral_window"})
    for (const char* spelling : {"config.json", "config.old_style.json"}) {
      CAPTURE(std::string(name));
      const std::string folder = std::string("decoders/") + name;
      const std::string config = folder + "/" + spelling;
      const ModelConfig c = config_from_json(golden::content(config), config);
      check_states(folder, load_decoder(be, c.decoder, Weights(golden::path(folder))), be);
    }
}

TEST_CASE_TEMPLATE("decoder: small GGUF files agree with transformers", B, NVEMBED_TEST_BACKENDS) {
  const B be(2);
  for (const char* name : {"llama", "llama_bpe", "qwen2", "qwen3"}) {
    CAPTURE(std::string(name));
    const Weights weights(golden::path(std::string("quant/") + name + ".gguf"));
    check_states(std::string("quant/") + name, load_decoder(be, config_from_gguf(*weights.gguf()).decoder, weights),
                 be);
  }
}

TEST_CASE_TEMPLATE("decoder: SmolLM2 agrees with transformers and llama.cpp", B, NVEMBED_TEST_BACKENDS) {
  const B be(2);
  const Weights weights(model::smollm2());
  auto decoder = load_decoder(be, config_from_gguf(*weights.gguf()).decoder, weights);
  Eval<B> cx(be);
  for (const bool llamacpp : {false, true}) {
    const std::string base = llamacpp ? "llamacpp/smollm2" : "decoder_smollm2_expected";
    const Safetensors expected(golden::path(base + ".safetensors"));
    std::vector<TokenizedText> texts;
    std::vector<std::string> ids;
    for (const Json& line : golden::json_lines(base + ".jsonl")) {
      texts.push_back({line["ids"].get<std::vector<TokenId>>(), 0, 0});
      ids.push_back(line["id"].is_string() ? line["id"].get<std::string>() : std::to_string(line["id"].get<int>()));
    }
    const Packed batch(texts);
    for (const char* mode : {"causal", "bidirectional"}) {
      decoder.mask = mask::parse(mode);
      const auto states = decoder(cx, batch);
      const auto rows = states.to_host(cx.lane()), means = pool::Mean{}(cx, states, batch).to_host(cx.lane());
      const auto row = [&](const std::vector<float>& from, Index i, Index n) {
        return std::vector<float>(from.begin() + i * decoder.dim(), from.begin() + (i + n) * decoder.dim());
      };
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const std::string key = ids[i] + "." + mode;
        CAPTURE(key);
        const Segment& s = batch.segments()[i];
        const auto mean = row(means, static_cast<Index>(i), 1);
        if (llamacpp) {
          CHECK(cosine(mean, golden::values(expected, key)) > 0.999999);
          continue;
        }
        const auto expected_mean = golden::values(expected, key + ".mean");
        CHECK(max_abs_difference(mean, expected_mean) < tolerance::smollm2_mean);
        CHECK(1 - cosine(mean, expected_mean) < 1e-8);
        CHECK(max_abs_difference(row(rows, s.begin + s.size - 1, 1), golden::values(expected, key + ".last")) <
              tolerance::smollm2_row);
        const auto first = golden::values(expected, key + ".first4");
        CHECK(max_abs_difference(row(rows, s.begin, static_cast<Index>(first.size()) / decoder.dim()), first) <
              tolerance::smollm2_row);
      }
    }
  }
}

#pragma once

#include <filesystem>
#include <nvembed/autograd/eval.hpp>
#include <nvembed/batch/packed.hpp>
#include <nvembed/embed/model_files.hpp>
#include <nvembed/io/config.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/load.hpp>
#include <nvembed/mask/any.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/nn/attach_lora.hpp>
#include <string>
#include <support/golden.hpp>
#include <support/parity.hpp>
#include <vector>

/// The adapters of tests/golden/adapter and their bases.
namespace adapters {

inline const std::vector<std::string>& names() {
  static const std::vector<std::string> all{"plain", "rslora", "one_layer"};
  return all;
}
inline std::string folder(const std::string& name) { return golden::path("adapter/" + name); }

struct Base {
  nvembed::Weights weights;
  nvembed::DecoderConfig config;
  nvembed::mask::Any mask;

  explicit Base(const std::string& name)
      : weights(golden::path("decoders/" + name)),
        config(nvembed::config_from_json(golden::content("decoders/" + name + "/config.json"), name).decoder),
        mask(nvembed::mask::Causal{}) {
    if (config.sliding_window) mask = nvembed::mask::Causal{} & nvembed::mask::Window{*config.sliding_window - 1, 0};
  }
};

template <class B, class T = float>
using Body = nvembed::Decoder<B, nvembed::mask::Any, T>;

template <class B>
Body<B> load_body(const B& be, const Base& base) {
  Body<B> body(base.config, base.mask);
  nvembed::load_weights(be, body, base.weights);
  return body;
}

template <class B, class M>
std::vector<std::vector<float>> states(const B& be, const M& body, const nvembed::Json& sequences) {
  std::vector<std::vector<float>> all;
  nvembed::Eval<B> cx(be);
  for (const auto& ids : sequences) {
    const auto tokens = ids.template get<std::vector<nvembed::TokenId>>();
    all.push_back(body(cx, nvembed::Packed(std::vector<nvembed::TokenizedText>{{tokens, 0, 0}})).to_host(cx.lane()));
  }
  return all;
}

/// Values at which every update changes the result, a function of the seed.
template <class B, class M>
void randomise(const B& be, M& model, std::uint64_t seed) {
  auto lane = be.make_lane();
  nvembed::nn::for_each_linear(model, [&](const std::string&, auto& linear) {
    if (!linear.lora) return;
    for (auto* p : {&linear.lora->lora_A, &linear.lora->lora_B}) {
      std::vector<float> values = parity::random<float>(p->value.size(), seed++);
      for (float& v : values) v *= 0.25F;
      p->value = nvembed::Tensor<B, float>::from_host(lane, p->value.shape(), values);
    }
  });
}

}  // namespace adapters

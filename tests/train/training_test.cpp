#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <nvembed/core/fnv1a.hpp>
#include <nvembed/embed/embedder.hpp>
#include <nvembed/embed/model_files.hpp>
#include <nvembed/io/load.hpp>
#include <nvembed/io/safetensors.hpp>
#include <nvembed/loss/info_nce.hpp>
#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/nn/attach_lora.hpp>
#include <nvembed/optim/adamw.hpp>
#include <nvembed/optim/clip.hpp>
#include <nvembed/pool/latent_attention.hpp>
#include <nvembed/train/grad_cache.hpp>
#include <support/backends.hpp>
#include <support/golden.hpp>
#include <support/model.hpp>

// Against PyTorch and PEFT: tests/golden/train/make_training.py and make_smollm2_training.py.

using namespace nvembed;

namespace {

template <class B, class T>
using Model = Embedder<Decoder<B, mask::Bidirectional, T>, pool::LatentAttention<B, T>>;

const nlohmann::json& golden_training() {
  static const nlohmann::json all = golden::json("train/training.json");
  return all;
}

struct Step {
  std::vector<TokenizedText> texts;
  std::vector<std::uint64_t> ids;
  loss::ContrastiveTargets targets;
  Index queries = golden_training()["queries"].get<Index>();

  explicit Step(const nlohmann::json& step) {
    for (const auto& t : step) {
      texts.push_back({t["ids"].get<std::vector<TokenId>>(), 0, t["pool_begin"].get<Index>()});
      ids.push_back(ids.size());
    }
    for (Index i = 0; i < queries; ++i) {
      targets.positive.push_back(2 * i);
      targets.negatives.push_back({2 * i + 1});
      targets.in_batch.push_back(true);
    }
  }
  template <class B, class M>
  auto gradients(const B& be, typename B::Lane& lane, const M& model, const Trainable& trainable,
                 Index chunk_tokens = 1 << 20) const {
    const loss::InfoNce nce{.temperature = golden_training()["temperature"].get<double>()};
    return train::grad_cache(be, lane, model, trainable, texts, ids, queries,
                             [&](auto& cx, const auto& a, const auto& b) { return nce(cx, a, b, targets); },
                             {.chunk_tokens = chunk_tokens});
  }
};

template <class M, class F>
void each_parameter(M& model, F&& f) {
  for_each_leaf(model, [&](const std::string& key, auto& leaf) {
    if constexpr (requires { leaf.value.flat(); }) f(key, leaf);
  });
}

/// A checkpoint's name of a parameter's part: without our prefix of body and head.
std::string own_name(const std::string& key, const Part& part) {
  const std::string name = join_key(key, part.key);
  return name.substr(name.find('.') + 1);
}

/// Trains as the golden file says; losses within 1e-4, norms of gradients within 1e-3.
template <class B>
void check_steps(const B& be, Model<B, float>& model, const Trainable& trainable, const nlohmann::json& golden) {
  auto lane = be.make_lane();
  optim::AdamOptions options;
  options.weight_decay = golden["weight_decay"].get<double>();
  optim::AdamW<B> optimizer(be, model, trainable, options);
  std::size_t number = 0;
  for (const auto& json : golden["steps"]) {
    CAPTURE(number);
    const Step step(json);
    const auto got = step.gradients(be, lane, model, trainable);
    CHECK(got.loss == doctest::Approx(golden["losses"][number].get<double>()).epsilon(1e-4));
    const auto norm = optim::clip_gradient_norm<B>(lane, got.gradients, 1.0);
    CHECK(norm.norm == doctest::Approx(golden["gradient_norms"][number].get<double>()).epsilon(1e-3));
    optimizer.step(got.gradients, golden["lr"].get<double>(), norm.scale);
    ++number;
  }
}

/// How make_smollm2_training.py begins a tensor that is trained.
std::vector<float> beginning(const std::string& name, Index size, double scale) {
  const bool norm = name.find("norm") != std::string::npos, bias = name.ends_with("bias");
  std::vector<float> values(static_cast<std::size_t>(size), norm && !bias ? 1.0f : 0.0f);
  for (const char* zero : {"lora_B", "to_out", "net.2"})
    if (name.find(zero) != std::string::npos) return values;
  if (norm || bias) return values;
  std::uint64_t state = fnv1a(std::as_bytes(std::span(name)));
  for (float& v : values) {
    std::uint64_t z = state += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    z ^= z >> 31;
    v = static_cast<float>(scale * (2 * (static_cast<double>(z >> 11) / 9007199254740992.0) - 1));
  }
  return values;
}

}  // namespace

TEST_CASE("gradients of every weight of a tiny NV-Embed are PyTorch's") {
  using B = eigen::Backend;
  const B be(2);
  const ModelFiles files = open_model(golden::path("nvembed_tiny"));
  Model<B, double> model{Decoder<B, mask::Bidirectional, double>(files.decoder),
                         pool::LatentAttention<B, double>(*files.latent)};
  nn::for_each_linear(model, [](const std::string&, auto& linear) { linear.unfreeze(); });
  model.body.embed_tokens.unfreeze();
  load_weights(be, model.body, files.weights);
  load_weights(be, model.pool, files.weights);
  Trainable trainable;
  each_parameter(model, [&](const std::string& key, const auto& p) { trainable.add(leaf_name(key, p), p); });

  const Step step(golden_training()["steps"][0]);
  auto lane = be.make_lane();
  const auto got = step.gradients(be, lane, model, trainable, 60);
  CHECK(got.chunks > 1);
  CHECK(got.loss == doctest::Approx(golden_training()["loss"].get<double>()).epsilon(1e-10));
  CHECK(got.gradients.size() == trainable.size());
  const Safetensors expected(golden::path("train/gradients.safetensors"));
  std::size_t compared = 0;
  each_parameter(model, [&](const std::string& key, const auto& p) {
    const std::vector<double> gradient = got.gradients.at(leaf_name(key, p)).to_host(lane);
    const Index cols = p.declared.cols;
    std::size_t at = 0;
    for (const Part& part : p.declared.parts) {
      const std::string name = own_name(key, part);
      CAPTURE(name);
      std::vector<double> own(gradient.begin() + static_cast<Index>(at),
                              gradient.begin() + static_cast<Index>(at) + part.rows * cols);
      at += own.size();
      if (name == "embed_tokens.weight") {  // only the rows that were used are kept
        std::vector<double> rows;
        double all = 0, kept = 0;
        for (const double x : own) all += std::abs(x);
        for (const Index r : golden_training()["embedding_rows"])
          rows.insert(rows.end(), own.begin() + r * cols, own.begin() + (r + 1) * cols);
        for (const double x : rows) kept += std::abs(x);
        CHECK(all == doctest::Approx(kept).epsilon(1e-12));
        own = rows;
      }
      const std::vector<double> wanted = golden::values(expected, name);
      REQUIRE(wanted.size() == own.size());
      double largest = 0, worst = 0;
      for (std::size_t i = 0; i < own.size(); ++i) {
        largest = std::max(largest, std::abs(wanted[i]));
        worst = std::max(worst, std::abs(wanted[i] - own[i]));
      }
      CHECK(largest > 0);
      CHECK(worst <= 1e-7 * largest);  // the file holds floats
      ++compared;
    }
  });
  CHECK(compared == expected.entries().size());
}

TEST_CASE_TEMPLATE("twenty steps of LoRA and a latent head lose what PyTorch and PEFT lose", B, eigen::Backend
#if defined(NVEMBED_WITH_ONEDNN)
                   ,
                   onednn::Backend
#endif
) {
  const B be(2);
  const nlohmann::json& golden = golden_training();
  const ModelFiles files = open_model(golden::path("nvembed_tiny"));
  Model<B, float> model{Decoder<B, mask::Bidirectional, float>(files.decoder), pool::LatentAttention<B>(*files.latent)};
  nn::for_each_linear(model.pool, [](const std::string&, auto& linear) { linear.unfreeze(); });
  load_weights(be, model.body, files.weights, Precision::f32, Use::both);
  load_weights(be, model.pool, files.weights);
  nn::attach_lora(be, model.body,
                  {.rank = golden["rank"].get<Index>(), .alpha = golden["alpha"].get<double>(), .dropout = 0});
  const Safetensors adapter(golden::path("train/adapter.safetensors"));
  auto lane = be.make_lane();
  Trainable trainable;
  each_parameter(model, [&](const std::string& key, auto& p) {
    const std::string name = leaf_name(key, p);
    if (name.find(".lora_") != std::string::npos) {
      std::vector<float> values;
      for (const Part& part : p.declared.parts)
        for (const double x : golden::values(adapter, "base_model.model." + own_name(key, part)))
          values.push_back(static_cast<float>(x));
      p.value = Tensor<B, float>::from_host(lane, p.value.shape(), values);
    } else if (!name.starts_with("pool.")) {
      return;
    }
    trainable.add(name, p);
  });

  check_steps(be, model, trainable, golden);
}

#if defined(NVEMBED_WITH_ONEDNN)
TEST_CASE("twenty steps on SmolLM2 from its GGUF file lose what PyTorch and PEFT lose") {
  using B = onednn::Backend;
  const B be(2);
  const nlohmann::json golden = golden::json("train/smollm2_training.json");
  const ModelFiles files = open_model(model::smollm2());
  const Index dim = files.decoder.hidden_size;
  Model<B, float> model{Decoder<B, mask::Bidirectional, float>(files.decoder),
                        pool::LatentAttention<B>({512, 8, 64, dim, dim, 4, true})};
  nn::for_each_linear(model.pool, [](const std::string&, auto& linear) { linear.unfreeze(); });
  load_weights(be, model.body, files.weights, Precision::f32, Use::both);
  nn::attach_lora(be, model.body,
                  {.rank = golden["rank"].get<Index>(), .alpha = golden["alpha"].get<double>(), .dropout = 0});
  auto lane = be.make_lane();
  Trainable trainable;
  each_parameter(model, [&](const std::string& key, auto& p) {
    const std::string name = leaf_name(key, p);
    const bool lora = name.find(".lora_") != std::string::npos;
    if (!lora && !name.starts_with("pool.")) return;
    std::vector<float> values;
    for (const Part& part : p.declared.parts) {
      const auto own = beginning((lora ? "base_model.model." : "latent_attention_model.") + own_name(key, part),
                                 part.rows * p.declared.cols, golden["scale"].get<double>());
      values.insert(values.end(), own.begin(), own.end());
    }
    p.value = Tensor<B, float>::from_host(lane, {p.declared.rows(), p.declared.cols}, values);
    trainable.add(name, p);
  });
  check_steps(be, model, trainable, golden);
}
#endif

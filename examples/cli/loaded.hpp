#pragma once

#include <memory>
#include <nvembed/core/cpu_count.hpp>
#include <nvembed/embed/load.hpp>
#include <nvembed/search/dot_products.hpp>
#include <utility>

#include "model.hpp"

namespace cli {

/// Products of a back end of their own, for vectors that no model is needed for.
template <class B>
nvembed::search::DotProducts own_products(nvembed::Index threads) {
  struct Held {
    explicit Held(nvembed::Index n) : be(n) {}
    B be;
    nvembed::search::DotProducts dots = nvembed::search::dot_products(be);
  };
  const auto held = std::make_shared<const Held>(threads > 0 ? threads : nvembed::cpu_count());
  return [held](nvembed::search::HostMatrix a, nvembed::search::HostMatrix b, float* y) { held->dots(a, b, y); };
}

/// Model over back end B. Each back end is compiled in a file of its own: it is most of the program's compile time.
template <class B>
class Loaded final : public Model {
 public:
  explicit Loaded(nvembed::TextEmbedder<B> embedder) : embedder_(std::move(embedder)) {}

  nvembed::PreparedTexts prepare(std::span<const nvembed::Text> texts, const nvembed::EncodeOptions& o) const override {
    return embedder_.prepare(texts, o);
  }
  nvembed::Embeddings encode(nvembed::PreparedTexts texts, const nvembed::EncodeOptions& o) const override {
    return embedder_.encode(std::move(texts), o);
  }
  nvembed::TokenStates encode_tokens(nvembed::PreparedTexts texts, const nvembed::EncodeOptions& o) const override {
    return embedder_.encode_tokens(std::move(texts), o);
  }
  nvembed::Embeddings latent_weights(nvembed::PreparedTexts texts, const nvembed::EncodeOptions& o) const override {
    return embedder_.latent_weights(std::move(texts), o);
  }
  std::map<std::string, std::string> identity(const nvembed::EncodeOptions& o) const override {
    return embedder_.identity(o);
  }
  nvembed::Index batch_tokens(const nvembed::EncodeOptions& o) const override { return embedder_.batch_tokens(o); }
  nvembed::Index dim() const override { return embedder_.dim(); }
  const nvembed::EmbedderSettings& settings() const override { return embedder_.settings(); }
  bool folds() const override { return embedder_.pooling() == "latent_attention"; }
  nvembed::search::DotProducts dot_products() const override {
    return nvembed::search::dot_products(embedder_.backend());
  }

 private:
  nvembed::TextEmbedder<B> embedder_;
};

}  // namespace cli

#pragma once

#include <functional>
#include <nvembed/embed/embeddings.hpp>
#include <nvembed/embed/encode_options.hpp>
#include <nvembed/embed/text.hpp>
#include <nvembed/eval/search.hpp>
#include <span>
#include <string>

namespace nvembed::eval {

/// What an evaluation needs of a model; one that is being trained can be had by giving its own functions.
struct EvaluatedModel {
  /// Vectors of texts, as TextEmbedder::encode. An error about one of them carries its number.
  std::function<Embeddings(std::span<const Text>, const EncodeOptions&)> encode;
  /// What vectors under these options are recognised by; empty: they are not kept between runs.
  std::function<std::string(const EncodeOptions&)> fingerprint;
  DotProducts dots;
  Index dim = 0;  ///< of a vector
};

/// Of a TextEmbedder, which must outlive it.
template <class Embedder>
EvaluatedModel evaluated_model(const Embedder& embedder) {
  return {[&](std::span<const Text> texts, const EncodeOptions& o) { return embedder.encode(texts, o); },
          [&](const EncodeOptions& o) { return embedder.fingerprint(o); }, dot_products(embedder.backend()),
          embedder.dim()};
}

}  // namespace nvembed::eval

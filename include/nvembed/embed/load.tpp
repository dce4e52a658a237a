#pragma once

#include <memory>
#include <nvembed/core/cpu_count.hpp>
#include <nvembed/core/scalars.hpp>
#include <nvembed/embed/load.hpp>
#include <nvembed/io/load_adapter.hpp>
#include <nvembed/io/merged_weights.hpp>
#include <tuple>
#include <utility>

namespace nvembed {
namespace detail {

/// Weights that tell how many of their bytes were packed.
struct CountedWeights {
  const Weights& weights;
  const LoadOptions& options;
  LoadProgress at{};

  RawWeight get(const std::string& key, Index rows, Index cols) const { return weights.get(key, rows, cols); }
  void done(const RawWeight& w) {
    weights.done(w);
    at.bytes += static_cast<Index>(w.bytes.size());
    if (options.progress) options.progress(at);
  }
};

/// The model that `files` describe, its weights packed, with activations of type T.
template <class T, class B>
std::shared_ptr<const EmbedderOf<B, T>> load_model(const B& be, const ModelFiles& files, Precision precision,
                                                   const LoadOptions& options) {
  auto model = std::make_shared<EmbedderOf<B, T>>();
  model->body = Decoder<B, mask::Any, T>(files.decoder, files.mask);
  model->normalize = files.normalize;
  if (files.pool == "mean") model->pool = pool::Mean{};
  if (files.pool == "weighted_mean") model->pool = pool::WeightedMean{};
  if (files.pool == "last_token") model->pool = pool::LastToken{};
  if (files.pool == "none") model->pool = pool::None{};
  CountedWeights counted{files.weights, options, {"head", 0, files.weights.total_bytes()}};
  if (files.pool == "latent_attention") {  // before the decoder: plain and folded head are there at once
    pool::LatentAttention<B> head(*files.latent);
    load_weights(be, head, counted);  // in f32, to be folded; then what is not, as it is wanted
    auto folded = pool::fold_as<T>(be, head,
                                   std::is_same_v<T, Float16>    ? Precision::f16
                                   : std::is_same_v<T, BFloat16> ? Precision::bf16
                                                                 : Precision::f32);
    // A trained head has no blocks of 4 bits in its file; made out of floats they lose too much, as E4M3 does.
    const bool floats = files.embedder && files.embedder->head;
    const bool few_bits = precision == Precision::q4 || precision == Precision::fp8;
    const Precision held = floats && few_bits ? Precision::int8 : precision;
    if (held != Precision::f32)
      load_weights(be, folded.ff, files.weights, held, Use::forward, pool::LatentAttention<B>::ff_key);
    model->pool = std::move(folded);
  }
  counted.at.phase = "weights";
  // A file's blocks are held as they are in q4 and int8; made anew out of merged numbers they would lose what tuning
  // has added (cosines of 0.89 and 0.998 were seen), so the update stays beside them, as beside E4M3.
  const bool blocks =
      files.stored_precision() == Precision::q4 && (precision == Precision::q4 || precision == Precision::int8);
  const bool apart = files.adapter && (blocks || precision == Precision::fp8);
  if (files.adapter && !apart)
    load_weights(be, model->body, MergedWeights(be, counted, *files.adapter), precision);
  else
    load_weights(be, model->body, counted, precision);
  if (apart) load_adapter(be, model->body, *files.adapter);
  return model;
}

/// `load_model` for the scalar that goes with the precision.
template <class B, std::size_t place = 0>
AnyEmbedder<B> load_any(const B& be, const ModelFiles& files, Precision precision, const LoadOptions& options) {
  if constexpr (place + 1 < std::tuple_size_v<scalars_t<B>>)
    if (scalar_of<B>(precision) != place) return load_any<B, place + 1>(be, files, precision, options);
  return load_model<std::tuple_element_t<place, scalars_t<B>>>(be, files, precision, options);
}

}  // namespace detail

template <class B>
void check_weights(const ModelFiles& files) {
  Decoder<B, mask::Any> decoder(files.decoder, files.mask);
  refuse_unknown_layers(decoder, files.weights);
  check_weights(decoder, files.weights);
  if (files.adapter) check_adapter(decoder, *files.adapter);
  if (files.pool != "latent_attention") return;
  pool::LatentAttention<B> head(*files.latent);
  check_weights(head, files.weights);
}

template <class B>
TextEmbedder<B> load(const std::filesystem::path& path, const LoadOptions& options) {
  return load(std::make_shared<const B>(options.threads ? options.threads : cpu_count()), path, options);
}

template <class B>
TextEmbedder<B> load(std::shared_ptr<const B> be, const std::filesystem::path& path, const LoadOptions& options) {
  ModelFiles files = open_model(path, options);
  if (options.notice)
    for (const std::string& n : files.notices) options.notice(n);
  check_weights<B>(files);
  // Before anything is allocated: weights and the activations of one default batch.
  const Index free = options.memory_limit ? options.memory_limit : be->free_memory();
  const Precision precision = choose_precision(files, options.precision, free, std::tuple_size_v<scalars_t<B>> > 1);
  const Index needed = files.weight_bytes(precision) + files.activation_bytes(default_batch_tokens);
  require<MemoryError>(needed <= free, "load", path.string(), " needs about ", (needed >> 20) + 1, " MiB of memory in ",
                       name(precision), ", ", free >> 20, " MiB is available; int8 needs ",
                       (files.weight_bytes(Precision::int8) >> 20) + 1, " MiB for its weights, q4 ",
                       (files.weight_bytes(Precision::q4) >> 20) + 1);
  if (options.notice && options.precision.empty() && precision != Precision::f32)
    options.notice(cat("f32 would need ", files.weight_bytes(Precision::f32) >> 20, " MiB of memory, ", free >> 20,
                       " MiB is available: weights are held in ", name(precision), ", as the file has them"));
  AnyEmbedder<B> model = detail::load_any(*be, files, precision, options);
  std::string digest = files.digest();
  return TextEmbedder<B>(std::move(be), std::move(model), std::move(files.tokenizer), std::move(files.settings),
                         std::move(digest), precision);
}

}  // namespace nvembed

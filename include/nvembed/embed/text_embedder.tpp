#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/batch/packer.hpp>
#include <nvembed/embed/text_embedder.hpp>
#include <nvembed/ops/cast.hpp>
#include <nvembed/ops/segment_mean.hpp>
#include <nvembed/pool/folded_latent_attention.hpp>
#include <type_traits>
#include <utility>

namespace nvembed {

template <class B>
TextEmbedder<B>::TextEmbedder(std::shared_ptr<const B> be, AnyEmbedder<B> model, text::AnyTokenizer tokenizer,
                              EmbedderSettings settings, std::string digest, Precision precision)
    : be_(std::move(be)),
      model_(std::move(model)),
      inputs_(std::move(tokenizer), std::move(settings)),
      digest_(std::move(digest)),
      precision_(precision) {}

template <class B>
Embeddings TextEmbedder<B>::encode(std::span<const Text> texts, const EncodeOptions& options) const {
  return encode(prepare(texts, options), options);
}
template <class B>
Embeddings TextEmbedder<B>::encode(std::initializer_list<Text> texts, const EncodeOptions& options) const {
  return encode(std::span<const Text>(texts.begin(), texts.size()), options);
}
template <class B>
Embeddings TextEmbedder<B>::encode(const std::vector<std::string>& texts, const EncodeOptions& options) const {
  const std::vector<Text> views(texts.begin(), texts.end());
  return encode(std::span<const Text>(views), options);
}
template <class B>
Embeddings TextEmbedder<B>::encode(std::span<const TokenizedText> texts, const EncodeOptions& options) const {
  std::vector<Index> empty;
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (texts[i].ids.empty()) empty.push_back(static_cast<Index>(i));
  if (!empty.empty() && options.on_empty == OnEmpty::error)
    fail_text<InputError>(empty[0], "encode", "the text has no tokens");
  Embeddings e = run(texts, options);
  e.empty = std::move(empty);
  return e;
}

template <class B>
PreparedTexts TextEmbedder<B>::prepare(std::span<const Text> texts, const EncodeOptions& options, Index first) const {
  PreparedTexts p;
  p.first = first;
  p.texts.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Index number = first + static_cast<Index>(i);
    BuiltInput b = inputs_.build(texts[i], options, number);
    if (b.truncated) p.truncated.push_back(number);
    if (!b.poolable()) {
      if (options.on_empty == OnEmpty::error)
        fail_text<InputError>(number, "encode", "the text ", b.why_empty(), "; on_empty zero gives it a row of zeros");
      p.empty.push_back(number);
      b.text = {};
    }
    p.texts.push_back(std::move(b.text));
  }
  return p;
}

template <class B>
Embeddings TextEmbedder<B>::encode(PreparedTexts prepared, const EncodeOptions& options) const {
  Embeddings e = run(prepared.texts, options, prepared.first);
  e.truncated = std::move(prepared.truncated);
  e.empty = std::move(prepared.empty);
  return e;
}

template <class B>
Embeddings TextEmbedder<B>::run(std::span<const TokenizedText> texts, const EncodeOptions& options, Index first) const {
  const Index full = dim(), kept = options.dim ? options.dim : full;
  require<InputError>(kept >= 1 && kept <= full, "encode", "dim ", options.dim, " asked for; the model has ", full);
  require<InputError>(pooling() != "none", "encode", "pooling `none` gives no vector a text; ask for token states");
  const bool normalize = options.normalize.value_or(normalizes());
  Embeddings e;
  e.rows = static_cast<Index>(texts.size());
  e.dim = kept;
  e.values.assign(static_cast<std::size_t>(e.rows * kept), 0.0f);

  std::vector<Index> numbers, lengths;  // of the texts that have tokens
  for (Index i = 0; i < e.rows; ++i)
    if (!texts[static_cast<std::size_t>(i)].ids.empty()) {
      numbers.push_back(i);
      lengths.push_back(static_cast<Index>(texts[static_cast<std::size_t>(i)].ids.size()));
    }
  const auto batches = cut_batches(lengths, batch_tokens(options));
  check_memory(batches, lengths, options, [&](Index i) { return first + numbers[static_cast<std::size_t>(i)]; });
  std::optional<Eval<B>> context;
  Progress progress{e.rows - static_cast<Index>(numbers.size()), e.rows, 0};
  for (const auto& batch : batches) {
    require<Cancelled>(!options.stop.stop_requested(), "encode", "stopped after ", progress.texts, " of ", e.rows,
                       " texts");
    std::vector<TokenizedText> chosen;
    std::vector<Index> indices;
    for (const Index i : batch) {
      indices.push_back(numbers[static_cast<std::size_t>(i)]);
      chosen.push_back(texts[static_cast<std::size_t>(indices.back())]);
    }
    const Packed packed(chosen, indices);
    Eval<B>& cx = context_for(packed, context);
    auto vectors = visit([&](const auto& model) { return model.vectors(cx, packed); });
    if (normalize && kept == full) vectors = cx.apply(ops::L2Normalize{}, vectors);
    const std::vector<float> host = vectors.to_host(cx.lane());
    for (Index r = 0; r < packed.texts(); ++r) {
      const float* from = host.data() + r * full;
      float* to = e[indices[static_cast<std::size_t>(r)]].data();
      std::copy_n(from, kept, to);
      if (normalize && kept < full) {
        double squares = 0;
        for (Index c = 0; c < kept; ++c) squares += static_cast<double>(to[c]) * static_cast<double>(to[c]);
        const double norm = std::max(std::sqrt(squares), 1e-12);
        for (Index c = 0; c < kept; ++c) to[c] = static_cast<float>(static_cast<double>(to[c]) / norm);
      }
    }
    e.tokens += packed.tokens();
    progress.texts += packed.texts();
    progress.tokens = e.tokens;
    if (options.progress) options.progress(progress);
  }
  for (Index i = 0; i < e.rows; ++i) check_finite(e[i], first + i);
  return e;
}

template <class B>
TokenStates TextEmbedder<B>::encode_tokens(std::span<const Text> texts, const EncodeOptions& options) const {
  EncodeOptions strict = options;
  strict.on_empty = OnEmpty::error;
  return encode_tokens(prepare(texts, strict), options);
}
template <class B>
TokenStates TextEmbedder<B>::encode_tokens(PreparedTexts prepared, const EncodeOptions& options) const {
  TokenStates states = encode_tokens(prepared.texts, options);
  states.truncated = std::move(prepared.truncated);
  return states;
}

template <class B>
TokenStates TextEmbedder<B>::encode_tokens(std::span<const TokenizedText> texts, const EncodeOptions& options) const {
  TokenStates states;
  states.dim = dim();
  states.offsets.push_back(0);
  for (const TokenizedText& t : texts)
    states.offsets.push_back(states.offsets.back() + static_cast<Index>(t.ids.size()));
  states.values.resize(static_cast<std::size_t>(states.offsets.back() * states.dim));
  each_batch(texts, options, [&](Eval<B>& cx, const Packed& packed) {
    const auto tokens = visit([&](const auto& model) {
      return cx.apply(ops::Cast{}, model.pool.tokens(cx, model.body(cx, packed), packed));
    });
    const std::vector<float> host = tokens.to_host(cx.lane());
    for (const Segment& s : packed.segments())
      std::copy_n(host.data() + s.begin * states.dim, s.size * states.dim,
                  states.values.data() + states.offsets[static_cast<std::size_t>(s.index)] * states.dim);
  });
  for (std::size_t i = 0; i < texts.size(); ++i)
    check_finite(std::span(states.values)
                     .subspan(static_cast<std::size_t>(states.offsets[i] * states.dim),
                              static_cast<std::size_t>((states.offsets[i + 1] - states.offsets[i]) * states.dim)),
                 static_cast<Index>(i));
  return states;
}

template <class B>
Embeddings TextEmbedder<B>::latent_weights(PreparedTexts prepared, const EncodeOptions& options) const {
  for (std::size_t i = 0; i < prepared.texts.size(); ++i)
    if (prepared.texts[i].ids.empty())
      fail_text<InputError>(prepared.first + static_cast<Index>(i), "latent_weights", "the text has no tokens");
  Embeddings e;
  e.rows = static_cast<Index>(prepared.texts.size());
  e.truncated = std::move(prepared.truncated);
  each_batch(prepared.texts, options, [&](Eval<B>& cx, const Packed& packed) {
    const auto weights = visit([&](const auto& model) {
      using T = typename std::remove_cvref_t<decltype(model)>::scalar;
      const auto* head = std::get_if<pool::FoldedLatentAttention<B, T>>(&model.pool.variant());
      require<InputError>(head, "latent_weights", "the model's pooling is ", model.pool.name(),
                          ", not latent_attention");
      const auto all = head->attention_weights(cx, model.body(cx, packed));
      return cx.apply(ops::Cast{}, cx.apply(ops::SegmentMean{packed.shared_segments()}, all));
    });
    const std::vector<float> host = weights.to_host(cx.lane());
    e.dim = weights.cols();
    e.values.resize(static_cast<std::size_t>(e.rows * e.dim));
    for (std::size_t r = 0; r < packed.segments().size(); ++r)
      std::copy_n(host.data() + static_cast<Index>(r) * e.dim, e.dim, e[packed.segments()[r].index].data());
    e.tokens += packed.tokens();
  });
  return e;
}

template <class B>
template <class F>
void TextEmbedder<B>::each_batch(std::span<const TokenizedText> texts, const EncodeOptions& options, F&& f) const {
  std::vector<Index> lengths;
  for (const TokenizedText& t : texts) lengths.push_back(static_cast<Index>(t.ids.size()));
  const auto batches = cut_batches(lengths, batch_tokens(options));
  check_memory(batches, lengths, options, [](Index i) { return i; });
  std::optional<Eval<B>> context;
  Progress progress{0, static_cast<Index>(texts.size()), 0};
  for (const auto& batch : batches) {
    require<Cancelled>(!options.stop.stop_requested(), "encode", "stopped after ", progress.texts, " texts");
    std::vector<TokenizedText> chosen;
    chosen.reserve(batch.size());
    for (const Index i : batch) chosen.push_back(texts[static_cast<std::size_t>(i)]);
    const Packed packed(chosen, batch);
    f(context_for(packed, context), packed);
    progress.texts += packed.texts();
    progress.tokens += packed.tokens();
    if (options.progress) options.progress(progress);
  }
}

template <class B>
void TextEmbedder<B>::check_finite(std::span<const float> vectors, Index text) {
  for (const float v : vectors)
    if (!std::isfinite(v)) [[unlikely]]
      fail_text(text, "encode", "a vector is not finite: the model's weights are damaged, or overflow on this text");
}

template <class B>
template <class Number>
void TextEmbedder<B>::check_memory(std::span<const std::vector<Index>> batches, std::span<const Index> lengths,
                                   const EncodeOptions& options, Number&& number) const {
  Index tokens = 0;
  const std::vector<Index>* largest = nullptr;
  for (const auto& batch : batches) {
    Index sum = 0;
    for (const Index i : batch) sum += lengths[static_cast<std::size_t>(i)];
    if (sum > tokens) tokens = sum, largest = &batch;
  }
  if (tokens <= default_batch_tokens) return;
  const Index needed = activation_bytes(config(), tokens);
  const Index free = options.free_memory ? options.free_memory() : be_->free_memory();
  if (needed <= free) return;
  const std::string message = cat(tokens, " tokens at once need about ", (needed >> 20) + 1, " MiB of memory, ",
                                  free >> 20, " MiB is available; a lower ");
  if (largest->size() == 1) fail_text<MemoryError>(number(largest->front()), "encode", message, "max_length helps");
  fail<MemoryError>("encode", message, "batch_tokens helps");
}

template <class B>
Eval<B>& TextEmbedder<B>::context_for(const Packed& batch, std::optional<Eval<B>>& context) const {
  if (!context || batch.tokens() > std::max(default_batch_tokens, B::batch_tokens)) context.emplace(*be_);
  return *context;
}

template <class B>
std::map<std::string, std::string> TextEmbedder<B>::identity(const EncodeOptions& options) const {
  return model_identity(inputs_, options, digest_, mask().str(), pooling(), precision_, normalizes(), dim());
}

template <class B>
Index TextEmbedder<B>::batch_tokens(const EncodeOptions& options) const {
  if (options.batch_tokens) return options.batch_tokens;
  Index tokens = B::batch_tokens;
  if (tokens > default_batch_tokens) {
    const Index room = be_->free_memory() / 2;  // what others have taken since the model was loaded counts
    while (tokens > default_batch_tokens && activation_bytes(config(), tokens) > room) tokens /= 2;
  }
  return tokens;
}

}  // namespace nvembed

#pragma once

#include <functional>
#include <future>
#include <initializer_list>
#include <iterator>
#include <map>
#include <memory>
#include <nvembed/autograd/eval.hpp>
#include <nvembed/batch/packed.hpp>
#include <nvembed/core/scalars.hpp>
#include <nvembed/embed/embedder.hpp>
#include <nvembed/embed/embeddings.hpp>
#include <nvembed/embed/encode_options.hpp>
#include <nvembed/embed/fingerprint.hpp>
#include <nvembed/embed/input_builder.hpp>
#include <nvembed/embed/prepared_texts.hpp>
#include <nvembed/embed/settings.hpp>
#include <nvembed/embed/text.hpp>
#include <nvembed/mask/any.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/model/parameter_count.hpp>
#include <nvembed/pool/any.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

namespace nvembed {

/// A model over back end B with activations of type T, of parts that were chosen when it was loaded.
template <class B, class T = float>
using EmbedderOf = Embedder<Decoder<B, mask::Any, T>, pool::Any<B, T>>;

namespace detail {
template <class B, class Types>
struct EmbedderVariant;
template <class B, class... T>
struct EmbedderVariant<B, std::tuple<T...>> {
  using type = std::variant<std::shared_ptr<const EmbedderOf<B, T>>...>;
};
}  // namespace detail

/// One for any type that B has for activations.
template <class B>
using AnyEmbedder = typename detail::EmbedderVariant<B, scalars_t<B>>::type;

/// Texts in, vectors out: a tokenizer, a model over back end B and what the model's files say about its use. Made by
/// `load`. Immutable; copies share everything; any number of threads may encode on one at once.
template <class B>
class TextEmbedder {
 public:
  TextEmbedder(std::shared_ptr<const B> be, AnyEmbedder<B> model, text::AnyTokenizer tokenizer,
               EmbedderSettings settings, std::string digest, Precision precision = Precision::f32);

  /// Vectors of `texts`, (texts, dim), in the caller's order. A row's bits depend on its own text and options alone,
  /// not on the other texts, their order, the batch size or the number of threads. Throws InputError naming the text
  /// for invalid UTF-8 or where nothing is left to pool; Cancelled when stopped.
  Embeddings encode(std::span<const Text> texts, const EncodeOptions& options = {}) const;
  Embeddings encode(std::initializer_list<Text> texts, const EncodeOptions& options = {}) const;
  Embeddings encode(const std::vector<std::string>& texts, const EncodeOptions& options = {}) const;
  /// Token ids in place of texts, used as they are (BOS and EOS included by the caller). Throws InputError naming the
  /// text for an id that the model does not have; texts without ids go by `on_empty`.
  Embeddings encode(std::span<const TokenizedText> texts, const EncodeOptions& options = {}) const;

  /// The first half of `encode`, which needs no model: tokenisation, for a caller that overlaps it with another block's
  /// second half. Numbers count from `first`.
  PreparedTexts prepare(std::span<const Text> texts, const EncodeOptions& options = {}, Index first = 0) const;
  /// The second half, under the same options.
  Embeddings encode(PreparedTexts texts, const EncodeOptions& options = {}) const;

  /// Token states before pooling (through the head where there is one), not normalised.
  TokenStates encode_tokens(std::span<const Text> texts, const EncodeOptions& options = {}) const;
  TokenStates encode_tokens(std::span<const TokenizedText> texts, const EncodeOptions& options = {}) const;
  TokenStates encode_tokens(PreparedTexts texts, const EncodeOptions& options = {}) const;

  /// How a latent head's attention is spread, mean over each text's pooled tokens: (texts, heads latents), a head's sum
  /// to 1 (paper, appendix D). Throws InputError where the model has no such head, or for texts without tokens.
  Embeddings latent_weights(PreparedTexts texts, const EncodeOptions& options = {}) const;

  /// Encodes what an iterator gives (anything a Text can be made of), `block` texts at a time, and hands each block on:
  /// sink(number of its first text, Embeddings). Memory does not grow with the number of texts. The next block is
  /// tokenised while one is encoded; iterator and sink are used on the calling thread alone. Numbers in the blocks
  /// (truncated, empty, errors) count from the first text. Returns how many texts were encoded.
  template <std::input_iterator It, std::sentinel_for<It> End, class Sink>
  Index encode(It first, End last, Sink&& sink, const EncodeOptions& options = {}, Index block = 1024) const {
    using Item = std::iter_value_t<It>;
    require<InputError>(block >= 1, "encode", "blocks of ", block, " texts");
    Index read = 0;
    const auto next = [&] {  // the next block, on its way
      std::vector<Item> items;
      for (; first != last && static_cast<Index>(items.size()) < block; ++first) items.push_back(*first);
      const Index number = read;
      read += static_cast<Index>(items.size());
      return std::async(items.empty() ? std::launch::deferred : std::launch::async,
                        [this, &options, number, items = std::move(items)] {
                          const std::vector<Text> texts(items.begin(), items.end());
                          return prepare(texts, options, number);
                        });
    };
    Progress total;
    EncodeOptions o = options;
    o.progress = [&](const Progress& p) {
      if (options.progress) options.progress({total.texts + p.texts, 0, total.tokens + p.tokens});
    };
    for (auto coming = next();;) {
      PreparedTexts prepared = coming.get();
      if (prepared.texts.empty()) return total.texts;
      coming = next();
      Embeddings e = encode(std::move(prepared), o);
      const Index done = total.texts;
      total.texts += e.rows;
      total.tokens += e.tokens;
      sink(done, std::move(e));
    }
  }

  /// How `text` enters the model.
  BuiltInput tokenize(const Text& text, const EncodeOptions& options = {}) const {
    return inputs_.build(text, options);
  }

  Index dim() const { return config().hidden_size; }
  /// All that a stored vector depends on beside its text, by name: model content, precision, mask, pooling, compat,
  /// prompt, length limit, dim, normalisation.
  std::map<std::string, std::string> identity(const EncodeOptions& options = {}) const;
  /// SHA-256 of `identity`, 64 hexadecimal digits: vectors with different ones are not to be compared.
  std::string fingerprint(const EncodeOptions& options = {}) const { return nvembed::fingerprint(identity(options)); }

  /// How its weights are held.
  Precision precision() const { return precision_; }
  const B& backend() const { return *be_; }
  /// f(model) with the model's own type, an EmbedderOf<B, T>.
  template <class F>
  decltype(auto) visit(F&& f) const {
    return std::visit([&](const auto& model) -> decltype(auto) { return f(*model); }, model_);
  }
  const DecoderConfig& config() const {
    return visit([](const auto& m) -> const DecoderConfig& { return m.body.config; });
  }
  const mask::Any& mask() const {
    return visit([](const auto& m) -> const mask::Any& { return m.body.mask; });
  }
  /// As the command line and files name it.
  std::string_view pooling() const {
    return visit([](const auto& m) { return m.pool.name(); });
  }
  bool normalizes() const {
    return visit([](const auto& m) { return m.normalize; });
  }
  /// Most tokens in one forward pass under these options.
  Index batch_tokens(const EncodeOptions& options = {}) const;
  const EmbedderSettings& settings() const { return inputs_.settings(); }
  const text::AnyTokenizer& tokenizer() const { return inputs_.tokenizer(); }

 private:
  /// A batch that is longer than the default, which `load` has counted in, must fit into what memory is left. Asked
  /// before the first pass, whose buffers a later one takes up. `number` gives the number of the i-th length's text.
  template <class Number>
  void check_memory(std::span<const std::vector<Index>> batches, std::span<const Index> lengths,
                    const EncodeOptions& options, Number&& number) const;
  /// What evaluates `batch`: the last batch's, whose buffers are taken up, or a new one for a batch that
  /// is longer than the default, so that the buffers of two lengths do not add up.
  Eval<B>& context_for(const Packed& batch, std::optional<Eval<B>>& context) const;
  /// f(context, batch) for all texts, in batches. Every text has tokens.
  template <class F>
  void each_batch(std::span<const TokenizedText> texts, const EncodeOptions& options, F&& f) const;
  static void check_finite(std::span<const float> vectors, Index text);
  Embeddings run(std::span<const TokenizedText> texts, const EncodeOptions& options, Index first = 0) const;

  std::shared_ptr<const B> be_;
  AnyEmbedder<B> model_;
  InputBuilder inputs_;
  std::string digest_;
  Precision precision_;
};

}  // namespace nvembed

#include <nvembed/embed/text_embedder.tpp>

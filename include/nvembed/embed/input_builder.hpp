#pragma once

#include <map>
#include <nvembed/batch/packed.hpp>
#include <nvembed/core/config.hpp>
#include <nvembed/embed/encode_options.hpp>
#include <nvembed/embed/settings.hpp>
#include <nvembed/embed/text.hpp>
#include <nvembed/text/any_tokenizer.hpp>
#include <string>
#include <utility>

namespace nvembed {

/// One text as it enters the model.
struct BuiltInput {
  TokenizedText text;
  bool truncated = false;          ///< the text was cut at max_length
  bool instruction_fills = false;  ///< cut so short that nothing of the text itself is left
  Index excess = 0;                ///< bytes beyond max_bytes; nothing was tokenised then

  /// Whether a token is left to pool that has seen the text.
  bool poolable() const { return !instruction_fills && text.pool_begin < static_cast<Index>(text.ids.size()); }
  /// Why it is not: the rest of a sentence that the text begins.
  std::string why_empty() const {
    if (excess > 0) return cat("is ", excess, " bytes longer than a text may be; split it into several");
    if (text.ids.empty()) return "leaves no token to pool: it has no tokens";
    if (!truncated && !instruction_fills)
      return "leaves no token to pool: nothing stands behind its instruction or prefix";
    return cat("leaves no token to pool: the instruction or prefix takes all of the ", text.ids.size(),
               " tokens that max_length allows; raise max_length");
  }
};

/// Turns texts with their instructions into token ids, spans and cuts, by the model's settings and a call's options.
class InputBuilder {
 public:
  InputBuilder(text::AnyTokenizer tokenizer, EmbedderSettings settings)
      : tokenizer_(std::move(tokenizer)), settings_(std::move(settings)) {}

  /// Throws InputError, naming text `number`, for invalid UTF-8, an unknown prompt, a max_length too small for BOS and
  /// EOS.
  NVEMBED_INLINE BuiltInput build(const Text& text, const EncodeOptions& options, Index number = 0) const;

  /// The literal string that goes before `text`.
  NVEMBED_INLINE std::string prefix_of(const Text& text, const EncodeOptions& options) const;
  /// In tokens; a very large number where neither call nor model sets a limit.
  NVEMBED_INLINE Index max_length(const EncodeOptions& options) const;
  bool parses_special(const EncodeOptions& options) const {
    return options.parse_special.value_or(compat(options) == Compat::reference);
  }
  Compat compat(const EncodeOptions& options) const { return options.compat.value_or(settings_.compat); }

  /// What a vector made with `options` depends on beside its text, its model and its back end, by name.
  NVEMBED_INLINE std::map<std::string, std::string> identity(const EncodeOptions& options) const;

  const EmbedderSettings& settings() const { return settings_; }
  const text::AnyTokenizer& tokenizer() const { return tokenizer_; }

 private:
  text::AnyTokenizer tokenizer_;
  EmbedderSettings settings_;
};

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/embed/input_builder.inl>
#endif

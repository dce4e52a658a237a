#pragma once

#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed::text {

/// One step of a tokenizer's normalisation, as tokenizer.json names them.
struct NormalizerStep {
  enum class Kind : std::uint8_t {
    nfc,      ///< normalisation form C
    prepend,  ///< `content` before a text that is not empty
    replace   ///< every `pattern` by `content`
  };
  Kind kind = Kind::nfc;
  std::string pattern{}, content{};
};

/// Text on its way through normalisation, which remembers where its bytes come from if `track` is set. Borrows `source`
/// for its whole life.
class NormalizedText {
 public:
  NormalizedText(std::string_view source, bool track)
      : text_(source), most_(32 * source.size() + 4096), track_(track) {}
  NormalizedText(const NormalizedText&) = delete;
  NormalizedText& operator=(const NormalizedText&) = delete;

  std::string_view text() const { return text_; }
  /// Bytes of the source that the first n bytes depend on. Only where tracked.
  Index source_end(Index n) const { return n > 0 && !ends_.empty() ? ends_[static_cast<std::size_t>(n - 1)] : n; }

  NVEMBED_INLINE void nfc();
  /// These two throw InputError where the text becomes absurdly long: steps of a hostile file that double it each.
  NVEMBED_INLINE void prepend(std::string_view content);
  /// An empty `pattern` is nowhere found.
  NVEMBED_INLINE void replace(std::string_view pattern, std::string_view content);
  /// All steps in order; `first` is false for a later part of a text whose beginning has been normalised already.
  NVEMBED_INLINE void apply(std::span<const NormalizerStep> steps, bool first = true);

 private:
  void check_size(std::size_t size) const {
    require<InputError>(size <= most_, "tokenize", "normalisation makes more than ", most_, " bytes of a short text");
  }
  /// `ends` by bytes of the present text.
  NVEMBED_INLINE void become(std::string&& text, std::vector<Index>&& ends);

  std::string_view text_;
  std::string own_;          // what text_ shows once a step has changed something
  std::vector<Index> ends_;  // by byte, in bytes of the source; empty: nothing changed
  std::size_t most_;         // bytes that a step may make of it
  bool track_;
};

}  // namespace nvembed::text

#if !defined(NVEMBED_COMPILED)
#include <nvembed/text/normalizer.inl>
#endif

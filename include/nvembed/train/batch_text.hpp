#pragma once

#include <cstdint>
#include <nvembed/embed/text.hpp>
#include <optional>
#include <string>

namespace nvembed::train {

/// A text of a batch, owned.
struct BatchText {
  std::string text;
  /// The task's, on queries and on the passages of symmetric tasks; else none, as for any passage that is encoded.
  std::optional<std::string> instruction = {};
  /// Its word in the key of random draws (dropout): the row's alone, so that encoding the batch in parts, or twice,
  /// draws the same. Other steps have the same ids; the step is a word of the key, too.
  std::uint64_t id = 0;

  /// Borrows; this must stay where it is.
  operator Text() const { return {text, instruction ? std::optional<std::string_view>(*instruction) : std::nullopt}; }
};

}  // namespace nvembed::train

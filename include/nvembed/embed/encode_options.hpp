#pragma once

#include <cstdint>
#include <functional>
#include <nvembed/embed/settings.hpp>
#include <optional>
#include <stop_token>
#include <string>

namespace nvembed {

/// What to do with a text that leaves no token to pool, or is longer than `max_bytes`.
enum class OnEmpty : std::uint8_t { error, zero };

/// How far a call has come.
struct Progress {
  Index texts = 0, total_texts = 0;  ///< done, of how many (0: not known)
  Index tokens = 0;                  ///< done
};

/// Tokens of a forward pass for which `load` sees to it that memory is there.
inline constexpr Index default_batch_tokens = 2048;

/// What a call may ask for. A text's own instruction or prefix goes before the call's; a prefix before an instruction;
/// both before a named prompt; that before the model's default prompt.
struct EncodeOptions {
  std::string instruction = {};            ///< task description, put into the model's template; empty: none
  std::optional<std::string> prefix = {};  ///< literal prefix; empty: none, not even the model's default prompt
  std::string prompt = {};                 ///< name of one of the model's own prompts
  Index max_length = 0;                    ///< in tokens; 0: the model's
  Index max_bytes = 0;                 ///< of a text with its prefix; a longer one is dealt with by on_empty; 0: any
  Index dim = 0;                       ///< leading components kept, then unit length again (Matryoshka); 0: all
  std::optional<bool> normalize = {};  ///< unit length; default: what the model says
  std::optional<Compat> compat = {};   ///< default: what the model says
  std::optional<bool> parse_special = {};  ///< special strings in a text become special tokens; default: by `compat`
  OnEmpty on_empty = OnEmpty::error;
  Index batch_tokens = 0;  ///< most tokens in one forward pass; 0: 2048 on a CPU, more on a GPU that has the memory
  std::function<void(const Progress&)> progress = {};  ///< called after each batch, on the calling thread
  std::function<Index()> free_memory = {};  ///< asked once a call: bytes a forward pass may take; empty: what there is
  std::stop_token stop = {};                ///< asked after each batch; a stopped call throws Cancelled
};

/// A call was stopped through its stop token.
struct Cancelled : Error {
  using Error::Error;
};

}  // namespace nvembed

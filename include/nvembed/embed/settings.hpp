#pragma once

#include <cstdint>
#include <map>
#include <nvembed/core/shape.hpp>
#include <string>

namespace nvembed {

/// How texts become tokens. `reference` is the released NV-Embed's encode(): its count of instruction tokens, EOS lost
/// when a text is cut, special strings in a text parsed. `exact` masks the instruction where its tokens really lie,
/// keeps EOS and reads special strings as plain text.
enum class Compat : std::uint8_t { reference, exact };

/// What a model's files say about its use.
struct EmbedderSettings {
  Compat compat = Compat::exact;
  std::string query_template = "Instruct: {instruction}\nQuery: ";  ///< `{instruction}` is replaced
  std::map<std::string, std::string> prompts;                       ///< named literal prefixes
  std::string default_prompt;  ///< name of the one used where nothing is asked for; or empty
  bool pool_prompt = false;    ///< prompt tokens are pooled too (Sentence-Transformers' include_prompt)
  Index max_length = 0;        ///< tokens a text may have, BOS and EOS counted; 0: no limit known
};

}  // namespace nvembed

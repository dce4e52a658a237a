#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/io/gguf.hpp>
#include <nvembed/io/tokenizer_gguf.hpp>
#include <string>

namespace nvembed {

/// A tokenizer.json of a GGUF file's tokenizer, as `tokenizers` and `tokenizer_from_json` read it. Byte-level ones are
/// written as they are. A sentencepiece model has scores where the format has merges: these are made as transformers
/// makes them, every pair of pieces that joins to a piece, by its score. Throws FileError for what the format has no
/// words for.
NVEMBED_INLINE std::string tokenizer_to_json(const GgufTokenizer& tokenizer, const Gguf& file);

/// The tokenizer_config.json that goes with it: BOS, EOS, unknown and padding token, `max_length` where it is not 0.
NVEMBED_INLINE std::string tokenizer_config_to_json(const GgufTokenizer& tokenizer, const Gguf& file, Index max_length);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/tokenizer_to_json.inl>
#endif

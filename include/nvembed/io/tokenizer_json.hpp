#pragma once

#include <string>
#include <string_view>

#include <nvembed/core/config.hpp>
#include <nvembed/text/any_tokenizer.hpp>

namespace nvembed {

/// A tokenizer from the content of a Hugging Face `tokenizer.json`: BPE models with byte-level or SentencePiece-style
/// pieces. The tokens its post-processor puts around a text come with it; `bos` and `eos`, where given, are the strings of
/// those tokens. A component that is not known is a FileError naming it: nothing is guessed.
NVEMBED_INLINE text::AnyTokenizer tokenizer_from_json(std::string_view content, std::string_view file,
                                                      const std::string& bos = {}, const std::string& eos = {});

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/tokenizer_json.inl>
#endif

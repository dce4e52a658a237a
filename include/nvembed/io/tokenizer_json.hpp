#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/text/any_tokenizer.hpp>
#include <string_view>

namespace nvembed {

/// The tokenizer that a Hugging Face tokenizer.json describes, with the tokens of its post-processor around a text; BOS
/// and EOS are the outermost of these. Known: model BPE; normalisers NFC, Prepend, Replace (of a string);
/// pre-tokenizers ByteLevel, Digits, Split (by the expressions of GPT-2, Llama 3 and Qwen2), Metaspace; post-processors
/// TemplateProcessing, ByteLevel; sequences of them. Truncation, padding and decoder are not read. Throws FileError
/// naming file and place for anything else, and for ids and merges that cannot be right.
NVEMBED_INLINE text::AnyTokenizer tokenizer_from_json(std::string_view content, std::string_view file_name);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/tokenizer_json.inl>
#endif

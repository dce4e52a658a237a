#pragma once

#include <filesystem>
#include <nvembed/core/config.hpp>
#include <nvembed/text/any_tokenizer.hpp>

namespace nvembed {

/// The tokenizer of a Hugging Face folder: `tokenizer.json`, with `tokenizer_config.json`'s BOS and EOS; its
/// add_bos_token and add_eos_token count where the tokenizer class obeys them (the Llama classes), else the
/// post-processor does.
NVEMBED_INLINE text::AnyTokenizer read_tokenizer(const std::filesystem::path& folder);

/// `model_max_length` of a folder's tokenizer_config.json, in tokens; 0 where it is not said, or said to be endless
/// (transformers writes 1e30).
NVEMBED_INLINE Index read_model_max_length(const std::filesystem::path& folder);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/tokenizer_files.inl>
#endif

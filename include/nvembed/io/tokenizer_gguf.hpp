#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/io/gguf.hpp>
#include <nvembed/text/any_tokenizer.hpp>

namespace nvembed {

/// A tokenizer from GGUF metadata (`tokenizer.ggml.*`): model `gpt2` with a known `pre` (byte-level), or `llama`
/// (SentencePiece-style with scores). BOS and EOS are put around a text where the file says so. A GGUF stores no
/// normalisation. Throws FileError naming file and key; a model or `pre` that is not known is one.
NVEMBED_INLINE text::AnyTokenizer tokenizer_from_gguf(const Gguf& file);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/tokenizer_gguf.inl>
#endif

#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/io/gguf.hpp>
#include <nvembed/text/any_tokenizer.hpp>
#include <nvembed/text/tokenizer_spec.hpp>
#include <vector>

namespace nvembed {

/// A GGUF file's tokenizer before it is built, and the tokens around a text. Strings are views into the mapped file.
struct GgufTokenizer {
  text::TokenizerSpec spec{};
  std::vector<TokenId> before{}, after{};
};

/// What `tokenizer_from_gguf` builds, with its errors, but for contradictions that building finds.
NVEMBED_INLINE GgufTokenizer gguf_tokenizer(const Gguf& file);

/// The tokenizer in a GGUF file's metadata (`tokenizer.ggml.*`), with BOS and EOS around a text where the file, or else
/// its kind, asks for them. Kinds: `gpt2` (merges; `pre` is one of text::named_pre_tokenizers()) and `llama` (scores,
/// with byte pieces for unknown characters). Qwen2's text is brought to form NFC, as its own tokenizer does and
/// llama.cpp does not. Token types: control and unknown tokens are special, user-defined ones are added tokens, unused
/// ones are never produced. Throws FileError naming file and key for anything else.
NVEMBED_INLINE text::AnyTokenizer tokenizer_from_gguf(const Gguf& file);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/tokenizer_gguf.inl>
#endif

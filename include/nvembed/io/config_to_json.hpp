#pragma once

#include <nvembed/core/backend.hpp>
#include <nvembed/core/config.hpp>
#include <nvembed/core/precision.hpp>
#include <nvembed/model/config.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace nvembed {

/// The same decoder under an architecture and a rotary scaling that a Hugging Face config.json has words for: Llama,
/// Mistral, Qwen2 and Qwen3 differ in biases, head norms and windows alone, and GGUF's frequency factors are those of
/// Llama 3's rule in most files. Throws FileError naming `place` where no class has such layers.
NVEMBED_INLINE DecoderConfig hugging_face_decoder(DecoderConfig c, std::string_view place);

/// Whether a class has these layers under a causal window (Mistral).
NVEMBED_INLINE bool has_window_class(const DecoderConfig& c);

/// What transformers is told beside the sizes.
struct DecoderUse {
  bool causal = true;  ///< `is_causal`
  Precision stored = Precision::f32;
  std::optional<TokenId> bos{}, eos{};
};

/// A config.json of such a decoder, with the keys that transformers 4 and 5 both read. The model has no
/// language-model head.
NVEMBED_INLINE std::string config_to_json(const DecoderConfig& c, const DecoderUse& use);

/// transformers' name of a type: float32, float16, bfloat16. Not for int8, fp8 and q4.
inline std::string_view torch_name(Precision p) {
  return p == Precision::f16 ? "float16" : p == Precision::bf16 ? "bfloat16" : "float32";
}

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/config_to_json.inl>
#endif

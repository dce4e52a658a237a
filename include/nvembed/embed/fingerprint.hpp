#pragma once

#include <map>
#include <nvembed/core/config.hpp>
#include <nvembed/embed/input_builder.hpp>
#include <string>
#include <string_view>

namespace nvembed {

/// SHA-256 over named values, 64 hexadecimal digits: what stored vectors are recognised by.
NVEMBED_INLINE std::string fingerprint(const std::map<std::string, std::string>& values);

/// All that a stored vector depends on beside its text, by name: how texts enter the model (`inputs`, `options`), the
/// model's digest, mask, pooling and precision, whether it normalises, and how many components it has.
NVEMBED_INLINE std::map<std::string, std::string> model_identity(const InputBuilder& inputs,
                                                                 const EncodeOptions& options,
                                                                 const std::string& digest, std::string_view mask,
                                                                 std::string_view pool, Precision precision,
                                                                 bool normalize, Index dim);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/embed/fingerprint.inl>
#endif

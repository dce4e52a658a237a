#pragma once

#include <map>
#include <nvembed/core/config.hpp>
#include <string>

namespace nvembed {

/// SHA-256 over named values, 64 hexadecimal digits: what stored vectors are recognised by.
NVEMBED_INLINE std::string fingerprint(const std::map<std::string, std::string>& values);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/embed/fingerprint.inl>
#endif

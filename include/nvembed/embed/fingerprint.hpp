#pragma once

#include <initializer_list>
#include <nvembed/core/config.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace nvembed {

/// SHA-256 over named values, 64 hexadecimal digits: what stored vectors are recognised by.
NVEMBED_INLINE std::string fingerprint(std::initializer_list<std::pair<std::string_view, std::string>> values);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/embed/fingerprint.inl>
#endif

#pragma once

#include <nvembed/core/config.hpp>
#include <string_view>

namespace nvembed {

/// Whether a regular expression matches `name` whole, or the part behind one of its dots: Python's
/// `re.match("(.*\\.)?(PATTERN)$", name)`, by which PEFT looks up a module's own rank and alpha. Knows `.`, `[...]`,
/// `\d`, `\w`, escaped characters, groups, `|`, `*`, `+`, `?`, `^` and `$`, in time polynomial in the name's length.
/// Throws FileError naming `where` for anything else.
NVEMBED_INLINE bool ends_in_pattern(std::string_view pattern, std::string_view name, std::string_view where);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/module_pattern.inl>
#endif

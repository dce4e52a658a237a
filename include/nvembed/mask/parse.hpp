#pragma once

#include <charconv>
#include <nvembed/core/error.hpp>
#include <nvembed/mask/any.hpp>
#include <optional>
#include <string_view>

namespace nvembed::mask {

/// A mask by its written name, the inverse of `Any::str`:
///   bidirectional, causal, window:N (N tokens on either side), window:LEFT,RIGHT, causal&window:LEFT,RIGHT,
///   prefix (instruction and text seen apart, both fully), prefix:INSTRUCTION,TEXT with `full` or `causal` each.
/// Throws InputError that lists them.
inline Any parse(std::string_view name) {
  const auto unknown = [&]() {
    fail<InputError>("mask", "'", name.substr(0, 60),
                     "' is no mask; use bidirectional, causal, window:N, window:LEFT,RIGHT, ",
                     "causal&window:LEFT,RIGHT, prefix or prefix:full,causal");
  };
  const auto number = [&](std::string_view s) {
    Index n = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
    if (error != std::errc{} || end != s.data() + s.size() || n < 0 || n > (Index{1} << 40)) unknown();
    return n;
  };
  const auto after = [](std::string_view s, std::string_view start) -> std::optional<std::string_view> {
    if (s.substr(0, start.size()) != start) return std::nullopt;
    return s.substr(start.size());
  };
  const auto window = [&](std::string_view s) {
    const auto comma = s.find(',');
    if (comma == s.npos) return Window{number(s), number(s)};
    return Window{number(s.substr(0, comma)), number(s.substr(comma + 1))};
  };
  const auto sight = [&](std::string_view s) {
    if (s != "full" && s != "causal") unknown();
    return s == "full" ? Prefix::Sight::full : Prefix::Sight::causal;
  };
  if (name == "bidirectional") return Bidirectional{};
  if (name == "causal") return Causal{};
  if (name == "prefix") return Prefix{};
  if (const auto rest = after(name, "window:")) return window(*rest);
  if (const auto rest = after(name, "causal&window:")) return Causal{} & window(*rest);
  if (const auto rest = after(name, "prefix:")) {
    const auto comma = rest->find(',');
    if (comma != rest->npos) return Prefix{sight(rest->substr(0, comma)), sight(rest->substr(comma + 1))};
  }
  unknown();
  return {};
}

}  // namespace nvembed::mask

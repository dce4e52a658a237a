#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

/// The sentencepiece library trusts a model's table of normalisation rules (`precompiled_charsmap`, a double-array trie
/// behind its size, then the replacements, NUL after each) and follows its offsets anywhere. So it is walked here
/// first.
namespace nvembed::text::detail {

/// f(field number, bytes) for the fields of a protobuf message that hold bytes. False where f is, or where the message
/// cannot be read; groups, which no model has, count as such.
template <class F>
bool all_bytes_fields(std::string_view message, F&& f) {
  const auto varint = [&](std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && !message.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(message.front());
      message.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  };
  while (!message.empty()) {
    std::uint64_t tag = 0, size = 0;
    if (!varint(tag) || tag > 0xFFFFFFFFu) return false;
    const auto kind = tag & 7;
    if (kind == 0 && varint(size)) continue;
    if (kind == 1 || kind == 5) size = kind == 1 ? 8 : 4;
    if ((kind != 1 && kind != 2 && kind != 5) || (kind == 2 && !varint(size)) || size > message.size()) return false;
    if (kind == 2 && !f(tag >> 3, message.substr(0, static_cast<std::size_t>(size)))) return false;
    message.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

/// Whether the library stays within the table for every text. It keeps 32 rules that match at one place and does not
/// count; a rule of more than 256 bytes is taken for a loop.
inline bool is_sound_charsmap(std::string_view table) {
  if (table.empty()) return true;
  std::uint32_t size = 0;
  if (table.size() < sizeof size) return false;
  std::memcpy(&size, table.data(), sizeof size);
  table.remove_prefix(sizeof size);
  if (size % 4 != 0 || size == 0 || size >= table.size() || table.back() != '\0') return false;
  const std::size_t units = size / 4, replacements = table.size() - size;
  const auto unit = [&](std::size_t i) {
    std::uint32_t u = 0;
    std::memcpy(&u, table.data() + 4 * i, sizeof u);
    return u;
  };

  struct Place {
    std::uint32_t node;
    int rules;  // the most that match on a way to it
  };
  struct Seen {
    int depth = 0;
    std::size_t place = 0;
  };
  std::vector<Seen> seen(units);
  std::vector<Place> level{{0, 0}}, next;
  std::size_t visits = 0;  // in a tree as many as there are nodes; rules may share their ends, but not everything
  for (int depth = 0; !level.empty(); ++depth, level.swap(next), next.clear()) {
    if (depth > 256 || (visits += level.size()) > 8 * units) return false;
    for (auto [node, rules] : level) {
      const std::uint32_t u = unit(node);
      const std::uint32_t children = node ^ ((u >> 10) << ((u & 0x200) >> 6));
      if ((children | 0xFF) >= units) return false;
      if (depth > 0 && (u & 0x100) && (++rules > 32 || (unit(children) & 0x7FFFFFFF) >= replacements)) return false;
      for (std::uint32_t byte = 0; byte < 256; ++byte) {
        const std::uint32_t child = children ^ byte;
        if ((unit(child) & 0x800000FF) != byte) continue;
        Seen& s = seen[child];
        if (s.depth == depth + 1) {
          next[s.place].rules = std::max(next[s.place].rules, rules);
        } else {
          s = {depth + 1, next.size()};
          next.push_back({child, rules});
        }
      }
    }
  }
  return true;
}

/// The same for the tables of a whole tokenizer.model; false too for what is no protobuf message.
inline bool has_sound_charsmaps(std::string_view model) {
  return all_bytes_fields(model, [](std::uint64_t field, std::string_view spec) {
    if (field != 3 && field != 5) return true;  // normalizer_spec, denormalizer_spec
    return all_bytes_fields(
        spec, [](std::uint64_t inner, std::string_view table) { return inner != 2 || is_sound_charsmap(table); });
  });
}

}  // namespace nvembed::text::detail

#pragma once

#include <cstdint>
#include <cstring>
#include <nvembed/core/backend.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/text/table_seed.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed::text::detail {

/// 64-bit hash of a byte string, eight bytes a step; for tables only. Both halves of each product go on, with a factor
/// that the seed decides: no change of the bytes is known to leave the hash alone for every seed, as there is where the
/// upper half is dropped.
inline std::uint64_t hash_bytes(std::string_view s, std::uint64_t seed) {
  __extension__ using Wide = unsigned __int128;
  constexpr std::uint64_t k = 0x9E3779B97F4A7C15u;
  const std::uint64_t factor = ((seed * k) ^ k) | 1;
  std::uint64_t h = (s.size() * k) ^ seed;
  const auto mix = [&](const char* p, std::size_t n) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, n);
    const Wide product = static_cast<Wide>(h ^ word) * factor;
    h = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  const char* p = s.data();
  std::size_t n = s.size();
  for (; n >= 8; n -= 8, p += 8) mix(p, 8);
  if (n) mix(p, n);
  h *= k;
  return h ^ (h >> 29);
}

/// Byte strings to ids: open addressing over one block of bytes. Holds offsets, no pointers, so copies and moves are
/// safe.
class StringTable {
 public:
  static constexpr TokenId none = -1;

  /// Makes room for n strings in all.
  void reserve(std::size_t n) {
    entries_.reserve(n);
    if (2 * n > slots_.size()) rehash(2 * n);
  }
  /// False, and nothing changed, where the string is there already.
  bool insert(std::string_view s, TokenId id) {
    if (2 * (entries_.size() + 1) > slots_.size()) rehash(4 * (entries_.size() + 1));
    const std::uint64_t hash = hash_bytes(s, seed_);
    Slot& slot = slots_[probe(s, hash)];
    if (slot.entry != empty) return false;
    require<InputError>(bytes_.size() + s.size() < empty && entries_.size() < empty, "tokenizer",
                        "the vocabulary takes more than 4 GiB");
    slot = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(entries_.size())};
    entries_.push_back({static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(s.size()), id});
    bytes_ += s;
    return true;
  }
  TokenId find(std::string_view s) const {
    if (slots_.empty()) return none;
    const Slot& slot = slots_[probe(s, hash_bytes(s, seed_))];
    return slot.entry == empty ? none : entries_[slot.entry].id;
  }

  /// Strings in the order in which they came.
  std::size_t size() const { return entries_.size(); }
  std::string_view text(std::size_t entry) const {
    return std::string_view(bytes_).substr(entries_[entry].begin, entries_[entry].size);
  }
  TokenId id(std::size_t entry) const { return entries_[entry].id; }

 private:
  static constexpr std::uint32_t empty = 0xFFFFFFFFu;
  struct Entry {
    std::uint32_t begin, size;
    TokenId id;
  };
  struct Slot {
    std::uint32_t tag = 0, entry = empty;
  };

  /// The slot of `s`, or the empty one where it belongs.
  std::size_t probe(std::string_view s, std::uint64_t hash) const {
    const std::size_t mask = slots_.size() - 1;
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t i = static_cast<std::size_t>(hash) & mask;; i = (i + 1) & mask) {
      const Slot& slot = slots_[i];
      if (slot.entry == empty || (slot.tag == tag && text(slot.entry) == s)) return i;
    }
  }
  void rehash(std::size_t at_least) {
    std::size_t size = 16;
    while (size < at_least) size *= 2;
    slots_.assign(size, Slot{});
    for (std::size_t e = 0; e < entries_.size(); ++e) {
      const std::uint64_t hash = hash_bytes(text(e), seed_);
      slots_[probe(text(e), hash)] = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(e)};
    }
  }

  std::uint64_t seed_ = table_seed();
  std::string bytes_;
  std::vector<Entry> entries_;
  std::vector<Slot> slots_;
};

}  // namespace nvembed::text::detail

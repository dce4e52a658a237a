#pragma once

#include <cstddef>
#include <cstdint>
#include <nvembed/text/table_seed.hpp>
#include <vector>

namespace nvembed::text::detail {

/// Pairs of 32-bit numbers to a pair of them: open addressing, a cache line holds four. The pair (0xFFFFFFFF,
/// 0xFFFFFFFF) cannot be a key.
class PairTable {
 public:
  struct Value {
    std::uint32_t first = 0, second = 0;
  };

  void reserve(std::size_t n) {
    if (2 * n > slots_.size()) rehash(2 * n);
  }
  /// Sets or replaces.
  void set(std::uint32_t a, std::uint32_t b, Value value) {
    if (2 * (size_ + 1) > slots_.size()) rehash(4 * (size_ + 1));
    Slot& slot = slots_[probe(key(a, b))];
    if (slot.key == empty) ++size_;
    slot = {key(a, b), value};
  }
  /// nullptr where the pair is unknown; valid until the next `set`.
  const Value* find(std::uint32_t a, std::uint32_t b) const {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[probe(key(a, b))];
    return slot.key == empty ? nullptr : &slot.value;
  }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::uint64_t empty = ~std::uint64_t{0};
  struct Slot {
    std::uint64_t key = empty;
    Value value{};
  };
  static std::uint64_t key(std::uint32_t a, std::uint32_t b) { return static_cast<std::uint64_t>(a) << 32 | b; }

  std::size_t probe(std::uint64_t k) const {
    const std::size_t mask = slots_.size() - 1;
    std::uint64_t h = (k ^ seed_) * 0x9E3779B97F4A7C15u;
    h ^= h >> 32;
    std::size_t i = static_cast<std::size_t>(h) & mask;
    while (slots_[i].key != k && slots_[i].key != empty) i = (i + 1) & mask;
    return i;
  }
  void rehash(std::size_t at_least) {
    std::size_t size = 16;
    while (size < at_least) size *= 2;
    std::vector<Slot> old(size);
    old.swap(slots_);
    for (const Slot& s : old)
      if (s.key != empty) slots_[probe(s.key)] = s;
  }

  std::uint64_t seed_ = table_seed();
  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace nvembed::text::detail

#include <doctest/doctest.h>

#include <cstring>
#include <ctime>
#include <nvembed/text/pair_table.hpp>
#include <nvembed/text/string_table.hpp>
#include <string>

using namespace nvembed::text::detail;

namespace {

constexpr std::uint64_t k = 0x9E3779B97F4A7C15u;

/// 1 / k modulo 2^64, by Newton's iteration.
std::uint64_t inverse() {
  std::uint64_t x = k;
  for (int i = 0; i < 6; ++i) x *= 2 - k * x;
  return x;
}
/// The x with x ^ (x >> shift) == y.
std::uint64_t unfold(std::uint64_t y, int shift) {
  std::uint64_t x = y;
  for (int done = shift; done < 64; done += shift) x = y ^ (x >> shift);
  return x;
}

constexpr std::uint64_t count = 100000;
constexpr int slot_bits = 20;  // of a table of so many entries, at least as many as it has

template <class F>
void in_time(F&& f) {
  const std::clock_t start = std::clock();  // of processor time: others' work does not count
  f();
  CHECK(std::clock() - start < 2 * CLOCKS_PER_SEC);
}

}  // namespace

TEST_CASE("strings whose hashes would agree for every seed were only half of each product used, do not") {
  // One word chosen so that product and shift end in zeros.
  StringTable words;
  in_time([&] {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t word = unfold(unfold(i << slot_bits, 29) * inverse(), 32) * inverse() ^ 8 * k;
      std::string s(8, '\0');
      std::memcpy(s.data(), &word, 8);
      REQUIRE(words.insert(s, static_cast<nvembed::TokenId>(i)));
    }
  });
  CHECK(words.size() == count);
  const StringTable copy = words;
  CHECK(copy.find(words.text(77)) == 77);

  // The top bit of a word moves the top bit of its product alone; two bits of the next word take that back.
  StringTable pairs;
  constexpr int blocks = 15;
  in_time([&] {
    for (std::uint32_t i = 0; i < 1u << blocks; ++i) {
      std::string s(blocks * 16, 'a');
      for (int b = 0; b < blocks; ++b)
        if (i >> b & 1) {
          const auto flip = [&](std::size_t byte) { s[byte] = static_cast<char>(s[byte] ^ 0x80); };
          const auto at = static_cast<std::size_t>(b) * 16;
          flip(at + 7), flip(at + 15), flip(at + 11);
        }
      REQUIRE(pairs.insert(s, static_cast<nvembed::TokenId>(i)));
    }
  });
}

TEST_CASE("pairs that would all fall into one slot do not") {
  PairTable table;
  const auto pair = [](std::uint64_t i) { return unfold(i << slot_bits, 32) * inverse(); };
  in_time([&] {
    for (std::uint64_t i = 1; i <= count; ++i) {
      const std::uint64_t p = pair(i);
      table.set(static_cast<std::uint32_t>(p >> 32), static_cast<std::uint32_t>(p), {static_cast<std::uint32_t>(i), 0});
    }
  });
  CHECK(table.size() == count);
  const std::uint64_t p = pair(77);
  REQUIRE(table.find(static_cast<std::uint32_t>(p >> 32), static_cast<std::uint32_t>(p)));
  CHECK(table.find(static_cast<std::uint32_t>(p >> 32), static_cast<std::uint32_t>(p))->first == 77);
}

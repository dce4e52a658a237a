#include <doctest/doctest.h>

#include <cstdint>
#include <nvembed/text/charsmap.hpp>
#include <string>
#include <vector>

using namespace nvembed::text::detail;

namespace {

/// A table with one rule, for the letter A, in the trie as the sentencepiece library builds it.
struct Table {
  static constexpr std::uint32_t unused = 0x80000000u, letter = 256 ^ 'A', leaf = 300;
  std::vector<std::uint32_t> units = std::vector<std::uint32_t>(512, unused);
  std::string replacements = std::string("abc\0", 4);
  std::uint32_t size = 0;  // instead of the true one

  Table() {
    units[0] = 256u << 10;
    units[letter] = 'A' | 0x100u | (letter ^ leaf) << 10;
    units[leaf] = 0x80000000u;
  }
  std::string str() const {
    const auto n = size ? size : static_cast<std::uint32_t>(units.size() * 4);
    std::string s(reinterpret_cast<const char*>(&n), 4);
    s.append(reinterpret_cast<const char*>(units.data()), units.size() * 4);
    return s + replacements;
  }
};

bool sound(const Table& t) { return is_sound_charsmap(t.str()); }
/// `bytes` as field `number` of a protobuf message.
std::string field(int number, const std::string& bytes) {
  std::string s{static_cast<char>(number << 3 | 2)};
  for (std::size_t n = bytes.size(); n >= 0x80 || (s += static_cast<char>(n), false); n >>= 7)
    s += static_cast<char>((n & 0x7F) | 0x80);
  return s + bytes;
}

}  // namespace

TEST_CASE("a table of rules is sound where the library stays inside it") {
  CHECK(sound(Table()));
  CHECK(is_sound_charsmap(""));
  Table t;
  t.units[0] = 0x3FFFFF00u;
  CHECK_FALSE(sound(t));
  t = Table();
  t.units[Table::leaf] |= 4;  // the replacement begins behind the last one
  CHECK_FALSE(sound(t));
  t.units[Table::leaf] -= 1;
  CHECK(sound(t));
  t = Table();
  t.replacements = "abc";  // no NUL
  CHECK_FALSE(sound(t));
  t = Table();
  for (const std::uint32_t size : {1u, 2047u, 2052u, 0xFFFFFFFFu}) {
    t.size = size;
    CHECK_FALSE(sound(t));
  }
}

TEST_CASE("a table that goes round in circles is not sound") {
  Table t;
  t.units[Table::letter] = 'A' | 0x100u | (Table::letter ^ 256u) << 10;  // A, AA, AAA, ... each a rule
  t.units[256] = 0x80000000u;
  CHECK_FALSE(sound(t));
  t.units[Table::letter] &= ~0x100u;  // no rule at all, without end
  CHECK_FALSE(sound(t));
}

TEST_CASE("tables are found in a model") {
  Table broken;
  broken.units[0] = 0x3FFFFF00u;
  const std::string good = field(2, Table().str()), bad = field(2, broken.str()),
                    piece = field(1,
                                  "\x0A\x01"
                                  "a");
  CHECK(has_sound_charsmaps(piece + field(3, field(1, "nfkc") + good) + field(5, good)));
  CHECK_FALSE(has_sound_charsmaps(piece + field(3, bad)));
  CHECK_FALSE(has_sound_charsmaps(piece + field(3, good + bad)));
  CHECK_FALSE(has_sound_charsmaps(field(5, bad) + piece));
  CHECK(has_sound_charsmaps(field(4, bad)));
  CHECK_FALSE(has_sound_charsmaps(field(3, good).substr(0, 100)));
  CHECK_FALSE(has_sound_charsmaps("no protobuf"));
}

#include <doctest/doctest.h>

#include <nvembed/text/unicode.hpp>
#include <string>
#include <vector>

using namespace nvembed;
using namespace nvembed::text;

TEST_CASE("invalid UTF-8 is found at its first byte") {
  const std::pair<std::string, std::size_t> broken[] = {{"\xFF", 0},              // no lead byte
                                                        {"abc\x80", 3},           // continuation without lead
                                                        {"\xC0\x80", 0},          // overlong NUL
                                                        {"a\xC1\xBF", 1},         // overlong
                                                        {"\xE0\x9F\xBF", 0},      // overlong
                                                        {"\xED\xA0\x80", 0},      // surrogate
                                                        {"\xF0\x8F\xBF\xBF", 0},  // overlong
                                                        {"\xF4\x90\x80\x80", 0},  // above U+10FFFF
                                                        {"\xF5\x80\x80\x80", 0},  // above U+10FFFF
                                                        {"12345678\xE2\x82", 8},  // cut
                                                        {"\xF0\x9F\x98", 0},      // cut
                                                        {"12345678901234567\xC3(", 17}};
  for (const auto& [text, at] : broken) {
    CHECK(find_invalid_utf8(text) == at);
    try {
      require_utf8(text);
      FAIL("accepted");
    } catch (const InputError& e) {
      CHECK(std::string(e.what()) == "[tokenize] the text is not valid UTF-8 at byte " + std::to_string(at));
    }
  }
  for (const std::string& text :
       {std::string(), std::string("a\0b", 3), std::string("\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80"),
        std::string("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF")})
    CHECK(find_invalid_utf8(text) == text.npos);
}

TEST_CASE("decoding, at the edges of every length") {
  const std::string all("\0a\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 21);
  REQUIRE(find_invalid_utf8(all) == all.npos);
  std::vector<char32_t> seen;
  for (std::size_t at = 0; at < all.size();) seen.push_back(next_code_point(all, at));
  CHECK(seen == std::vector<char32_t>{0, 'a', 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF});
}

TEST_CASE("classes of characters") {
  for (const char32_t c : {U'a', U'Z', U'\x00E9', U'\x4F60', U'\x02B0', U'\x01C5', U'\x2EBF0'}) {
    CHECK(is_letter(c));
    CHECK(is_word(c));
  }
  for (const char32_t c : {U'0', U'\x00B2', U'\x00BD', U'\x2167', U'\x0662', U'\x1CCF0'}) CHECK(is_number(c));
  for (const char32_t c : {U'_', U'1', U'@', U'[', U'`', U'{', U'\x0301', U'\x20AC', U'\x00D7'}) CHECK(!is_letter(c));
  for (const char32_t c : {U'\t', U'\x0B', U'\r', U' ', U'\x85', U'\xA0', U'\x1680', U'\x2028', U'\x3000'})
    CHECK(is_space(c));
  for (const char32_t c : {U'\x1C', U'\x1F', U'\x200B', U'\xFEFF', U'\x180E'}) CHECK(!is_space(c));
  for (const char32_t c : {U'_', U'\x0301', U'\x2167', U'\x200D', U'\x24B6', U'\x1F130'}) CHECK(is_word(c));
  for (const char32_t c : {U'-', U' ', U'\x00B2', U'\x2603'}) CHECK(!is_word(c));
}

TEST_CASE("form C") {
  const std::pair<std::string, std::string> cases[] = {{"cafe\u0301", "caf\u00e9"},
                                                       {"\u00e9", "\u00e9"},
                                                       {"\u212b\u2126", "\u00c5\u03a9"},
                                                       {"q\u0307\u0323", "q\u0323\u0307"},  // marks in order
                                                       {"\u1112\u1161\u11ab", "\ud55c"},    // Hangul
                                                       {"\uac00\u11a7", "\uac00\u11a7"},    // no final consonant
                                                       {"\uac00\u11a8", "\uac01"},
                                                       {"\u0344", "\u0308\u0301"},  // composition exclusion
                                                       {"\u0958", "\u0915\u093c"},
                                                       {"\ufb01", "\ufb01"},  // no compatibility mapping
                                                       {"a\u0301\u4f60b\u0300", "\u00e1\u4f60b\u0300"}};
  for (const auto& [from, to] : cases) {
    CHECK(nfc(from) == to);
    CHECK(nfc(to) == to);
    if (from != to) CHECK(may_change_in_nfc(from));
  }
  CHECK(!may_change_in_nfc("plain ascii, \u00e9\u00df\u02ff and more than eight bytes"));
}

TEST_CASE("form C says where its bytes come from") {
  std::vector<Index> ends;
  CHECK(nfc("xe\u0301y\u4f60", &ends) == "x\u00e9y\u4f60");
  CHECK(ends == std::vector<Index>{1, 4, 4, 5, 6, 7, 8});
}

TEST_CASE("a long run of marks is no quadratic work") {
  std::string marks = "a";
  for (int i = 0; i < 250000; ++i) marks += "\u0301\u0323";
  const std::string normal = nfc(marks);  // sorting by insertion would take hours
  CHECK(normal.size() == marks.size());   // the a takes one dot below: three bytes for three
  CHECK(normal.substr(0, 3) == "\u1ea1");
}

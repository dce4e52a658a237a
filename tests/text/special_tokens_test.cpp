#include <doctest/doctest.h>

#include <nvembed/text/special_tokens.hpp>
#include <string>
#include <tuple>
#include <vector>

using namespace nvembed;
using namespace nvembed::text;

namespace {
using Found = std::vector<std::tuple<std::size_t, std::size_t, TokenId>>;
Found find(const SpecialTokens& tokens, const std::string& text, bool parse_special = true) {
  Found out;
  SpecialTokens::Search search(tokens, text, parse_special);
  for (SpecialTokens::Found f; search.next(f);) out.emplace_back(f.begin, f.end, f.id);
  return out;
}
}  // namespace

TEST_CASE("leftmost, then longest") {
  const SpecialTokens t({{.content = "ab", .id = 1}, {.content = "abcd", .id = 2}, {.content = "bcde", .id = 3}});
  CHECK(find(t, "xabcde") == Found{{1, 5, 2}});
  CHECK(find(t, "abcbcde") == Found{{0, 2, 1}, {3, 7, 3}});
  CHECK(find(t, "").empty());
  CHECK(find(SpecialTokens(), "ab").empty());
}

TEST_CASE("special tokens are plain text where asked, and hide what lies inside them") {
  const SpecialTokens t({{.content = "<s>", .id = 1, .special = true}, {.content = "s", .id = 2}});
  CHECK(find(t, "<s>s") == Found{{0, 3, 1}, {3, 4, 2}});
  CHECK(find(t, "<s>s", false) == Found{{3, 4, 2}});
  CHECK(SpecialTokens({{.content = "<s>", .id = 1, .special = true}}).any(true));
  CHECK(!SpecialTokens({{.content = "<s>", .id = 1, .special = true}}).any(false));
}

TEST_CASE("white space is taken on the side that the flag names, once") {
  const SpecialTokens t({{.content = "L", .id = 1, .lstrip = true}, {.content = "R", .id = 2, .rstrip = true}});
  CHECK(find(t, "a \u3000L b") == Found{{1, 6, 1}});
  CHECK(find(t, "aR \t b") == Found{{1, 5, 2}});
  CHECK(find(t, "R  L") == Found{{0, 3, 2}, {3, 4, 1}});
}

TEST_CASE("single words") {
  const SpecialTokens t({{.content = "w", .id = 1, .single_word = true}});
  CHECK(find(t, "w w, -w") == Found{{0, 1, 1}, {2, 3, 1}, {6, 7, 1}});
  CHECK(find(t, "ww aw w1 w_ w\u0301 \u00e9w").empty());
}

TEST_CASE("tokens that would make every text slow are refused") {
  const auto made = [](std::size_t count, std::size_t size) {
    std::vector<AddedToken> tokens;
    for (std::size_t i = 0; i < count; ++i) {
      std::string content = std::to_string(i);
      content.resize(size, 'a');
      tokens.push_back({.content = content, .id = static_cast<TokenId>(i)});
    }
    return SpecialTokens(std::move(tokens)).any(true);
  };
  CHECK(made(1, 512));
  CHECK_THROWS_WITH_AS(made(1, 513), doctest::Contains("added token 0 has 513 bytes"), InputError);
  CHECK(made(4096, 512));
  CHECK_THROWS_WITH_AS(made(4097, 512), doctest::Contains("2 MiB"), InputError);
}

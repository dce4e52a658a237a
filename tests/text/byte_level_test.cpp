#include <doctest/doctest.h>

#include <nvembed/text/byte_alphabet.hpp>
#include <nvembed/text/byte_level.hpp>
#include <set>
#include <string>
#include <vector>

using namespace nvembed::text;

namespace {
using Pieces = std::vector<std::string>;
Pieces pieces(Cut cut, const std::string& text) {
  Pieces out;
  for (std::size_t at = 0; at < text.size(); at += out.back().size())
    out.push_back(text.substr(at, cut_length(cut, text, at)));
  return out;
}
}  // namespace

TEST_CASE("GPT-2's words") {
  CHECK(pieces(Cut::gpt2, "I'm don't WE'LL they've") ==
        Pieces{"I", "'m", " don", "'t", " WE", "'", "LL", " they", "'ve"});
  CHECK(pieces(Cut::gpt2, "a  b   ") == Pieces{"a", " ", " b", "   "});
  CHECK(pieces(Cut::gpt2, "x12 34.5\n\n y") == Pieces{"x", "12", " 34", ".", "5", "\n\n", " y"});
  CHECK(pieces(Cut::gpt2, "a\u00a0b \u00bd\u2167\u0301") == Pieces{"a", "\u00a0", "b", " \u00bd\u2167", "\u0301"});
  CHECK(pieces(Cut::gpt2, "'") == Pieces{"'"});
}

TEST_CASE("Llama 3's and Qwen2's words") {
  CHECK(pieces(Cut::llama3, "WE'LL I'\u017Fx 12345 a") ==
        Pieces{"WE", "'LL", " I", "'\u017F", "x", " ", "123", "45", " a"});
  CHECK(pieces(Cut::qwen2, "x123 !?\r\n\r\nb") == Pieces{"x", "1", "2", "3", " !?\r\n\r\n", "b"});
  CHECK(pieces(Cut::llama3, "a \n \n  b") == Pieces{"a", " \n \n", " ", " b"});
  CHECK(pieces(Cut::llama3, "\tword.word\u00a0word") == Pieces{"\tword", ".word", "\u00a0word"});
  CHECK(pieces(Cut::llama3, "\nword  ") == Pieces{"\n", "word", "  "});
}

TEST_CASE("digits") {
  CHECK(pieces(Cut::digits, "a12\u00bdb") == Pieces{"a", "1", "2", "\u00bd", "b"});
  CHECK(pieces(Cut::digit_runs, "a12\u00bdb") == Pieces{"a", "12\u00bd", "b"});
}

TEST_CASE("published expressions are known, others are not") {
  const std::string head = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)";
  const std::string tail = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  CHECK(cut_of_regex(head + R"(\p{N}{1,3})" + tail) == Cut::llama3);
  CHECK(cut_of_regex(head + R"(\p{N})" + tail) == Cut::qwen2);
  CHECK(cut_of_regex(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)") == Cut::gpt2);
  CHECK(!cut_of_regex(head + R"(\p{N}{1,2})" + tail));
  CHECK(!cut_of_regex(""));
  for (const char* name : {"default", "gpt-2", "smollm", "llama-bpe", "llama3", "qwen2"}) {
    bool found = false;
    for (const auto& p : named_pre_tokenizers()) found = found || p.name == name;
    CHECK_MESSAGE(found, name);
  }
}

TEST_CASE("the byte alphabet spells every byte and is read back") {
  std::set<std::string> letters;
  for (int b = 0; b < 256; ++b) {
    const std::string letter = byte_letter(static_cast<unsigned char>(b));
    letters.insert(letter);
    CHECK(spelled_bytes(letter) == std::string(1, static_cast<char>(b)));
  }
  CHECK(letters.size() == 256);
  CHECK(byte_letter(' ') == "\u0120");
  CHECK(byte_letter('\n') == "\u010a");
  CHECK(byte_letter(0xAD) == "\u0143");
  CHECK(spelled_bytes("\u0120the") == " the");
  for (const char* outside : {" ", "\u4f60", "\u0144", "\xC4", "\xC4x"}) CHECK(!spelled_bytes(outside));
}

#include <doctest/doctest.h>

#include <nvembed/io/gguf.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/tokenizer_gguf.hpp>
#include <nvembed/io/tokenizer_json.hpp>
#include <support/golden.hpp>
#include <support/model.hpp>

using namespace nvembed;

namespace {

text::AnyTokenizer from_json(const std::string& name) { return tokenizer_from_json(golden::content(name), name); }

std::vector<TokenId> ids(const text::AnyTokenizer& t, const std::string& text, bool special) {
  std::vector<TokenId> out;
  t.encode(text, out, {.parse_special = special});
  return out;
}

/// All lines of a file: `ids` read with special strings parsed or plain, `ids_post` with the model's frame.
void check_lines(const text::AnyTokenizer& t, const std::string& file, bool special, std::size_t at_least) {
  const auto lines = golden::json_lines(file);
  CHECK(lines.size() >= at_least);
  for (const Json& line : lines) {
    const auto text = line["text"].get<std::string>();
    CAPTURE(text);
    const auto got = ids(t, text, special);
    CHECK(got == line["ids"].get<std::vector<TokenId>>());
    if (line.contains("ids_special")) CHECK(ids(t, text, true) == line["ids_special"].get<std::vector<TokenId>>());
    if (line.contains("ids_post")) {
      auto framed = t.before();
      framed.insert(framed.end(), got.begin(), got.end());
      framed.insert(framed.end(), t.after().begin(), t.after().end());
      CHECK(framed == line["ids_post"].get<std::vector<TokenId>>());
    }
  }
}

}  // namespace

TEST_CASE("Mistral's tokenizer.json") {
  const auto t = from_json("nvembed_tiny/tokenizer.json");
  check_lines(t, "tokenize_mistral.jsonl", false, 403);
  CHECK(t.vocab_size() == 32000);
  CHECK(t.before() == std::vector<TokenId>{1});
  CHECK(t.after().empty());
  CHECK(t.token(2) == "</s>");
  CHECK(t.find("</s>") == 2);
}

TEST_CASE("SmolLM2 from its GGUF") {
  const auto t = tokenizer_from_gguf(Gguf(model::smollm2()));
  check_lines(t, "tokenize_smollm2.jsonl", false, 403);
  CHECK(t.before().empty());
  CHECK(t.after().empty());
  CHECK(t.find("<|im_start|>") == 1);
}

TEST_CASE("small tokenizers made by the tokenizers package") {
  for (const char* name : {"gpt2", "smollm2", "llama3", "qwen2", "added_flags", "spm", "metaspace"}) {
    CAPTURE(name);
    const std::string base = std::string("tokenizers/") + name;
    check_lines(from_json(base + ".json"), base + ".expected.jsonl", true, 400);
  }
}

TEST_CASE("the same vocabularies from GGUF metadata") {
  check_lines(tokenizer_from_gguf(Gguf(golden::path("quant/llama.gguf"))), "tokenizers/spm.model.expected.jsonl", false,
              400);
  const auto smollm = tokenizer_from_gguf(Gguf(golden::path("quant/llama_bpe.gguf")));
  for (const Json& line : golden::json_lines("tokenizers/smollm2.expected.jsonl"))
    CHECK(ids(smollm, line["text"].get<std::string>(), true) == line["ids"].get<std::vector<TokenId>>());
}

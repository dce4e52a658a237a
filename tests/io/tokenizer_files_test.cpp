#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nvembed/io/tokenizer_files.hpp>
#include <support/golden.hpp>

namespace fs = std::filesystem;
using namespace nvembed;

TEST_CASE("a folder's tokenizer: BOS and EOS as its files say") {
  const text::AnyTokenizer t = read_tokenizer(golden::path("nvembed_tiny"));
  REQUIRE(t.bos());
  CHECK(t.token(*t.bos()) == "<s>");
  REQUIRE(t.eos());
  CHECK(t.token(*t.eos()) == "</s>");
  CHECK(t.find("</s>") == t.eos());
  CHECK_FALSE(t.find("no such token"));
}

TEST_CASE("a folder without tokenizer.json says what would help; a broken side file is named") {
  const fs::path dir = fs::temp_directory_path() / ("nvembed_tokenizer_" + std::to_string(::getpid()));
  fs::create_directories(dir);
  CHECK_THROWS_WITH_AS(read_tokenizer(dir), doctest::Contains("sentencepiece"), FileError);
  fs::copy_file(golden::path("nvembed_tiny/tokenizer.json"), dir / "tokenizer.json");
  CHECK(read_tokenizer(dir).before() == std::vector<TokenId>{1});  // the post-processor
  const auto refused = [&](const char* config, const char* what) {
    std::ofstream(dir / "tokenizer_config.json") << config;
    CHECK_THROWS_WITH_AS(read_tokenizer(dir), doctest::Contains(what), FileError);
  };
  refused("{", "tokenizer_config.json");
  refused(R"({"bos_token": 7})", "bos_token");
  refused(R"({"bos_token": {"text": "<s>"}})", "content");
  refused(R"({"eos_token": "<nowhere>"})", "<nowhere>");
  refused(R"({"tokenizer_class": "LlamaTokenizer", "add_bos_token": "yes"})", "add_bos_token");

  const auto most = [&](const char* value) {
    std::ofstream(dir / "tokenizer_config.json") << R"({"model_max_length": )" << value << "}";
    return read_model_max_length(dir);
  };
  CHECK(most("64") == 64);
  CHECK(most("1000000000000000019884624838656") == 0);  // transformers' "no limit"
  CHECK(most("null") == 0);
  CHECK_THROWS_AS(most("-1"), FileError);
  CHECK_THROWS_AS(most("\"many\""), FileError);
  fs::remove_all(dir);
}

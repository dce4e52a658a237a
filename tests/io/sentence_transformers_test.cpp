#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nvembed/core/error.hpp>
#include <nvembed/io/sentence_transformers.hpp>

namespace fs = std::filesystem;
using namespace nvembed;

namespace {

struct Folder {
  fs::path dir = fs::temp_directory_path() / ("nvembed_st_" + std::to_string(::getpid()));
  Folder() { fs::create_directories(dir / "1_Pooling"); }
  ~Folder() { fs::remove_all(dir); }
  void write(const std::string& name, const std::string& content) const { std::ofstream(dir / name) << content; }
  /// As the Sentence-Transformers package writes it.
  void modules(bool normalize = true) const {
    write("modules.json",
          R"([{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
              {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"})" +
              std::string(normalize ? R"(, {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"})"
                                    : "") +
              "]");
  }
  void refused(const std::string& what) const {
    CHECK_THROWS_WITH_AS(read_sentence_transformers(dir), doctest::Contains(what.c_str()), FileError);
  }
};

}  // namespace

TEST_CASE("Sentence-Transformers files: absent, small, whole") {
  const Folder f;
  CHECK_FALSE(read_sentence_transformers(f.dir).present);
  f.modules(false);
  f.write("1_Pooling/config.json", R"({"word_embedding_dimension": 8, "pooling_mode_mean_tokens": true})");
  const auto small = read_sentence_transformers(f.dir);
  CHECK(small.present);
  CHECK(small.pool == "mean");
  CHECK(small.include_prompt);
  CHECK_FALSE(small.normalize);
  CHECK(small.max_length == 0);
  CHECK(small.prompts.empty());

  f.modules();
  f.write("1_Pooling/config.json", R"({"pooling_mode": "lasttoken", "include_prompt": false})");
  f.write("sentence_bert_config.json", R"({"max_seq_length": 77, "do_lower_case": false})");
  f.write("config_sentence_transformers.json", R"({"prompts": {"query": "q: ", "passage": ""}})");
  const auto whole = read_sentence_transformers(f.dir);
  CHECK(whole.pool == "last_token");
  CHECK(whole.normalize);
  CHECK_FALSE(whole.include_prompt);
  CHECK(whole.max_length == 77);
  CHECK(whole.prompts.at("query") == "q: ");
  CHECK(whole.prompts.at("passage") == "");
  CHECK(whole.default_prompt == "");
}

TEST_CASE("Sentence-Transformers files: what is broken or not supported is named by file") {
  const Folder f;
  f.modules();
  f.refused("1_Pooling/config.json");  // not there
  f.write("1_Pooling/config.json", R"({"pooling_mode": 3})");
  f.refused("pooling_mode");
  f.write("1_Pooling/config.json", R"({"pooling_mode": "mean"})");
  f.write("config_sentence_transformers.json", R"({"prompts": ["query"]})");
  f.refused("prompts");
  f.write("config_sentence_transformers.json", R"({"prompts": {"query": 1}})");
  f.refused("query");
  f.write("config_sentence_transformers.json", R"({"prompts": {"a": "b"}, "default_prompt_name": "query"})");
  f.refused("default_prompt_name 'query'");
  f.write("config_sentence_transformers.json", "{}");
  f.write("sentence_bert_config.json", R"({"max_seq_length": -5})");
  f.refused("max_seq_length");
  f.write("sentence_bert_config.json", R"({"do_lower_case": true})");
  f.refused("do_lower_case");
  f.write("sentence_bert_config.json", "{}");
  f.write("modules.json", "{}");
  f.refused("modules.json");
  f.write("modules.json", R"([{"path": ""}])");
  f.refused("type");
  f.write("modules.json", R"([{"type": "sentence_transformers.models.Pooling", "path": "/etc"}])");
  f.refused("leaves the folder");
  f.write("modules.json", R"([{"type": "sentence_transformers.models.Transformer", "path": ""}])");
  f.refused("no Pooling module");
}

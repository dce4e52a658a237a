#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nvembed/core/memory.hpp>
#include <nvembed/eigen/backend.hpp>
#include <nvembed/embed/load.hpp>
#include <nvembed/embed/model_files.hpp>
#include <nvembed/io/json.hpp>
#include <string>
#include <support/golden.hpp>

namespace fs = std::filesystem;
using namespace nvembed;

namespace {

/// A model folder of this test's own: a small Mistral with a tokenizer, to which side files are added.
struct Folder {
  fs::path dir = fs::temp_directory_path() / ("nvembed_model_" + std::to_string(::getpid()));
  Folder() {
    fs::create_directories(dir / "1_Pooling");
    for (const char* f : {"config.json", "model.safetensors"})
      fs::copy(golden::path(std::string("decoders/mistral_window/") + f), dir / f);
    for (const char* f : {"tokenizer.json", "tokenizer_config.json"})
      fs::copy(golden::path(std::string("nvembed_tiny/") + f), dir / f);
  }
  ~Folder() { fs::remove_all(dir); }
  void write(const std::string& name, const std::string& content) const { std::ofstream(dir / name) << content; }
  void modules(const char* pooling) const {
    write("modules.json", R"([{"type": "sentence_transformers.models.Transformer", "path": ""},
                              {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
                              {"type": "sentence_transformers.models.Normalize", "path": "2_Normalize"}])");
    write("1_Pooling/config.json", pooling);
  }
};

}  // namespace

TEST_CASE("a bare decoder folder: bidirectional and mean, with a notice") {
  const Folder f;
  const ModelFiles m = open_model(f.dir);
  CHECK(m.bare);
  CHECK(m.mask.str() == "bidirectional");
  CHECK(m.pool == "mean");
  CHECK_FALSE(m.notices.empty());
  CHECK(m.settings.compat == Compat::exact);
  CHECK(m.settings.max_length == 512);
  CHECK(m.tokenizer.before() == std::vector<TokenId>{1});
  CHECK(m.tokenizer.after().empty());
}

TEST_CASE("a Sentence-Transformers folder is obeyed: its mask, pooling, prompts and length") {
  const Folder f;
  f.modules(
      R"({"word_embedding_dimension": 64, "pooling_mode_cls_token": false, "pooling_mode_lasttoken": true, "include_prompt": false})");
  f.write("config_sentence_transformers.json",
          R"({"prompts": {"query": "Find: ", "passage": ""}, "default_prompt_name": "query"})");
  f.write("sentence_bert_config.json", R"({"max_seq_length": 99})");
  const ModelFiles m = open_model(f.dir);
  CHECK_FALSE(m.bare);
  CHECK(m.mask.str() == "causal&window:6,0");
  CHECK(m.pool == "last_token");
  CHECK(m.normalize);
  CHECK_FALSE(m.settings.pool_prompt);
  CHECK(m.settings.max_length == 99);
  CHECK(m.settings.prompts.at("query") == "Find: ");
  CHECK(m.settings.default_prompt == "query");

  f.modules(R"({"pooling_mode": "weightedmean"})");  // newer spelling; prompts are pooled unless said otherwise
  CHECK(open_model(f.dir).pool == "weighted_mean");
  CHECK(open_model(f.dir).settings.pool_prompt);
  for (const char* unsupported : {R"({"pooling_mode_cls_token": true})", R"({"pooling_mode": "max"})", "{}",
                                  R"({"pooling_mode_lasttoken": true, "pooling_mode_mean_tokens": true})"}) {
    f.modules(unsupported);
    CHECK_THROWS_WITH_AS(open_model(f.dir), doctest::Contains("1_Pooling"), FileError);
  }
  f.write("modules.json", R"([{"type": "sentence_transformers.models.Dense", "path": "2_Dense"}])");
  CHECK_THROWS_WITH_AS(open_model(f.dir), doctest::Contains("Dense"), FileError);
  f.write("modules.json", R"([{"type": "sentence_transformers.models.Pooling", "path": "../elsewhere"}])");
  CHECK_THROWS_WITH_AS(open_model(f.dir), doctest::Contains("leaves the folder"), FileError);
}

TEST_CASE("tokenizer_config.json: who adds BOS and EOS") {
  const Folder f;
  const auto frame = [&](const char* flags) {
    f.write("tokenizer_config.json",
            std::string(R"({"bos_token": "<s>", "eos_token": {"content": "</s>"})") + flags + "}");
    const ModelFiles m = open_model(f.dir);
    return std::pair(m.tokenizer.before(), m.tokenizer.after());
  };
  using Ids = std::vector<TokenId>;
  CHECK(frame(R"(, "tokenizer_class": "LlamaTokenizer", "add_bos_token": true, "add_eos_token": true)") ==
        std::pair(Ids{1}, Ids{2}));
  CHECK(frame(R"(, "tokenizer_class": "LlamaTokenizer", "add_bos_token": false)") == std::pair(Ids{}, Ids{}));
  CHECK(frame(R"(, "tokenizer_class": "PreTrainedTokenizerFast", "add_eos_token": true)") == std::pair(Ids{1}, Ids{}));
  f.write("tokenizer_config.json", R"({"eos_token": "<nowhere>"})");
  CHECK_THROWS_WITH_AS(open_model(f.dir), doctest::Contains("<nowhere>"), FileError);
}

TEST_CASE("what a model is: its digest follows its config and tokenizer, its identity how prompts are pooled") {
  const Folder f;
  f.write("config_sentence_transformers.json", R"({"prompts": {"query": "Find: "}, "default_prompt_name": "query"})");
  f.modules(R"({"pooling_mode": "mean"})");
  const std::string digest = open_model(f.dir).digest();
  const auto model = load<eigen::Backend>(f.dir);
  CHECK(model.identity().at("prompt") == "Find: ");
  CHECK(model.identity({.prefix = ""}).at("prompt") == "");  // none at all
  CHECK(model.fingerprint({.prefix = ""}) != model.fingerprint());
  CHECK(model.tokenize("x", {.prefix = ""}).text.ids.size() < model.tokenize("x").text.ids.size());

  f.modules(R"({"pooling_mode": "mean", "include_prompt": false})");
  CHECK(open_model(f.dir).digest() == digest);
  CHECK(load<eigen::Backend>(f.dir).fingerprint() != model.fingerprint());

  f.write("tokenizer_config.json", R"({"model_max_length": 77})");
  CHECK(open_model(f.dir).settings.max_length == 77);
  CHECK(open_model(f.dir).digest() != digest);
  f.write("sentence_bert_config.json", R"({"max_seq_length": 99})");  // goes before it
  CHECK(open_model(f.dir).settings.max_length == 99);
  Json config = Json::parse(golden::content("decoders/mistral_window/config.json"));
  config["rope_parameters"]["rope_theta"] = 100;
  const std::string before = open_model(f.dir).digest();
  f.write("config.json", config.dump());
  CHECK(open_model(f.dir).digest() != before);
}

TEST_CASE(
    "a tensor that the model has no place for is refused; weights that are no numbers never come out as vectors") {
  struct Source {
    std::vector<std::string> keys() const { return {"norm.weight", extra}; }
    std::vector<std::string> paths() const { return {"some.gguf"}; }
    std::string extra;
  };
  const Folder f;
  const ModelFiles m = open_model(f.dir);
  Decoder<eigen::Backend, mask::Any> decoder(m.decoder, m.mask);
  refuse_unknown_layers(decoder, m.weights);
  refuse_unknown_layers(decoder, Source{"layers.0.self_attn.rotary_emb.inv_freq"});
  CHECK_THROWS_WITH_AS(refuse_unknown_layers(decoder, Source{"layers.0.self_attn.k_proj.bias"}),
                       doctest::Contains("some.gguf holds layers.0.self_attn.k_proj.bias"), FileError);

  const auto spoil = [&](const RawWeight& w) {
    const auto at = w.bytes.data() - m.weights.safetensors()->files()[0].bytes().data();
    std::string file = golden::content("decoders/mistral_window/model.safetensors");
    for (std::size_t i = 0; i < w.bytes.size(); ++i) file[static_cast<std::size_t>(at) + i] = '\xFF';
    f.write("model.safetensors", file);
  };
  const auto& c = m.decoder;
  const RawWeight norm = m.weights.get("norm.weight", 1, c.hidden_size),
                  down = m.weights.get("layers.0.mlp.down_proj.weight", c.hidden_size, c.intermediate_size);
  spoil(norm);
  CHECK_THROWS_WITH_AS(load<eigen::Backend>(f.dir), doctest::Contains("norm.weight holds a number that is not finite"),
                       FileError);
  spoil(down);
  const auto broken = load<eigen::Backend>(f.dir);
  const std::vector<TokenizedText> one{{{5, 6}, 0, 0}};
  CHECK_THROWS_WITH_AS(broken.encode(one), doctest::Contains("not finite"), Error);
  CHECK_THROWS_WITH_AS(broken.encode_tokens(one), doctest::Contains("not finite"), Error);
  const std::vector<TokenizedText> two{{}, {{5, 6}, 0, 0}};
  CHECK_THROWS_WITH_AS(broken.encode(two, {.on_empty = OnEmpty::zero}), doctest::Contains("(text 1)"), Error);
}

TEST_CASE("memory: a pass longer than a load counts on is held against what is left") {
  const Folder f;
  const auto model = load<eigen::Backend>(f.dir);
  const std::vector<TokenizedText> texts{{{5, 6}, 0, 0}, {std::vector<TokenId>(3000, 5), 0, 0}};
  EncodeOptions o{.free_memory = [] { return 1000; }};
  CHECK_THROWS_WITH_AS(model.encode(texts, o), doctest::Contains("3000 tokens at once"), MemoryError);
  CHECK_THROWS_WITH_AS(model.encode(texts, o), doctest::Contains("(text 1)"), MemoryError);
  CHECK_THROWS_AS(model.encode_tokens(texts, o), MemoryError);

  // Of several texts no one is to blame.
  const std::vector<TokenizedText> two{texts[1], texts[1]};
  o.batch_tokens = 6000;
  CHECK_THROWS_WITH_AS(model.encode(two, o), doctest::Contains("6000 tokens at once"), MemoryError);
  CHECK_THROWS_WITH_AS(model.encode(two, o), doctest::Contains("a lower batch_tokens helps"), MemoryError);
  try {
    model.encode(two, o);
  } catch (const MemoryError& e) {
    CHECK_FALSE(e.text());
  }

  // What one pass keeps for the next is not free then, and yet there for it.
  o.batch_tokens = 2048;
  Index free = 0;
  o.free_memory = [&] { return std::exchange(free, 1000); };
  free = activation_bytes(model.config(), 3000);
  CHECK(model.encode(two, o).rows == 2);
  free = activation_bytes(model.config(), 3000);
  CHECK(model.encode_tokens(two, o).offsets.back() == 6000);
}

TEST_CASE("memory: an estimate before loading, and what is free") {
  const ModelFiles m = open_model(golden::path("nvembed_tiny"));
  CHECK(m.parameters() == 2261376);
  CHECK(m.weight_bytes(Precision::f32) > 4 * 2000000);
  CHECK(m.weight_bytes(Precision::f32) < 4 * m.parameters());  // the head is folded
  CHECK(m.activation_bytes(2000) == 2 * m.activation_bytes(1000));
  CHECK(available_memory() > 0);

  // Too little: both numbers, before anything is allocated.
  LoadOptions o;
  o.memory_limit = m.weight_bytes(Precision::f32);  // nothing left for a batch
  CHECK_THROWS_WITH_AS(load<eigen::Backend>(golden::path("nvembed_tiny"), o), doctest::Contains(" MiB is available"),
                       MemoryError);
  o.memory_limit += m.activation_bytes(default_batch_tokens);
  CHECK(load<eigen::Backend>(golden::path("nvembed_tiny"), o).dim() == 64);
}

TEST_CASE("precision `auto`: f32 where it fits, then 16 bits, bf16 where the file has it, then int8") {
  const Folder f;  // stored in bf16
  const ModelFiles brain = open_model(f.dir), half = open_model(golden::path("nvembed_tiny"));
  for (const ModelFiles* m : {&brain, &half}) {
    const Index work = m->activation_bytes(default_batch_tokens);
    const auto choose = [&](const char* asked, Index free) { return choose_precision(*m, asked, work + free); };
    const Precision sixteen = m == &brain ? Precision::bf16 : Precision::f16;
    CHECK(choose("auto", m->weight_bytes(Precision::f32)) == Precision::f32);
    CHECK(choose("auto", m->weight_bytes(Precision::f32) - 1) == sixteen);
    CHECK(choose("auto", m->weight_bytes(sixteen) - 1) == Precision::int8);
    CHECK(choose("", m->weight_bytes(Precision::f32)) == Precision::f32);
    CHECK(choose("", 0) == sixteen);  // what is stored
    CHECK(choose("int8", m->weight_bytes(Precision::f32)) == Precision::int8);
    CHECK_THROWS_AS(choose("half", 0), InputError);
  }
}

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/io/config.hpp>
#include <nvembed/io/gguf.hpp>
#include <nvembed/io/safetensors.hpp>
#include <nvembed/io/tokenizer_gguf.hpp>
#include <nvembed/io/weights.hpp>
#include <string>
#include <support/golden.hpp>

// Files come from strangers: whatever is wrong with one is an Error that names it, never a crash or a huge allocation.

namespace fs = std::filesystem;
using namespace nvembed;

namespace {

struct Scratch {
  fs::path dir = fs::temp_directory_path() / ("nvembed_hostile_" + std::to_string(::getpid()));
  Scratch() { fs::create_directories(dir); }
  ~Scratch() { fs::remove_all(dir); }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(dir / name, std::ios::binary) << content;
    return (dir / name).string();
  }
};

std::string safetensors(const std::string& header, std::size_t data, std::uint64_t length = 0) {
  if (!length) length = header.size();
  std::string s(8, '\0');
  std::memcpy(s.data(), &length, 8);
  return s + header + std::string(data, 'x');
}

/// Opens a file whole: every weight of it is asked for and its rows are looked at.
void read_all(const std::string& path) {
  const Weights weights(path);
  for (const std::string& key : weights.keys()) (void)weights.has(key);
  if (const Gguf* g = weights.gguf()) {
    for (const auto& [name, tensor] : g->tensors()) {
      const RawWeight w = g->weight(name);
      std::vector<float> row(static_cast<std::size_t>(w.cols));
      if (w.rows > 0) dequantize_row(w, w.rows - 1, row.data());
    }
    (void)config_from_gguf(*g);
    if (g->has("tokenizer.ggml.model")) {
      std::vector<TokenId> ids;
      tokenizer_from_gguf(*g).encode("A few words, 東京 and </s>.", ids, {.parse_special = true});
    }
  }
}

void check_refused(const Scratch& s, const std::string& content, const char* what) {
  const std::string path = s.write("model.safetensors", content);
  CAPTURE(std::string(what));
  CHECK_THROWS_WITH_AS(Safetensors{path}, doctest::Contains("model.safetensors"), FileError);
}

/// Every outcome but an Error or success fails the test (a crash by itself, anything else thrown here).
bool survives(const std::function<void()>& f) {
  try {
    f();
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

TEST_CASE("safetensors that lie are refused by name") {
  const Scratch s;
  const auto one = [](const char* entry) { return std::string("{\"a\":") + entry + "}"; };
  check_refused(s, "", "empty");
  check_refused(s, "short", "shorter than its length field");
  check_refused(s, safetensors("{}", 0, 1000), "header longer than the file");
  check_refused(s, safetensors("{}", 0, std::uint64_t{1} << 63), "header of 2^63 bytes");
  check_refused(s, safetensors("{}", 0, ~std::uint64_t{0}), "header of 2^64 - 1 bytes");
  check_refused(s, safetensors("{\"a\":", 0), "no JSON");
  check_refused(s, safetensors(std::string(100000, '[') + std::string(100000, ']'), 0), "nested 10^5 deep");
  check_refused(s, safetensors(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,16]})"), 16),
                "shape and bytes differ");
  check_refused(s, safetensors(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), 4), "cut short");
  check_refused(s, safetensors(one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), 8), "reversed");
  check_refused(s, safetensors(one(R"({"dtype":"F32","shape":[2],"data_offsets":[-8,0]})"), 8), "negative");
  check_refused(
      s, safetensors(one(R"({"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]})"), 8),
      "overflow");
  check_refused(s, safetensors(one(R"({"dtype":"F32","shape":"many","data_offsets":[0,8]})"), 8),
                "shape of another kind");
  check_refused(
      s,
      safetensors(
          R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
          12),
      "overlap");
  check_refused(
      s,
      safetensors(
          R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
          8),
      "a name twice");
  // A dtype that is not known is an error where the tensor is used: files may hold more than weights.
  const Safetensors other(
      s.write("other.safetensors", safetensors(one(R"({"dtype":"X9","shape":[2],"data_offsets":[0,8]})"), 8)));
  CHECK_THROWS_WITH_AS(other.weight("a"), doctest::Contains("X9"), FileError);
}

TEST_CASE("an index that lies is refused") {
  const Scratch s;
  s.write("one.safetensors",
          safetensors(R"({"embed_tokens.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}})", 16));
  const auto open = [&](const std::string& index) { Safetensors{s.write("model.safetensors.index.json", index)}; };
  open(R"({"weight_map":{"embed_tokens.weight":"one.safetensors"}})");
  CHECK_THROWS_WITH_AS(open(R"({"weight_map":{"a":"missing.safetensors"}})"), doctest::Contains("missing.safetensors"),
                       FileError);
  CHECK_THROWS_WITH_AS(open(R"({"weight_map":{"b":"one.safetensors"}})"), doctest::Contains("b"), FileError);
  CHECK_THROWS_AS(open(R"({"weight_map":{"a":"../one.safetensors"}})"), FileError);
  CHECK_THROWS_AS(open(R"({"weight_map":{"a":"/etc/passwd"}})"), FileError);
  CHECK_THROWS_AS(open(R"({"weight_map":[1]})"), FileError);
  CHECK_THROWS_AS(open("{}"), FileError);
}

TEST_CASE("weights: a tensor that is missing or of another shape is named with both shapes") {
  const Weights w(golden::path("nvembed_tiny"));
  CHECK_THROWS_WITH_AS(w.get("layers.9.mlp.up_proj.weight", 160, 64), doctest::Contains("layers.9.mlp.up_proj.weight"),
                       FileError);
  CHECK_THROWS_WITH_AS(w.get("layers.0.mlp.up_proj.weight", 161, 64), doctest::Contains("(160, 64)"), FileError);
  for (const char* path : {"/dev/zero", "/dev/null", "/nonexistent", "/"}) CHECK_THROWS_AS(Weights{path}, FileError);
}

TEST_CASE("GGUF: cut at any length, or with any byte changed, is an Error or a model") {
  const Scratch s;
  const std::string whole = golden::content("quant/llama_bpe.gguf");
  const std::size_t header = whole.size() > 40000 ? 40000 : whole.size();
  for (std::size_t n = 0; n < whole.size(); n += n < 2000 ? 1 : 997)
    CHECK_FALSE(survives([&] { read_all(s.write("cut.gguf", whole.substr(0, n))); }));
  const CounterRng rng(7);
  int models = 0;
  for (std::uint64_t i = 0; i < 1500; ++i) {
    std::string changed = whole;
    const std::size_t at = rng.at(i).at(0).bits() % (i % 2 ? header : 400);
    changed[at] = static_cast<char>(rng.at(i).at(1).bits());
    models += survives([&] { read_all(s.write("changed.gguf", changed)); });
  }
  CHECK(models > 0);
}

TEST_CASE("safetensors: any byte of the header changed is an Error or a file") {
  const Scratch s;
  const std::string whole = golden::content("latent/model.safetensors");
  std::uint64_t length;
  std::memcpy(&length, whole.data(), 8);
  const CounterRng rng(8);
  for (std::uint64_t i = 0; i < 1500; ++i) {
    std::string changed = whole;
    changed[rng.at(i).at(0).bits() % (length + 8)] = static_cast<char>(rng.at(i).at(1).bits());
    survives([&] {
      const Safetensors file(s.write("changed.safetensors", changed));
      for (const std::string& name : file.names()) survives([&] { (void)file.weight(name); });
    });
  }
}

TEST_CASE("GGUF counts that lie allocate nothing") {
  const Scratch s;
  const std::string whole = golden::content("quant/llama_bpe.gguf");
  for (const std::size_t field : {8, 16})  // tensor count, metadata count
    for (const std::uint64_t count : {std::uint64_t{1} << 60, ~std::uint64_t{0}, std::uint64_t{1} << 31}) {
      std::string changed = whole;
      std::memcpy(changed.data() + field, &count, 8);
      CHECK_THROWS_WITH_AS(Gguf{s.write("lie.gguf", changed)}, doctest::Contains("lie.gguf"), FileError);
    }
}

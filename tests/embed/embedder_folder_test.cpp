#include <doctest/doctest.h>

#include <filesystem>
#include <nvembed/eigen/backend.hpp>
#include <nvembed/embed/load.hpp>
#include <nvembed/embed/save_embedder.hpp>
#include <nvembed/io/load_adapter.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/sha256.hpp>
#include <nvembed/nn/attach_lora.hpp>
#include <string>
#include <support/adapter.hpp>
#include <support/backends.hpp>
#include <support/compare.hpp>
#include <support/model.hpp>
#include <support/scratch.hpp>

namespace fs = std::filesystem;
using namespace nvembed;
using B = eigen::Backend;

namespace {

const std::vector<Text> texts{{"Low-rank updates of a frozen matrix."}, {"x"}, {"What is judo?", "Find the answer"}};

nn::LoraOptions lora() {
  nn::LoraOptions o;
  o.rank = 3;
  return o;
}

/// A model as training leaves it, over `files`: updates on all linears, a head of its own, some decoder tensors
/// trained.
struct Tuned {
  ModelFiles files;
  EmbedderOf<B, float> model;

  Tuned(const B& be, const std::string& path, bool with_head, bool with_weights) : files(open_model(path)) {
    model.body = Decoder<B, mask::Any>(files.decoder, files.mask);
    if (with_weights) model.body.layers[0].mlp.down_proj.unfreeze();
    load_weights(be, model.body, files.weights);
    nn::attach_lora(be, model.body, lora());
    adapters::randomise(be, model.body, 5);
    if (!with_head) {
      model.pool = pool::Mean{};
      return;
    }
    const Index dim = files.decoder.hidden_size;
    pool::LatentAttention<B> head(
        {.num_latents = 6, .num_heads = 3, .head_dim = 8, .hidden_dim = dim, .latent_dim = dim, .mult = 2});
    nn::for_each_linear(head, [](const std::string&, auto& linear) { linear.unfreeze(); });
    auto lane = be.make_lane();
    std::uint64_t seed = 100;
    for_each_leaf(head, [&](const std::string&, auto& leaf) {
      if constexpr (requires { leaf.value.flat(); }) {
        const Parts& d = leaf.declared;
        const Shape shape = d.cols == 1 ? Shape{1, d.rows()} : Shape{d.rows(), d.cols};
        std::vector<float> values = parity::random<float>(shape.size(), ++seed);
        for (float& v : values) v *= 0.3F;
        leaf.value = Tensor<B, float>::from_host(lane, shape, values);
      }
    });
    model.pool = std::move(head);
  }

  EmbedderFolder save(const B& be, const fs::path& folder) const {
    EmbedderFolder e = describe_embedder(files, folder);
    e.settings.query_template = "Task: {instruction}\nQuery: ";
    e.settings.prompts = {{"query", "Q: "}};
    e.settings.max_length = 77;
    return save_embedder(be, model, std::move(e), lora(), folder, [](const std::string& name, const auto& p) {
      return name == "layers.0.mlp.down_proj.weight" && p.value;
    });
  }

  /// Vectors of the model as it is in memory, unmerged and unfolded.
  std::vector<float> vectors(const B& be, const fs::path& folder) const {
    const ModelFiles saved = open_model(folder);
    const InputBuilder inputs(saved.tokenizer, saved.settings);
    std::vector<TokenizedText> tokens;
    for (const Text& t : texts) tokens.push_back(inputs.build(t, {}).text);
    Eval<B> cx(be);
    return model(cx, Packed(tokens)).to_host(cx.lane());
  }
};

template <class Back>
std::vector<float> encode(const fs::path& folder, const LoadOptions& options = {}) {
  return load<Back>(folder, options).encode(texts).values;
}

/// A folder of nvembed_tiny's that a test may move about.
fs::path copy_base(const Scratch& s, const std::string& name) {
  fs::copy(golden::path("nvembed_tiny"), s.dir / name, fs::copy_options::recursive);
  return s.dir / name;
}

}  // namespace

TEST_CASE_TEMPLATE("what training leaves is loaded merged and folded, and gives the same vectors", Back,
                   NVEMBED_TEST_BACKENDS) {
  const B be(2);
  for (const bool with_head : {false, true})
    for (const bool with_weights : {false, true}) {
      CAPTURE(with_head);
      CAPTURE(with_weights);
      const Scratch s;
      const fs::path base = copy_base(s, "base"), out = s.dir / "out";
      const Tuned tuned(be, base.string(), with_head, with_weights);
      const EmbedderFolder e = tuned.save(be, out);
      CHECK(e.adapter.has_value());
      CHECK(e.head.has_value() == with_head);
      CHECK(e.weights.has_value() == with_weights);
      CHECK(e.base.path == "../base");
      const auto got = encode<Back>(out);
      CHECK(max_abs_difference(got, tuned.vectors(be, out)) < 1e-5);
      CHECK(max_abs_difference(got, encode<Back>(base)) > 1e-2);
    }
}

TEST_CASE("a head and an adapter over a GGUF file") {
  const B be(2);
  const Scratch s;
  const Tuned tuned(be, model::smollm2(), true, false);
  tuned.save(be, s.dir);
  const ModelFiles m = open_model(s.dir);
  CHECK(m.pool == "latent_attention");
  CHECK_FALSE(m.bare);
  CHECK(m.notices.empty());
  CHECK(max_abs_difference(encode<B>(s.dir), tuned.vectors(be, s.dir)) < 1e-5);

  // The update is not rounded into the file's own blocks, nor into E4M3.
  const auto exact = encode<B>(s.dir);
  for (const auto& [precision, least] : {std::pair("q4", 0.9999), std::pair("int8", 0.9995), std::pair("fp8", 0.99)}) {
    CAPTURE(std::string(precision));
    LoadOptions options;
    options.precision = precision;
    CHECK(cosine(encode<B>(s.dir, options), exact) > least);  // rounded anew: 0.9 and less
  }

  Json j = Json::parse(read_file(s.path("nvembed.json")));
  j["head"] = nullptr;
  s.write("nvembed.json", j.dump());
  CHECK_THROWS_WITH_AS(open_model(s.dir), doctest::Contains("neither the folder nor its base has such a head"),
                       FileError);
}

TEST_CASE("nvembed.json is read as it was written") {
  const B be(1);
  const Scratch s;
  const fs::path base = copy_base(s, "base"), out = s.dir / "out";
  const Tuned tuned(be, base.string(), true, true);
  const EmbedderFolder e = tuned.save(be, out), r = read_embedder_folder(out);
  CHECK(r.base.path == e.base.path);
  CHECK(r.base.name == "base");
  CHECK(r.base.size == e.base.size);
  CHECK(r.base.digest == e.base.digest);
  CHECK(r.head->digest == e.head->digest);
  CHECK(r.latent->num_heads == 3);
  CHECK(r.pool == "latent_attention");
  CHECK(r.settings.query_template == "Task: {instruction}\nQuery: ");
  CHECK(r.settings.prompts.at("query") == "Q: ");
  CHECK(r.settings.max_length == 77);
  const ModelFiles m = open_model(out);
  CHECK(m.settings.max_length == 77);
  CHECK(m.base.filename() == "base");
  CHECK(m.adapter->options().rank == 3);
  CHECK(m.paths().size() == tuned.files.paths().size() + 5);
  const std::string whole = describe_base(base, out, true).sha256.at("model-00001-of-00003.safetensors");
  CHECK(whole == sha256_of_file((base / "model-00001-of-00003.safetensors").string()));

  // What a model is follows its adapter, its head and the head's shape.
  const std::string digest = m.digest();
  CHECK(digest != open_model(base).digest());
  const auto with = [&](const char* file, const std::string& from, const std::string& to) {
    std::string text = read_file((out / file).string());
    const auto at = text.find(from);
    REQUIRE(at != text.npos);
    text.replace(at, from.size(), to);
    write_file((out / file).string(), text);
  };
  with("adapter_config.json", "\"lora_alpha\": 32", "\"lora_alpha\": 16");
  CHECK(open_model(out).digest() != digest);
  with("adapter_config.json", "\"lora_alpha\": 16", "\"lora_alpha\": 32");
  CHECK(open_model(out).digest() == digest);
  with("nvembed.json", "\"head_dim\": 8", "\"head_dim\": 12");
  with("nvembed.json", "\"num_heads\": 3", "\"num_heads\": 2");
  CHECK(open_model(out).digest() != digest);
}

TEST_CASE("where a base is found") {
  const B be(1);
  const Scratch s;
  const fs::path base = copy_base(s, "base"), out = s.dir / "out", cache = s.dir / "cache";
  fs::create_directory(cache);
  const Tuned tuned(be, base.string(), false, false);
  tuned.save(be, out);
  LoadOptions options;
  options.cache = cache.string();
  CHECK(open_model(out, options).base == base);
  fs::rename(s.dir / "out", s.dir / "moved");  // together they may move
  CHECK(open_model(s.dir / "moved", options).base == base);
  fs::rename(s.dir / "moved", out);

  fs::rename(base, s.dir / "elsewhere");
  CHECK_THROWS_WITH_AS(open_model(out, options), doctest::Contains("its base base was looked for at"), FileError);
  CHECK_THROWS_WITH_AS(open_model(out, options), doctest::Contains("--base PATH"), FileError);
  options.base = (s.dir / "elsewhere").string();
  CHECK(open_model(out, options).base == options.base);
  options.base.clear();
  fs::rename(s.dir / "elsewhere", cache / "base");
  CHECK(open_model(out, options).base == cache / "base");
  fs::rename(cache / "base", cache / "under-another-name");
  CHECK(open_model(out, options).base == cache / "under-another-name");

  // Another model is not taken for it: by size, by digest.
  options.base = golden::path("decoders/qwen2");
  CHECK_THROWS_WITH_AS(open_model(out, options), doctest::Contains("bytes of weights, the base had"), FileError);
  options.base.clear();
  fs::rename(cache / "under-another-name", base);
  {
    const std::string shard = (base / "model-00002-of-00003.safetensors").string();
    std::string bytes = read_file(shard);
    const Safetensors opened(shard);
    const auto& entry = opened.entries().begin()->second;
    const auto middle =
        static_cast<std::size_t>(entry.bytes.data() - opened.files()[0].bytes().data()) + entry.bytes.size() / 2;
    bytes[middle] = static_cast<char>(bytes[middle] ^ 1);
    write_file(shard, bytes);
  }
  CHECK_THROWS_WITH_AS(open_model(out, options), doctest::Contains("has the digest"), FileError);
  options.base = base.string();
  CHECK_THROWS_WITH_AS(open_model(out, options), doctest::Contains("was made for the base base"), FileError);
  CHECK_THROWS_WITH_AS(open_model(base, options), doctest::Contains("has no base"), InputError);
}

TEST_CASE("a bare adapter's folder over its base") {
  const B be(2);
  const Scratch s;
  const fs::path base = copy_base(s, "base"), out = s.dir / "adapter";
  const Tuned tuned(be, base.string(), false, false);
  save_adapter(be, tuned.model.body, lora(), out, "../base");
  const ModelFiles m = open_model(out);
  CHECK(m.pool == "latent_attention");  // the base's own
  CHECK(m.adapter.has_value());
  CHECK_FALSE(m.embedder.has_value());
  const auto got = encode<B>(out);
  CHECK(max_abs_difference(got, encode<B>(base)) > 1e-2);
  CHECK(load<B>(out).fingerprint() != load<B>(base).fingerprint());
  fs::rename(base, s.dir / "elsewhere");
  LoadOptions options;
  options.cache = s.path("none");
  CHECK_THROWS_WITH_AS(open_model(out, options), doctest::Contains("its base base was looked for"), FileError);
  options.base = s.path("elsewhere");
  CHECK(encode<B>(out, options) == got);
  options.base = golden::path("decoders/mistral_window");  // has no tokenizer
  CHECK_THROWS_AS(open_model(out, options), FileError);
  options.base = model::smollm2();
  CHECK_THROWS_WITH_AS(load<B>(out, options), doctest::Contains("for another base"), FileError);
  fs::copy(s.dir / "elsewhere" / "model.safetensors.index.json", out / "model.safetensors.index.json");
  CHECK_THROWS_WITH_AS(open_model(out), doctest::Contains("both a model and an adapter"), FileError);
}

TEST_CASE("a folder whose files do not belong together, or are broken") {
  const B be(1);
  const Scratch s;
  const fs::path base = copy_base(s, "base"), out = s.dir / "out";
  const Tuned tuned(be, base.string(), true, true);
  tuned.save(be, out);
  CHECK_NOTHROW(open_model(out));
  for (const char* file : {"head.safetensors", "weights.safetensors", "adapter_model.safetensors"}) {
    CAPTURE(file);
    const std::string path = (out / file).string(), whole = read_file(path);
    std::string other = whole;
    const Safetensors opened(path);
    const auto& entry = opened.entries().begin()->second;
    const auto middle =
        static_cast<std::size_t>(entry.bytes.data() - opened.files()[0].bytes().data()) + entry.bytes.size() / 2;
    other[middle] = static_cast<char>(other[middle] ^ 1);
    write_file(path, other);
    CHECK_THROWS_WITH_AS(open_model(out), doctest::Contains("is not the file that nvembed.json names"), FileError);
    write_file(path, whole.substr(0, whole.size() / 2));
    CHECK_THROWS_WITH_AS(open_model(out), doctest::Contains(file), FileError);
    fs::remove(path);
    CHECK_THROWS_WITH_AS(open_model(out), doctest::Contains(file), FileError);
    write_file(path, whole);
  }
  const std::string path = (out / "nvembed.json").string(), good = read_file(path);
  const auto refused = [&](const char* pointer, const Json& value, const char* why) {
    CAPTURE(pointer);
    Json j = Json::parse(good);
    j[Json::json_pointer(pointer)] = value;
    write_file(path, j.dump());
    CHECK_THROWS_WITH_AS(open_model(out), doctest::Contains(why), FileError);
  };
  refused("/version", 2, "version 2 is not supported");
  refused("/base", "x", "expected an object");
  refused("/base/size", -1, "bytes of weights");
  refused("/base/name", "../x", "no plain file name");
  refused("/base/path", std::string("a\0b", 3), "NUL");
  refused("/head/file", "../head.safetensors", "no plain file name");
  refused("/head/file", "", "no plain file name");
  refused("/weights/file", "a/b", "no plain file name");
  refused("/adapter/file", "other.safetensors", "should be adapter_model.safetensors");
  refused("/head/config/num_latents", 0, "num_latents_value is 0");
  refused("/head/config/hidden_dim", 32, "latent_dim 64 differs");
  refused("/mask", "sideways", "mask");
  refused("/pool", "max", "pool is 'max'");
  refused("/pool", nullptr, "pool");
  refused("/compat", "x", "compat is 'x'");
  refused("/normalize", "yes", "normalize");
  refused("/max_length", -5, "max_length is -5");
  refused("/default_prompt", "none of them", "is not among the prompts");
  write_file(path, good.substr(0, good.size() / 2));
  CHECK_THROWS_WITH_AS(open_model(out), doctest::Contains("nvembed.json"), FileError);
  Json j = Json::parse(good);
  j["head"]["config"]["num_latents"] = 7;  // tensors of another shape
  write_file(path, j.dump());
  CHECK_THROWS_WITH_AS(load<B>(out), doctest::Contains("latents"), FileError);
}

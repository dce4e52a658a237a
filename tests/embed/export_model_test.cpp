#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nvembed/eigen/backend.hpp>
#include <nvembed/embed/export_model.hpp>
#include <nvembed/embed/load.hpp>
#include <nvembed/embed/save_embedder.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/save_adapter.hpp>
#include <nvembed/io/sha256.hpp>
#include <string>
#include <support/compare.hpp>
#include <support/golden.hpp>
#include <support/parity.hpp>
#include <support/scratch.hpp>

namespace fs = std::filesystem;
using namespace nvembed;
using B = eigen::Backend;

namespace {

const std::vector<Text> texts{{"Low-rank updates of a frozen matrix."}, {"x"}, {"What is judo?", "Find the answer"}};

std::vector<float> encode(const fs::path& model, const LoadOptions& options = {}) {
  return load<B>(model, options).encode(texts).values;
}

Exported write(const fs::path& model, const fs::path& folder, const ExportOptions& options = {},
               const LoadOptions& opened = {}) {
  return export_model(B(2), open_model(model, opened), folder, options);
}

/// Exports in f32, opens the folder and compares everything that decides about vectors, and the vectors.
void check_round_trip(const fs::path& model, const LoadOptions& options = {}) {
  const Scratch s;
  CAPTURE(model.string());
  const fs::path out = s.dir / "out";
  write(model, out, {.precision = Precision::f32}, options);
  const ModelFiles before = open_model(model, options), after = open_model(out);
  CHECK(after.mask.str() == before.mask.str());
  CHECK(after.pool == before.pool);
  CHECK(after.normalize == before.normalize);
  CHECK(after.settings.prompts == before.settings.prompts);
  CHECK(after.settings.max_length == before.settings.max_length);
  CHECK(after.settings.compat == before.settings.compat);
  CHECK(after.stored_precision() == Precision::f32);
  CHECK_FALSE(after.adapter.has_value());
  CHECK(max_abs_difference(encode(out), encode(model, options)) < tolerance::product);
}

/// nvembed_tiny's base with an update on some matrices, a trained tensor and a head, as training leaves them.
struct Trained {
  Scratch s;
  fs::path base = s.dir / "base", folder = s.dir / "embedder";

  explicit Trained(const std::string& model, bool with_head = true) {
    fs::copy(model, base, fs::copy_options::recursive);
    const ModelFiles files = open_model(base);
    const Index dim = files.decoder.hidden_size;
    const auto random = [](Index n, std::uint64_t seed) {
      std::vector<float> v = parity::random<float>(n, seed);
      for (float& x : v) x *= 0.3F;
      return v;
    };
    const Index heads = files.decoder.num_heads * files.decoder.head_dim;
    HostUpdate u{"layers.0.self_attn.q_proj", 2, dim, heads, 2, random(2 * dim, 1), random(2 * heads, 2)};
    nn::LoraOptions lora;
    lora.rank = 2, lora.alpha = 4;
    write_adapter(folder, {u}, lora, {u.matrix}, "../base");
    EmbedderFolder e = describe_embedder(files, folder, Precision::f32, true);
    e.adapter = describe_part(folder, Adapter::weights_file);
    const auto tensors = [&](const char* file, const std::vector<std::pair<std::string, std::vector<Index>>>& list) {
      SafetensorsWriter out((folder / file).string());
      for (const auto& [name, shape] : list) out.declare(name, DType::f32, shape);
      std::uint64_t seed = 10;
      for (const auto& [name, shape] : list) {
        const auto values = random(shape.size() == 1 ? shape[0] : shape[0] * shape[1], ++seed);
        out.write(name, std::as_bytes(std::span(values)));
      }
      out.finish();
      return describe_part(folder, file);
    };
    e.weights =
        tensors("weights.safetensors",
                {{"norm.weight", {dim}}, {"layers.1.mlp.down_proj.weight", {dim, files.decoder.intermediate_size}}});
    if (with_head) {
      e.latent = LatentAttentionConfig{
          .num_latents = 6, .num_heads = 3, .head_dim = 8, .hidden_dim = dim, .latent_dim = dim, .mult = 2};
      const std::string h = "latent_attention_model.", c = h + "cross_attend_blocks.";
      e.head = tensors("head.safetensors", {{h + "latents", {6, dim}},
                                            {c + "0.norm.weight", {dim}},
                                            {c + "0.norm.bias", {dim}},
                                            {c + "0.norm_context.weight", {dim}},
                                            {c + "0.norm_context.bias", {dim}},
                                            {c + "0.fn.to_q.weight", {24, dim}},
                                            {c + "0.fn.to_kv.weight", {48, dim}},
                                            {c + "0.fn.to_out.weight", {dim, 24}},
                                            {c + "1.norm.weight", {dim}},
                                            {c + "1.norm.bias", {dim}},
                                            {c + "1.fn.net.0.weight", {4 * dim, dim}},
                                            {c + "1.fn.net.0.bias", {4 * dim}},
                                            {c + "1.fn.net.2.weight", {dim, 2 * dim}},
                                            {c + "1.fn.net.2.bias", {dim}}});
      e.pool = "latent_attention";
    }
    e.settings.query_template = "Task: {instruction}\nQuery: ";
    e.settings.prompts = {{"query", "Q: "}, {"passage", ""}};
    e.settings.max_length = 77;
    write_embedder_folder(folder, e);
  }
};

/// A small decoder's folder with a tokenizer of single characters.
fs::path decoder(const Scratch& s, const std::string& name) {
  const fs::path dir = s.dir / name;
  if (fs::exists(dir)) return dir;
  fs::copy(golden::path("decoders/" + name), dir, fs::copy_options::recursive);
  Json vocab = Json::object();  // printable ASCII: these decoders know few ids
  for (int c = 32; c < 127; ++c) vocab[std::string(1, static_cast<char>(c))] = c;
  const Json frame{{"SpecialToken", {{"id", "!"}, {"type_id", 0}}}}, text{{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const Json tokenizer{
      {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", Json::array()}}},
      {"post_processor",
       {{"type", "TemplateProcessing"}, {"single", {frame, text}}, {"special_tokens", {{"!", {{"ids", {33}}}}}}}}};
  std::ofstream(dir / "tokenizer.json") << tokenizer;
  return dir;
}

Json config(const fs::path& folder) { return parse_json(read_file((folder / "config.json").string()), "config.json"); }

}  // namespace

TEST_CASE("decoders of every class, GGUF files of every kind, NV-Embed: the vectors stay") {
  const Scratch s;
  for (const char* name : {"llama3_rope", "llama_linear_rope", "mistral_window", "qwen2", "qwen3"}) {
    check_round_trip(decoder(s, name));
    LoadOptions causal;
    causal.mask = "causal", causal.pool = "last_token";
    check_round_trip(s.dir / name, causal);
  }
  for (const char* name : {"llama", "llama_bpe", "qwen2", "qwen3"})
    check_round_trip(golden::path(std::string("quant/") + name + ".gguf"));
  check_round_trip(golden::path("nvembed_tiny"));
}

TEST_CASE("what nvembed.json alone can say survives: odd masks, pooling none, an override of NV-Embed's pooling") {
  const Scratch s;
  LoadOptions odd;
  odd.mask = "prefix:causal,full", odd.pool = "weighted_mean";
  check_round_trip(decoder(s, "qwen2"), odd);
  odd.mask = "causal&window:3,0";  // Qwen2 has no such class: its biases
  check_round_trip(s.dir / "qwen2", odd);
  check_round_trip(decoder(s, "mistral_window"), odd);
  write(s.dir / "mistral_window", s.dir / "out", {}, odd);
  CHECK(config(s.dir / "out")["sliding_window"] == 4);
  odd.mask = "causal", odd.pool = "mean";
  check_round_trip(golden::path("nvembed_tiny"), odd);
}

TEST_CASE("an embedder folder: update merged, trained tensors and head in place, over another base and over NV-Embed") {
  for (const bool with_head : {false, true}) {
    const Trained t(golden::path("nvembed_tiny"), with_head);
    CAPTURE(with_head);
    check_round_trip(t.folder);
    const fs::path out = t.s.dir / "out", again = t.s.dir / "again";
    write(t.folder, out);
    CHECK(config(out)["model_type"] == "nvembed");
    CHECK_FALSE(fs::exists(out / "head.safetensors"));
    write(out, again);  // an export is a model like any other
    CHECK(sha256_of_file((out / "model.safetensors").string()) ==
          sha256_of_file((again / "model.safetensors").string()));
    CHECK(read_file((out / "nvembed.json").string()) == read_file((again / "nvembed.json").string()));
  }
  const Scratch s;
  check_round_trip(Trained(golden::path("quant/llama.gguf")).folder);  // its q and k rows are permuted in the file
  const Trained t(decoder(s, "llama3_rope").string());
  check_round_trip(t.folder);
  const fs::path out = t.s.dir / "out";
  const Exported done = write(t.folder, out);
  CHECK(done.notices.size() == 2);  // mask and head
  CHECK(config(out)["architectures"][0] == "LlamaModel");
  CHECK(fs::exists(out / "head.safetensors"));
  fs::remove_all(t.base);  // no base is needed any more
  fs::rename(out, t.s.dir / "elsewhere");
  CHECK(open_model(t.s.dir / "elsewhere").settings.query_template == "Task: {instruction}\nQuery: ");
  LoadOptions named;
  named.base = "x";
  CHECK_THROWS_WITH_AS(open_model(t.s.dir / "elsewhere", named), doctest::Contains("has no base"), InputError);
  // Weights that were changed behind its back.
  fs::copy(golden::path("decoders/qwen2/model.safetensors"), t.s.dir / "elsewhere/model.safetensors",
           fs::copy_options::overwrite_existing);
  CHECK_THROWS_WITH_AS(open_model(t.s.dir / "elsewhere"), doctest::Contains("not those that nvembed.json"), FileError);
}

TEST_CASE("Sentence-Transformers' files without nvembed.json say the same") {
  const Scratch s;
  const fs::path model = decoder(s, "mistral_window");
  LoadOptions options;
  options.mask = "causal&window:6,0", options.pool = "last_token";
  ModelFiles files = open_model(model, options);
  files.normalize = false;
  files.settings.prompts = {{"query", "Find: "}};
  files.settings.default_prompt = "query";
  files.settings.max_length = 50;
  const fs::path out = s.dir / "out";
  CHECK(export_model(B(1), files, out).notices.empty());
  fs::remove(out / "nvembed.json");
  const ModelFiles m = open_model(out);
  CHECK_FALSE(m.bare);
  CHECK(m.mask.str() == "causal&window:6,0");
  CHECK(m.pool == "last_token");
  CHECK_FALSE(m.normalize);
  CHECK_FALSE(m.settings.pool_prompt);
  CHECK(m.settings.prompts == files.settings.prompts);
  CHECK(m.settings.default_prompt == "query");
  CHECK(m.settings.max_length == 50);
}

TEST_CASE("precision: the files' own, f16 for blocks; rounding is all that changes") {
  const Scratch s;
  CHECK(write(golden::path("quant/llama.gguf"), s.dir / "q").precision == Precision::f16);
  const auto exact = encode(golden::path("quant/llama.gguf"));
  CHECK(cosine(encode(s.dir / "q"), exact) > 1 - 1e-6);
  write(golden::path("quant/llama.gguf"), s.dir / "b", {.precision = Precision::bf16});
  CHECK(cosine(encode(s.dir / "b"), exact) > 1 - 1e-4);
  CHECK(open_model(s.dir / "b").stored_precision() == Precision::bf16);
  CHECK_THROWS_WITH_AS(write(golden::path("quant/llama.gguf"), s.dir / "i", {.precision = Precision::int8}),
                       doctest::Contains("int8 has no place"), InputError);
  CHECK_FALSE(fs::exists(s.dir / "i"));
}

TEST_CASE("shards: every file within the size, an index, the same tensors") {
  const Scratch s;
  Index last = 0;
  const Exported done =
      write(golden::path("nvembed_tiny"), s.dir / "out",
            {.precision = Precision::f32, .shard_size = 60000, .progress = [&](Index at, Index total) {
               CHECK(at > last);
               CHECK(at <= total);
               last = at;
             }});
  CHECK(last == done.numbers);
  CHECK(fs::exists(s.dir / "out/model.safetensors.index.json"));
  CHECK_FALSE(fs::exists(s.dir / "out/model.safetensors"));
  CHECK(encode(s.dir / "out") == encode(golden::path("nvembed_tiny")));
  CHECK_THROWS_AS(write(golden::path("nvembed_tiny"), s.dir / "none", {.shard_size = 0}), InputError);
}

TEST_CASE("a folder that holds something, the model itself, a number that does not fit: refused, and nothing is left") {
  const Scratch s;
  const fs::path model = decoder(s, "qwen2"), out = s.dir / "out";
  CHECK_THROWS_WITH_AS(write(model, model), doctest::Contains("is the model itself"), InputError);
  fs::create_directories(out);
  s.write("out/notes.txt", "mine");
  CHECK_THROWS_WITH_AS(write(model, out), doctest::Contains("is not empty"), FileError);
  s.write("out/export.unfinished", "\n");
  CHECK_THROWS_WITH_AS(write(model, out), doctest::Contains("notes.txt"), FileError);
  fs::remove(out / "notes.txt");
  s.write("out/model-00001-of-00009.safetensors", "what a killed run left");
  s.write("out/model.safetensors.tmp", "and this");
  write(model, out);
  CHECK_FALSE(fs::exists(out / "export.unfinished"));
  CHECK_FALSE(fs::exists(out / "model-00001-of-00009.safetensors"));
  CHECK_FALSE(fs::exists(out / "model.safetensors.tmp"));
  CHECK_THROWS_WITH_AS(write(model, s.write("file", "")), doctest::Contains("is no folder"), FileError);

  // A weight beyond f16.
  const Safetensors before((model / "model.safetensors").string());
  SafetensorsWriter changed(s.path("changed.safetensors"));
  for (const auto& [name, entry] : before.entries()) changed.declare(name, entry.dtype, entry.shape);
  for (const auto& [name, entry] : before.entries()) {
    std::vector<std::byte> bytes(entry.bytes.begin(), entry.bytes.end());
    const float large = 70000;
    if (name == "model.layers.0.mlp.up_proj.weight" || name == "layers.0.mlp.up_proj.weight")
      std::memcpy(bytes.data(), &large, sizeof large);
    changed.write(name, bytes);
  }
  changed.finish();
  fs::rename(s.path("changed.safetensors"), model / "model.safetensors");
  const fs::path half = s.dir / "half";
  CHECK_THROWS_WITH_AS(write(model, half, {.precision = Precision::f16}),
                       doctest::Contains("up_proj.weight holds 70000"), FileError);
  CHECK_FALSE(fs::exists(half));
  write(model, half, {.precision = Precision::bf16});
}

TEST_CASE("the base of an embedder is read whole: another one is refused") {
  const Trained t(golden::path("nvembed_tiny"));
  EmbedderFolder e = read_embedder_folder(t.folder);
  REQUIRE_FALSE(e.base.sha256.empty());
  e.base.sha256.begin()->second = std::string(64, '0');
  write_embedder_folder(t.folder, e);
  CHECK_THROWS_WITH_AS(write(t.folder, t.s.dir / "out"), doctest::Contains("was trained on a file with 000"),
                       FileError);
  CHECK_FALSE(fs::exists(t.s.dir / "out"));
}

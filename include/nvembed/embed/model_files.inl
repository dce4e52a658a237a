#pragma once

#include <algorithm>
#include <nvembed/embed/encode_options.hpp>
#include <nvembed/embed/find_base.hpp>
#include <nvembed/embed/model_files.hpp>
#include <nvembed/io/config.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/sentence_transformers.hpp>
#include <nvembed/io/sha256.hpp>
#include <nvembed/io/tokenizer_files.hpp>
#include <nvembed/io/tokenizer_gguf.hpp>
#include <nvembed/mask/parse.hpp>
#include <nvembed/model/parameter_count.hpp>
#include <utility>

namespace nvembed {
namespace detail {

/// The mask a decoder was made with.
inline mask::Any own_mask(const ModelConfig& c) {
  if (!c.causal) return mask::Bidirectional{};  // the config reader refuses a window here
  if (c.decoder.sliding_window) return mask::Causal{} & mask::Window{*c.decoder.sliding_window - 1, 0};
  return mask::Causal{};
}

inline void bare_model(ModelFiles& m) {
  m.bare = true;
  m.mask = mask::Bidirectional{};
  m.pool = "mean";
}

/// A model that stands on its own.
inline ModelFiles open_whole(const std::filesystem::path& path) {
  ModelFiles m{.path = path, .base = path, .weights = Weights(path.string())};
  ModelConfig config;
  if (const Gguf* gguf = m.weights.gguf()) {
    config = config_from_gguf(*gguf);
    m.tokenizer = tokenizer_from_gguf(*gguf);
    m.settings.max_length = config.decoder.max_position;
    if (config.pool.empty() && config.causal) {
      bare_model(m);
    } else {
      m.mask = own_mask(config);
      m.pool = config.pool.empty() ? "mean" : config.pool;
    }
  } else {
    const std::string file = (path / "config.json").string();
    config = config_from_json(read_file(file), file);
    m.tokenizer = read_tokenizer(path);
    m.settings.max_length = config.decoder.max_position;
    const Index most = read_model_max_length(path);
    if (most > 0 && (m.settings.max_length == 0 || most < m.settings.max_length)) m.settings.max_length = most;
    const SentenceTransformersFiles st = read_sentence_transformers(path);
    if (config.latent) {
      m.mask = mask::Bidirectional{};
      m.pool = "latent_attention";
      m.normalize = config.latent->output_normalize;
      m.settings.compat = Compat::reference;
      m.settings.max_length = 4096;  // the released encode()'s default
      m.settings.pool_prompt = !config.mask_instruction;
      m.settings.prompts = st.prompts;
      const auto eos = m.tokenizer.eos();
      if (!eos)
        fail<FileError>("tokenizer", path.string(), ": NV-Embed needs an eos_token; tokenizer_config.json names none");
      m.tokenizer = m.tokenizer.with_frame(m.tokenizer.before(), {*eos});
    } else if (st.present) {
      m.mask = own_mask(config);
      m.pool = st.pool;
      m.normalize = st.normalize;
      m.settings.pool_prompt = st.include_prompt;
      m.settings.prompts = st.prompts;
      m.settings.default_prompt = st.default_prompt;
      if (st.max_length) m.settings.max_length = st.max_length;
    } else {
      bare_model(m);
    }
  }
  m.decoder = config.decoder;
  m.latent = config.latent;
  return m;
}

/// What an embedder folder says, over its base.
inline ModelFiles open_embedder(const std::filesystem::path& folder, const LoadOptions& options) {
  const EmbedderFolder e = read_embedder_folder(folder);
  const auto here = [&](const EmbedderPart& part) { return (folder / part.file).string(); };
  ModelFiles m = open_whole(find_base(e.base, folder, options));
  m.path = folder;
  if (e.weights) {
    check_part(folder, *e.weights);
    m.weights.replace(here(*e.weights));
  }
  if (e.adapter) {
    check_part(folder, *e.adapter);
    m.adapter.emplace(folder);
  }
  if (e.head) {
    check_part(folder, *e.head);
    m.weights.replace(here(*e.head));
    m.latent = e.latent;
    require<FileError>(m.latent->hidden_dim == m.decoder.hidden_size, "embedder", here(*e.head),
                       ": a head for vectors of ", m.latent->hidden_dim, ", but the base has ", m.decoder.hidden_size);
  }
  require<FileError>(e.pool != "latent_attention" || m.latent, "embedder", folder.string(),
                     ": pool is latent_attention, but neither the folder nor its base has such a head");
  m.bare = false;
  m.mask = mask::parse(e.mask);
  m.pool = e.pool;
  m.normalize = e.normalize;
  m.settings = e.settings;
  m.embedder = e;
  return m;
}

/// A PEFT adapter over whatever its base is.
inline ModelFiles open_adapter(const std::filesystem::path& folder, const LoadOptions& options) {
  Adapter adapter(folder);
  BaseModel base;
  base.path = adapter.base();
  base.name = last_name(base.path);
  ModelFiles m = open_whole(find_base(base, folder, options));
  m.path = folder;
  m.adapter = std::move(adapter);
  return m;
}

}  // namespace detail

NVEMBED_INLINE ModelFiles open_model(const std::filesystem::path& path, const LoadOptions& options) {
  const auto there = [&](const char* name) { return file_exists((path / name).string()); };
  const bool embedder = EmbedderFolder::is_in(path), adapter = !embedder && Adapter::is_in(path);
  require<FileError>(!adapter || (!there("model.safetensors") && !there("model.safetensors.index.json")), "load",
                     path.string(), ": holds both a model and an adapter (", Adapter::config_file,
                     "); put them into folders of their own");
  require<InputError>(embedder || adapter || options.base.empty(), "load", path.string(),
                      " is a whole model, which has no base");
  ModelFiles m = embedder  ? detail::open_embedder(path, options)
                 : adapter ? detail::open_adapter(path, options)
                           : detail::open_whole(path);
  if (m.tokenizer.vocab_size() > m.decoder.vocab_size)
    m.notices.push_back(
        cat("the tokenizer has ", m.tokenizer.vocab_size(), " tokens, the model ", m.decoder.vocab_size));

  if (!options.mask.empty()) m.mask = mask::parse(options.mask);
  if (!options.pool.empty() && options.pool != m.pool) {
    constexpr std::string_view known[] = {"mean", "weighted_mean", "last_token", "none"};
    require<InputError>(
        std::find(std::begin(known), std::end(known), options.pool) != std::end(known), "load",
        options.pool == "latent_attention" || options.pool == "self_attention"
            ? cat(path.string(), " has no ", options.pool, " head; use mean, weighted_mean, last_token or none")
            : cat("'", options.pool, "' is no pooling; use mean, weighted_mean, last_token or none"));
    m.pool = options.pool;
  }
  if (m.bare)
    m.notices.push_back(cat(last_name(m.base), " is a plain language model, not trained to embed: its mask is ",
                            m.mask.str(), ", its pooling ", m.pool, ", and it finds related texts poorly"));
  return m;
}

NVEMBED_INLINE std::vector<std::string> side_files(const std::filesystem::path& folder) {
  std::vector<std::string> there;
  for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json", "modules.json",
                           "sentence_bert_config.json", "config_sentence_transformers.json"})
    if (file_exists((folder / name).string())) there.emplace_back(name);
  return there;
}

NVEMBED_INLINE std::string ModelFiles::digest() const {
  std::string digest = weights.digest();
  if (!weights.gguf()) {  // whose header holds configuration and tokenizer
    Sha256 hash;
    hash.update(digest);
    for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json"})
      if (const std::string file = (base / name).string(); file_exists(file)) {
        const std::string content = read_file(file);
        hash.update(cat(name, ' ', content.size(), '\n'));
        hash.update(content);
      }
    digest = hash.hex();
  }
  const bool head = embedder && embedder->head;
  if (!adapter && !head) return digest;
  Sha256 hash;
  hash.update(digest);
  if (adapter) hash.update(adapter->digest());
  if (head) hash.update(cat("heads ", latent->num_heads, '\n'));  // tensors tell all other sizes
  return hash.hex();
}

NVEMBED_INLINE std::vector<std::string> ModelFiles::paths() const {
  std::vector<std::string> paths = weights.paths();
  if (!weights.gguf())
    for (const std::string& name : side_files(base)) paths.push_back((base / name).string());
  if (embedder) paths.push_back((path / EmbedderFolder::file).string());
  if (adapter)
    for (const char* name : {Adapter::config_file, Adapter::weights_file}) paths.push_back((path / name).string());
  return paths;
}

NVEMBED_INLINE Index ModelFiles::parameters() const {
  return parameter_count(decoder) + (latent ? parameter_count(*latent) : 0);
}

NVEMBED_INLINE Precision ModelFiles::stored_precision() const {
  const DType t = weights.get("layers.0.mlp.down_proj.weight", decoder.hidden_size, decoder.intermediate_size).dtype;
  if (info(t).block > 1) return Precision::q4;
  return t == DType::f16 ? Precision::f16 : t == DType::bf16 ? Precision::bf16 : Precision::f32;
}

NVEMBED_INLINE Index ModelFiles::weight_bytes(Precision precision) const {
  // Products of attention with the latents are held in f32 whatever is asked for.
  const bool head = latent && pool == "latent_attention";
  const Index folded = head ? folded_attention_count(*latent) : 0;
  const Index count = parameter_count(decoder) + (head ? folded_parameter_count(*latent) - folded : 0);
  switch (precision) {
    case Precision::f32:
      return 4 * (count + folded);
    case Precision::f16:
    case Precision::bf16:
      return 2 * count + 4 * folded;
    case Precision::int8:
    case Precision::fp8:
      return count / 32 * 36 + 4 * folded;
    case Precision::q4:
      break;
  }
  if (stored_precision() == Precision::q4) return weights.total_bytes() + 4 * folded;
  return count / 32 * 18 + 4 * folded;
}

NVEMBED_INLINE Precision choose_precision(const ModelFiles& files, std::string_view asked, Index free,
                                          bool half_is_faster) {
  const Index work = files.activation_bytes(default_batch_tokens);
  const auto fits = [&](Precision p) { return files.weight_bytes(p) + work <= free; };
  if (asked.empty()) return fits(Precision::f32) ? Precision::f32 : files.stored_precision();
  if (asked == "auto") {
    // bf16 has an eighth of f16's accuracy, but loses nothing where the file holds it already.
    const Precision half = files.stored_precision() == Precision::bf16 ? Precision::bf16 : Precision::f16;
    if (!half_is_faster && fits(Precision::f32)) return Precision::f32;
    return fits(half) ? half : Precision::int8;
  }
  const auto precision = parse_precision(asked);
  require<InputError>(precision.has_value(), "load", "'", asked,
                      "' is no precision; use f32, f16, bf16, int8, fp8, q4 or auto");
  return *precision;
}

NVEMBED_INLINE Index ModelFiles::activation_bytes(Index tokens) const {
  return nvembed::activation_bytes(decoder, tokens);
}

}  // namespace nvembed

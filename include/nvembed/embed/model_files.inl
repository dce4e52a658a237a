#pragma once

#include <algorithm>
#include <nvembed/embed/encode_options.hpp>
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

}  // namespace detail

NVEMBED_INLINE ModelFiles open_model(const std::filesystem::path& path, const LoadOptions& options) {
  ModelFiles m{.path = path, .weights = Weights(path.string())};
  ModelConfig config;
  if (const Gguf* gguf = m.weights.gguf()) {
    config = config_from_gguf(*gguf);
    m.tokenizer = tokenizer_from_gguf(*gguf);
    m.settings.max_length = config.decoder.max_position;
    if (config.pool.empty() && config.causal) {
      detail::bare_model(m);
    } else {
      m.mask = detail::own_mask(config);
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
      m.mask = detail::own_mask(config);
      m.pool = st.pool;
      m.normalize = st.normalize;
      m.settings.pool_prompt = st.include_prompt;
      m.settings.prompts = st.prompts;
      m.settings.default_prompt = st.default_prompt;
      if (st.max_length) m.settings.max_length = st.max_length;
    } else {
      detail::bare_model(m);
    }
  }
  m.decoder = config.decoder;
  m.latent = config.latent;
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
    m.notices.push_back(cat(m.path.filename().string(),
                            " is a plain language model, not trained to embed: its mask is ", m.mask.str(),
                            ", its pooling ", m.pool, ", and it finds related texts poorly"));
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
  if (weights.gguf()) return weights.digest();  // its header holds configuration and tokenizer
  Sha256 hash;
  hash.update(weights.digest());
  for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json"})
    if (const std::string file = (path / name).string(); file_exists(file)) {
      const std::string content = read_file(file);
      hash.update(cat(name, ' ', content.size(), '\n'));
      hash.update(content);
    }
  return hash.hex();
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
                      "' is no precision; use f32, f16, bf16, int8, q4 or auto");
  return *precision;
}

NVEMBED_INLINE Index ModelFiles::activation_bytes(Index tokens) const {
  return nvembed::activation_bytes(decoder, tokens);
}

}  // namespace nvembed

#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/weight_rounding.hpp>
#include <nvembed/embed/export_parts.hpp>
#include <nvembed/io/atomic_file.hpp>
#include <nvembed/io/config_to_json.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/sentence_transformers.hpp>
#include <nvembed/io/sha256.hpp>
#include <nvembed/io/tokenizer_to_json.hpp>
#include <nvembed/model/rope_angles.hpp>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

namespace nvembed::detail {

/// The number of a row that a type cannot hold, where there is one.
inline std::optional<float> unfit(const float* x, Index n, DType to) {
  constexpr float largest_half = 65504;
  const auto fits = [&](float v) {
    return to == DType::f16    ? std::fabs(v) <= largest_half
           : to == DType::bf16 ? std::isfinite(static_cast<float>(BFloat16(v)))
                               : std::isfinite(v);
  };
  const float* bad = std::find_if_not(x, x + n, fits);
  return bad == x + n ? std::nullopt : std::optional(*bad);
}

NVEMBED_INLINE void convert_rows(const RawWeight& raw, DType to,
                                 const std::function<void(std::span<const std::byte>)>& sink) {
  constexpr std::size_t piece = std::size_t{1} << 22;
  const auto width = static_cast<std::size_t>(row_bytes(to, raw.cols));
  std::vector<float> row(static_cast<std::size_t>(raw.cols));
  std::vector<std::byte> bytes(std::max(width, piece / std::max<std::size_t>(width, 1) * width));
  std::size_t filled = 0;
  for (Index r = 0; r < raw.rows; ++r) {
    dequantize_row(raw, r, row.data());
    if (const auto bad = unfit(row.data(), raw.cols, to)) {
      require<FileError>(std::isfinite(*bad), "export", raw.name, " holds a number that is not finite");
      fail<FileError>("export", raw.name, " holds ", *bad, ", which ", info(to).name, " cannot hold; write ",
                      to == DType::f16 ? "bf16 (or f32)" : "f32");
    }
    encode_row(to, row.data(), raw.cols, bytes.data() + filled);
    filled += width;
    if (filled + width > bytes.size()) sink(std::span<const std::byte>(bytes).first(std::exchange(filled, 0)));
  }
  if (filled > 0) sink(std::span<const std::byte>(bytes).first(filled));
}

/// The config.json of the base; null for a GGUF file.
inline Json base_config(const ModelFiles& files) {
  if (files.weights.gguf()) return nullptr;
  const std::string file = (files.base / "config.json").string();
  return parse_json(read_file(file), file);
}

NVEMBED_INLINE bool has_released_layout(const ModelFiles& files) {
  const Json config = base_config(files);
  return json_get_or<std::string>(config, "model_type", "", files.base.string()) == "nvembed";
}

NVEMBED_INLINE void check_whole_base(const ModelFiles& files) {
  if (!files.embedder) return;
  for (const std::string& path : Weights(files.base.string()).paths()) {
    const std::string recorded = recorded_sha256(*files.embedder, path);
    if (recorded.empty()) continue;
    const std::string sha256 = sha256_of_file(path);
    require<FileError>(sha256 == recorded, "export", path, ": has SHA-256 ", sha256,
                       ", but the embedder was trained on a file with ", printable(recorded));
  }
}

inline void write_json(ExportFolder& out, const char* name, const Json& j) {
  write_file(out.file(name), j.dump(2, ' ', false, Json::error_handler_t::replace) + "\n", "export");
}

inline void copy_files(const ModelFiles& files, std::initializer_list<const char*> names, ExportFolder& out) {
  for (const char* name : names)
    if (const std::string from = (files.base / name).string(); file_exists(from)) {
      const std::filesystem::path to = out.file(name);
      std::error_code error;
      std::filesystem::create_directories(to.parent_path(), error);
      require<FileError>(!error, "export", to.string(), ": ", error.message());
      write_file(to.string(), read_file(from), "export");
    }
}

inline void write_tokenizer(const ModelFiles& files, ExportFolder& out) {
  if (const Gguf* gguf = files.weights.gguf()) {
    const GgufTokenizer tokenizer = gguf_tokenizer(*gguf);
    write_file(out.file("tokenizer.json"), tokenizer_to_json(tokenizer, *gguf), "export");
    write_file(out.file("tokenizer_config.json"), tokenizer_config_to_json(tokenizer, *gguf, files.settings.max_length),
               "export");
    return;
  }
  copy_files(files,
             {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
              "tokenizer.model", "vocab.json", "merges.txt", "chat_template.jinja"},
             out);
}

/// Sentence-Transformers' files, where it has a name for the pooling.
inline void write_pooling(const ModelFiles& files, ExportFolder& out) {
  if (files.pool != "mean" && files.pool != "weighted_mean" && files.pool != "last_token") return;
  SentenceTransformersFiles s;
  s.present = true;
  s.pool = files.pool;
  s.include_prompt = files.settings.pool_prompt;
  s.normalize = files.normalize;
  s.max_length = files.settings.max_length;
  s.prompts = files.settings.prompts;
  s.default_prompt = files.settings.default_prompt;
  for (const char* name :
       {"modules.json", "1_Pooling/config.json", "config_sentence_transformers.json", "sentence_bert_config.json"})
    if (s.max_length > 0 || std::string_view(name) != "sentence_bert_config.json") out.file(name);
  write_sentence_transformers(out.path(), s, files.decoder.hidden_size);
}

/// NV-Embed's own config.json, told of the type of the weights and the sizes of a head that was trained anew.
inline std::string released_config(const ModelFiles& files, Precision precision) {
  Json j = base_config(files);
  const LatentAttentionConfig& c = *files.latent;
  j["torch_dtype"] = torch_name(precision);
  j["text_config"]["torch_dtype"] = torch_name(precision);
  for (Json* at : {&j, &j["text_config"]}) at->erase("dtype");  // the newer spelling
  j["latent_attention_config"].update({{"num_latents_value", c.num_latents},
                                       {"num_cross_heads", c.num_heads},
                                       {"cross_dim_head", c.head_dim},
                                       {"hidden_dim", c.hidden_dim},
                                       {"latent_dim", c.latent_dim},
                                       {"mult", c.mult},
                                       {"output_normalize", files.normalize}});
  return j.dump(2) + "\n";
}

/// The decoder as config.json will name it, and whether its causal mask can be told there, window included.
inline std::pair<DecoderConfig, bool> decoder_under_mask(const ModelFiles& files) {
  DecoderConfig c = files.decoder;
  c.sliding_window.reset();
  bool told = std::holds_alternative<mask::Causal>(files.mask.variant());
  const auto* both = std::get_if<mask::Both<mask::Causal, mask::Window>>(&files.mask.variant());
  if (both && both->b.right == 0 && has_window_class(c)) {
    c.sliding_window = both->b.left + 1;  // counts the token itself
    told = true;
  }
  return {hugging_face_decoder(c, files.base.string()), told};
}

NVEMBED_INLINE void write_side_files(const ModelFiles& files, Precision precision, ExportFolder& out, Exported& done) {
  const bool released = has_released_layout(files);
  std::string config;
  if (released) {
    config = released_config(files, precision);
    copy_files(files,
               {"modules.json", "1_Pooling/config.json", "sentence_bert_config.json",
                "config_sentence_transformers.json", "modeling_nvembed.py", "configuration_nvembed.py"},
               out);
    if (files.mask.str() != "bidirectional" || files.pool != "latent_attention")
      done.notices.push_back(cat("its mask is ", files.mask.str(), ", its pooling ", files.pool, ", which ",
                                 EmbedderFolder::file, " says; NV-Embed's released code knows neither"));
  } else {
    const auto [decoder, told] = decoder_under_mask(files);
    const bool causal = !std::holds_alternative<mask::Bidirectional>(files.mask.variant());
    config = config_to_json(decoder, {causal, precision, files.tokenizer.bos(), files.tokenizer.eos()});
    write_pooling(files, out);
    if (!causal)
      done.notices.push_back(
          "its mask is bidirectional, config.json's is_causal is false: transformers before 5 may not read that and "
          "then "
          "gives other vectors");
    else if (!told)
      done.notices.push_back(cat("its mask is ", files.mask.str(), ", which ", EmbedderFolder::file,
                                 " says; transformers and sentence-transformers run this decoder under a causal mask, "
                                 "to other vectors"));
    if (files.latent)
      done.notices.push_back(cat("its latent-attention head is ", export_head_file,
                                 ", which nvembed reads; AutoModel gives the decoder's states"));
  }
  write_tokenizer(files, out);

  EmbedderFolder e;
  e.base = describe_base(out.path(), out.path(), true);
  e.base.path = ".";
  e.base.name.clear();  // the folder may be renamed
  e.mask = files.mask.str();
  e.pool = files.pool;
  e.normalize = files.normalize;
  e.settings = files.settings;
  if (files.embedder) e.precision = files.embedder->precision;
  if (files.latent && !released) {
    e.head = describe_part(out.path(), export_head_file);
    e.latent = files.latent;
  }
  out.file(EmbedderFolder::file);
  write_embedder_folder(out.path(), e);
  write_file(out.file("config.json"), config, "export");  // last: without it nothing opens the folder
}

/// Texts that tell tokenizers apart: digits, spaces, contractions, scripts, composed and decomposed letters, special
/// strings, and pieces out of the whole vocabulary.
inline std::vector<std::string> probe_texts(const text::AnyTokenizer& tokenizer) {
  std::vector<std::string> probes{
      "",
      " ",
      "Hello world",
      "  two  spaces   and\ttabs\n\n new lines \r\n",
      "It's I'LL they've we'd 12345 1,234.5e-6 \xC2\xBD",
      "na\xC3\xAFve cafe\xCC\x81 \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E \xF0\x9F\x98\x80\xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD",
      "</s><s><|im_start|>user\n<|endoftext|> <unk>",
      "aaaaaaa aaaa  --------- ======== f(x)[i]=={};//"};
  const Index step = std::max<Index>(1, tokenizer.vocab_size() / 4096);
  std::string joined;
  for (Index id = 0; id < tokenizer.vocab_size(); id += step) {
    const std::string piece = tokenizer.token(static_cast<TokenId>(id));
    probes.push_back(piece);
    joined += piece + (id % 3 == 0 ? " " : "");
  }
  probes.push_back(joined);
  return probes;
}

inline bool same_tokenizer(const text::AnyTokenizer& a, const text::AnyTokenizer& b) {
  if (a.before() != b.before() || a.after() != b.after()) return false;
  for (const std::string& text : probe_texts(a))
    for (const bool special : {false, true}) {
      std::vector<TokenId> x, y;
      a.encode(text, x, {.parse_special = special});
      b.encode(text, y, {.parse_special = special});
      if (x != y) return false;
    }
  return true;
}

inline bool same_decoder(const DecoderConfig& a, const DecoderConfig& b) {
  const std::vector<double> f = rope_frequencies(a), g = rope_frequencies(b);
  const bool rope = f.size() == g.size() && std::equal(f.begin(), f.end(), g.begin(), [](double x, double y) {
                      return std::fabs(x / y - 1) < 1e-6;  // factors of a GGUF file are rounded to f32
                    });
  return rope && a.vocab_size == b.vocab_size && a.hidden_size == b.hidden_size &&
         a.intermediate_size == b.intermediate_size && a.num_layers == b.num_layers && a.num_heads == b.num_heads &&
         a.num_kv_heads == b.num_kv_heads && a.head_dim == b.head_dim && a.rms_norm_eps == b.rms_norm_eps &&
         a.qkv_bias == b.qkv_bias && a.o_bias == b.o_bias && a.mlp_bias == b.mlp_bias && a.qk_norm == b.qk_norm;
}

inline bool same_head(const std::optional<LatentAttentionConfig>& a, const std::optional<LatentAttentionConfig>& b) {
  if (!a || !b) return !a && !b;
  return a->num_latents == b->num_latents && a->num_heads == b->num_heads && a->head_dim == b->head_dim &&
         a->hidden_dim == b->hidden_dim && a->mult == b->mult;
}

inline bool same_settings(const EmbedderSettings& a, const EmbedderSettings& b) {
  return a.compat == b.compat && a.query_template == b.query_template && a.prompts == b.prompts &&
         a.default_prompt == b.default_prompt && a.pool_prompt == b.pool_prompt && a.max_length == b.max_length;
}

NVEMBED_INLINE ModelFiles check_export(const ModelFiles& files, const std::filesystem::path& folder) {
  ModelFiles m = open_model(folder);
  const auto same = [&](bool ok, std::string_view what) {
    require<FileError>(ok, "export", folder.string(), ": Hugging Face's layout cannot hold the ", what, " of ",
                       files.path.string(), ": it reads back as another");
  };
  same(same_decoder(m.decoder, files.decoder), "decoder");
  same(same_head(m.latent, files.latent), "head");
  same(m.mask.str() == files.mask.str() && m.pool == files.pool && m.normalize == files.normalize, "mask and pooling");
  same(same_settings(m.settings, files.settings), "settings");
  same(same_tokenizer(files.tokenizer, m.tokenizer), "tokenizer");
  return m;
}

}  // namespace nvembed::detail

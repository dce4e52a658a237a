#pragma once

#include <nvembed/io/atomic_file.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/sentence_transformers.hpp>
#include <system_error>

namespace nvembed {
namespace detail {

inline std::string pooling_of(const Json& j, const std::string& file) {
  // Newer files name the mode, older ones set one flag of several.
  struct Mode {
    const char *flag, *name, *pool;
  };
  constexpr Mode modes[] = {{"pooling_mode_mean_tokens", "mean", "mean"},
                            {"pooling_mode_weightedmean_tokens", "weightedmean", "weighted_mean"},
                            {"pooling_mode_lasttoken", "lasttoken", "last_token"},
                            {"pooling_mode_cls_token", "cls", nullptr},
                            {"pooling_mode_max_tokens", "max", nullptr},
                            {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", nullptr}};
  std::string pool;
  const std::string named = json_get_or<std::string>(j, "pooling_mode", "", file);
  for (const Mode& m : modes) {
    if (named.empty() ? !json_get_or<bool>(j, m.flag, false, file) : named != m.name) continue;
    if (!m.pool)
      fail<FileError>("config", file, ": pooling '", m.name,
                      "' is not supported; mean, weightedmean and lasttoken are");
    if (!pool.empty()) fail<FileError>("config", file, ": several pooling modes at once are not supported");
    pool = m.pool;
  }
  if (pool.empty()) fail<FileError>("config", file, ": no pooling mode that is known is set");
  return pool;
}

}  // namespace detail

NVEMBED_INLINE SentenceTransformersFiles read_sentence_transformers(const std::filesystem::path& folder) {
  SentenceTransformersFiles s;
  const std::string modules = (folder / "modules.json").string();
  if (!file_exists(modules)) return s;
  s.present = true;
  const Json list = parse_json(read_file(modules), modules);
  if (!list.is_array()) fail<FileError>("config", modules, ": no list of modules");
  for (const Json& m : list) {
    const std::string type = json_get<std::string>(m, "type", modules);
    const std::string kind = type.substr(type.rfind('.') + 1);
    if (kind == "Pooling") {
      const std::string path = json_get<std::string>(m, "path", modules);
      if (std::filesystem::path(path).is_absolute() || path.find("..") != path.npos)
        fail<FileError>("config", modules, ": module path '", printable(path), "' leaves the folder");
      const std::string file = (folder / path / "config.json").string();
      const Json j = parse_json(read_file(file), file);
      s.pool = detail::pooling_of(j, file);
      s.include_prompt = json_get_or<bool>(j, "include_prompt", true, file);
    } else if (kind == "Normalize") {
      s.normalize = true;
    } else if (kind != "Transformer") {
      fail<FileError>("config", modules, ": module '", printable(type),
                      "' is not supported; Transformer, Pooling and Normalize are");
    }
  }
  if (s.pool.empty()) fail<FileError>("config", modules, ": no Pooling module");

  const std::string bert = (folder / "sentence_bert_config.json").string();
  if (file_exists(bert)) {
    const Json j = parse_json(read_file(bert), bert);
    s.max_length = json_get_or<Index>(j, "max_seq_length", 0, bert);
    if (json_get_or<bool>(j, "do_lower_case", false, bert))
      fail<FileError>("config", bert, ": do_lower_case is not supported");
    if (s.max_length < 0) fail<FileError>("config", bert, ": max_seq_length is ", s.max_length);
  }
  const std::string st = (folder / "config_sentence_transformers.json").string();
  if (file_exists(st)) {
    const Json j = parse_json(read_file(st), st);
    if (json_find(j, "prompts"))
      for (const auto& [name, prompt] : json_object(j, "prompts", st).items())
        s.prompts[name] = json_as<std::string>(prompt, printable(name), st);
    s.default_prompt = json_get_or<std::string>(j, "default_prompt_name", "", st);
    if (!s.default_prompt.empty() && !s.prompts.contains(s.default_prompt))
      fail<FileError>("config", st, ": default_prompt_name '", printable(s.default_prompt),
                      "' is not among the prompts");
  }
  return s;
}

NVEMBED_INLINE void write_sentence_transformers(const std::filesystem::path& folder, const SentenceTransformersFiles& s,
                                                Index dim) {
  const auto write = [&](const char* name, const Json& j) {
    write_file((folder / name).string(), j.dump(2, ' ', false, Json::error_handler_t::replace) + "\n", "config");
  };
  const auto module = [](int number, const char* path, const char* type) {
    return Json{{"idx", number},
                {"name", std::to_string(number)},
                {"path", path},
                {"type", cat("sentence_transformers.models.", type)}};
  };
  std::error_code error;
  std::filesystem::create_directory(folder / "1_Pooling", error);
  require<FileError>(!error, "config", (folder / "1_Pooling").string(), ": ", error.message());
  write("1_Pooling/config.json", {{"word_embedding_dimension", dim},
                                  {"pooling_mode_cls_token", false},
                                  {"pooling_mode_mean_tokens", s.pool == "mean"},
                                  {"pooling_mode_max_tokens", false},
                                  {"pooling_mode_mean_sqrt_len_tokens", false},
                                  {"pooling_mode_weightedmean_tokens", s.pool == "weighted_mean"},
                                  {"pooling_mode_lasttoken", s.pool == "last_token"},
                                  {"include_prompt", s.include_prompt}});
  if (s.max_length > 0)
    write("sentence_bert_config.json", {{"max_seq_length", s.max_length}, {"do_lower_case", false}});
  write("config_sentence_transformers.json",
        {{"prompts", s.prompts},
         {"default_prompt_name", s.default_prompt.empty() ? Json() : Json(s.default_prompt)},
         {"similarity_fn_name", "cosine"}});
  Json modules{module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling")};
  if (s.normalize) modules.push_back(module(2, "2_Normalize", "Normalize"));
  write("modules.json", modules);
}

}  // namespace nvembed

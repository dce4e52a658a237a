#pragma once

#include <nvembed/embed/embedder_folder.hpp>
#include <nvembed/io/adapter.hpp>
#include <nvembed/io/atomic_file.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/safetensors.hpp>
#include <nvembed/io/sha256.hpp>
#include <nvembed/mask/parse.hpp>
#include <string_view>
#include <system_error>

namespace nvembed {
namespace detail {

inline Json part_to_json(const std::optional<EmbedderPart>& part) {
  if (!part) return nullptr;
  Json j{{"file", part->file}, {"size", part->size}, {"digest", part->digest}};
  if (!part->sha256.empty()) j["sha256"] = part->sha256;
  return j;
}

inline std::optional<EmbedderPart> part_from_json(const Json& root, const char* key, const std::string& where) {
  if (!json_find(root, key)) return {};
  const Json& j = json_object(root, key, where);
  const std::string at = cat(where, ": ", key);
  EmbedderPart part{json_get<std::string>(j, "file", at), json_get<Index>(j, "size", at),
                    json_get<std::string>(j, "digest", at), json_get_or<std::string>(j, "sha256", "", at)};
  require<FileError>(!part.file.empty() && part.file != "." && part.file != ".." &&
                         part.file.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos,
                     "embedder", at, ": \"", printable(part.file), "\" is no plain file name");
  return part;
}

/// One of a few words.
inline std::string word(const Json& root, const char* key, std::initializer_list<std::string_view> known,
                        const std::string& where) {
  std::string value = json_get<std::string>(root, key, where), all;
  for (const std::string_view k : known) {
    if (value == k) return value;
    all += cat(all.empty() ? "" : ", ", k);
  }
  fail<FileError>("embedder", where, ": ", key, " is '", printable(value), "'; it should be one of ", all);
}

}  // namespace detail

NVEMBED_INLINE bool EmbedderFolder::is_in(const std::filesystem::path& folder) {
  return is_folder(folder.string()) && file_exists((folder / file).string());
}

NVEMBED_INLINE void write_embedder_folder(const std::filesystem::path& folder, const EmbedderFolder& e) {
  Json base{{"path", e.base.path}, {"name", e.base.name}, {"size", e.base.size}, {"digest", e.base.digest}};
  if (!e.base.sha256.empty()) base["sha256"] = e.base.sha256;
  Json head = detail::part_to_json(e.head);
  if (e.head && e.latent)
    head["config"] = {{"num_latents", e.latent->num_latents}, {"num_heads", e.latent->num_heads},
                      {"head_dim", e.latent->head_dim},       {"hidden_dim", e.latent->hidden_dim},
                      {"latent_dim", e.latent->latent_dim},   {"mult", e.latent->mult}};
  const Json json{{"format", "nvembed"},
                  {"version", EmbedderFolder::version},
                  {"base", base},
                  {"adapter", detail::part_to_json(e.adapter)},
                  {"weights", detail::part_to_json(e.weights)},
                  {"head", head},
                  {"mask", e.mask},
                  {"pool", e.pool},
                  {"normalize", e.normalize},
                  {"compat", e.settings.compat == Compat::exact ? "exact" : "reference"},
                  {"pool_prompt", e.settings.pool_prompt},
                  {"max_length", e.settings.max_length},
                  {"query_template", e.settings.query_template},
                  {"prompts", e.settings.prompts},
                  {"default_prompt", e.settings.default_prompt},
                  {"precision", e.precision}};
  write_file((folder / EmbedderFolder::file).string(), json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
             "embedder");
}

NVEMBED_INLINE EmbedderFolder read_embedder_folder(const std::filesystem::path& folder) {
  const std::string where = (folder / EmbedderFolder::file).string();
  const Json j = parse_json(read_file(where), where);
  require<FileError>(j.is_object(), "embedder", where, ": no JSON object");
  const auto version = json_get<Index>(j, "version", where);
  require<FileError>(version == EmbedderFolder::version, "embedder", where, ": version ", version,
                     " is not supported; ", EmbedderFolder::version, " is");
  EmbedderFolder e;
  const Json& base = json_object(j, "base", where);
  const std::string at = cat(where, ": base");
  e.base.path = json_get<std::string>(base, "path", at);
  e.base.name = json_get<std::string>(base, "name", at);
  e.base.size = json_get<Index>(base, "size", at);
  e.base.digest = json_get<std::string>(base, "digest", at);
  if (json_find(base, "sha256"))
    for (const auto& [name, hash] : json_object(base, "sha256", at).items())
      e.base.sha256[name] = json_as<std::string>(hash, printable(name), at);
  for (const std::string* name : {&e.base.path, &e.base.name})
    require<FileError>(name->find('\0') == std::string::npos, "embedder", at, ": a name with a NUL character");
  require<FileError>(e.base.name.find('/') == std::string::npos && e.base.name != "..", "embedder", at, ": name \"",
                     printable(e.base.name), "\" is no plain file name");
  e.adapter = detail::part_from_json(j, "adapter", where);
  require<FileError>(!e.adapter || e.adapter->file == Adapter::weights_file, "embedder", where,
                     ": adapter: file should be ", Adapter::weights_file);
  e.weights = detail::part_from_json(j, "weights", where);
  e.head = detail::part_from_json(j, "head", where);
  if (e.head) {
    const std::string here = cat(where, ": head: config");
    const Json& c = json_object(json_object(j, "head", where), "config", cat(where, ": head"));
    LatentAttentionConfig latent;
    latent.num_latents = json_get<Index>(c, "num_latents", here);
    latent.num_heads = json_get<Index>(c, "num_heads", here);
    latent.head_dim = json_get<Index>(c, "head_dim", here);
    latent.hidden_dim = json_get<Index>(c, "hidden_dim", here);
    latent.latent_dim = json_get<Index>(c, "latent_dim", here);
    latent.mult = json_get<Index>(c, "mult", here);
    latent.validate(here);
    e.latent = latent;
  }
  e.mask = json_get<std::string>(j, "mask", where);
  try {
    mask::parse(e.mask);
  } catch (const InputError& error) {
    fail<FileError>("embedder", where, ": mask: ", printable(error.what(), 400));
  }
  e.pool = detail::word(j, "pool", {"mean", "weighted_mean", "last_token", "none", "latent_attention"}, where);
  e.normalize = json_get<bool>(j, "normalize", where);
  e.settings.compat =
      detail::word(j, "compat", {"exact", "reference"}, where) == "exact" ? Compat::exact : Compat::reference;
  e.settings.pool_prompt = json_get<bool>(j, "pool_prompt", where);
  e.settings.max_length = json_get<Index>(j, "max_length", where);
  require<FileError>(e.settings.max_length >= 0, "embedder", where, ": max_length is ", e.settings.max_length);
  e.settings.query_template = json_get<std::string>(j, "query_template", where);
  if (json_find(j, "prompts"))
    for (const auto& [name, prompt] : json_object(j, "prompts", where).items())
      e.settings.prompts[name] = json_as<std::string>(prompt, printable(name), cat(where, ": prompts"));
  e.settings.default_prompt = json_get_or<std::string>(j, "default_prompt", "", where);
  require<FileError>(e.settings.default_prompt.empty() || e.settings.prompts.contains(e.settings.default_prompt),
                     "embedder", where, ": default_prompt '", printable(e.settings.default_prompt),
                     "' is not among the prompts");
  e.precision = json_get_or<std::string>(j, "precision", "", where);
  return e;
}

NVEMBED_INLINE BaseModel describe_base(const std::filesystem::path& path, const std::filesystem::path& folder,
                                       bool whole) {
  namespace fs = std::filesystem;
  const Weights weights(path.string());
  BaseModel base{"", last_name(path), weights.file_bytes(), weights.digest()};
  std::error_code error;
  const fs::path from = fs::weakly_canonical(folder, error), to = fs::weakly_canonical(path, error);
  const fs::path relative = to.lexically_relative(from);
  base.path = (relative.empty() ? to : relative).string();
  if (whole)
    for (const std::string& file : weights.paths())
      if (!file.ends_with(".json")) base.sha256[fs::path(file).filename().string()] = sha256_of_file(file);
  return base;
}

NVEMBED_INLINE EmbedderPart describe_part(const std::filesystem::path& folder, const std::string& file, bool whole) {
  const std::string path = (folder / file).string();
  const Safetensors opened(path);
  return {file, opened.total_size(), opened.digest(), whole ? sha256_of_file(path) : std::string()};
}

NVEMBED_INLINE std::string recorded_sha256(const EmbedderFolder& e, const std::string& path) {
  const std::string name = last_name(path);
  for (const auto* part : {&e.adapter, &e.weights, &e.head})
    if (*part && (*part)->file == name) return (*part)->sha256;
  if (const auto at = e.base.sha256.find(name); at != e.base.sha256.end()) return at->second;
  const bool lone = e.base.sha256.size() == 1 && (name.ends_with(".gguf") || name.ends_with(".safetensors"));
  return lone ? e.base.sha256.begin()->second : std::string();
}

NVEMBED_INLINE void check_part(const std::filesystem::path& folder, const EmbedderPart& part) {
  const EmbedderPart now = describe_part(folder, part.file, false);
  require<FileError>(now.size == part.size && now.digest == part.digest, "embedder", (folder / part.file).string(),
                     ": is not the file that ", EmbedderFolder::file, " names (", part.size, " bytes, digest ",
                     printable(part.digest, 12), " there; ", now.size, " bytes, digest ", printable(now.digest, 12),
                     " here); was the folder written half, or by two?");
}

}  // namespace nvembed

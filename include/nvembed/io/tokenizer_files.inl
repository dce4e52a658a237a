#pragma once

#include <nvembed/io/json.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/tokenizer_files.hpp>
#include <nvembed/io/tokenizer_json.hpp>
#include <optional>
#include <string>

namespace nvembed {

NVEMBED_INLINE text::AnyTokenizer read_tokenizer(const std::filesystem::path& folder) {
  const std::string file = (folder / "tokenizer.json").string();
  if (!file_exists(file))
    fail<FileError>("tokenizer", file,
                    ": no such file; a model folder needs one (a tokenizer.model alone is read by the "
                    "sentencepiece component)");
  text::AnyTokenizer tokenizer = tokenizer_from_json(read_file(file), file);

  const std::string config = (folder / "tokenizer_config.json").string();
  if (!file_exists(config)) return tokenizer;
  const Json j = parse_json(read_file(config), config);
  const auto token = [&](const char* key) -> std::optional<TokenId> {
    const Json* value = json_find(j, key);
    if (!value) return std::nullopt;
    const std::string text = value->is_object() ? json_get<std::string>(*value, "content", config)
                                                : json_as<std::string>(*value, key, config);
    const auto id = tokenizer.find(text);
    if (!id)
      fail<FileError>("tokenizer", config, ": ", key, " '", printable(text), "' is not in the vocabulary of ", file);
    return id;
  };
  const auto bos = token("bos_token"), eos = token("eos_token");
  tokenizer = tokenizer.with_bos_eos(bos ? bos : tokenizer.bos(), eos ? eos : tokenizer.eos());

  const std::string kind = json_get_or<std::string>(j, "tokenizer_class", "", config);
  if (kind != "LlamaTokenizer" && kind != "LlamaTokenizerFast") return tokenizer;
  auto before = tokenizer.before(), after = tokenizer.after();
  const auto framed = [&](const char* flag, std::optional<TokenId> id, std::vector<TokenId>& frame) {
    const Json* wanted = json_find(j, flag);
    if (!wanted) return;
    frame.clear();
    if (!json_as<bool>(*wanted, flag, config)) return;
    if (!id) fail<FileError>("tokenizer", config, ": ", flag, " is set, but there is no such token");
    frame.push_back(*id);
  };
  framed("add_bos_token", tokenizer.bos(), before);
  framed("add_eos_token", tokenizer.eos(), after);
  return tokenizer.with_frame(std::move(before), std::move(after));
}

NVEMBED_INLINE Index read_model_max_length(const std::filesystem::path& folder) {
  const std::string config = (folder / "tokenizer_config.json").string();
  if (!file_exists(config)) return 0;
  const double most = json_get_or<double>(parse_json(read_file(config), config), "model_max_length", 0, config);
  if (most < 0) fail<FileError>("config", config, ": model_max_length is ", most);
  return most < 1e9 ? static_cast<Index>(most) : 0;
}

}  // namespace nvembed

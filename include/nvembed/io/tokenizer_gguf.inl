#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nvembed/io/tokenizer_gguf.hpp>
#include <nvembed/text/byte_alphabet.hpp>
#include <nvembed/text/byte_level.hpp>
#include <nvembed/text/spm_bpe.hpp>

namespace nvembed {
namespace detail {

/// ggml's token types.
enum GgufTokenType { gguf_normal = 1, gguf_unknown = 2, gguf_control = 3, gguf_user_defined = 4, gguf_unused = 5, gguf_byte = 6 };

class TokenizerGguf {
 public:
  explicit TokenizerGguf(const Gguf& file) : file_(file) {}

  text::AnyTokenizer read() {
    for (const auto t : file_.strings("tokenizer.ggml.tokens")) {
      pieces_.emplace_back(t);
      text::require_utf8(t);
    }
    if (file_.has("tokenizer.ggml.token_type"))
      for (const double t : file_.numbers("tokenizer.ggml.token_type")) types_.push_back(static_cast<int>(t));
    else
      types_.assign(pieces_.size(), gguf_normal);
    if (types_.size() != pieces_.size()) refuse("tokenizer.ggml.token_type has ", types_.size(), " entries for ", pieces_.size(), " tokens");
    for (std::size_t i = 0; i < pieces_.size(); ++i)
      if (types_[i] == gguf_control || types_[i] == gguf_unknown || types_[i] == gguf_user_defined)
        added_.push_back({pieces_[i], static_cast<TokenId>(i), types_[i] != gguf_user_defined, false, false, false, false});

    const std::string model = file_.get<std::string>("tokenizer.ggml.model");
    const auto bos = id("tokenizer.ggml.bos_token_id"), eos = id("tokenizer.ggml.eos_token_id");
    text::AnyTokenizer t;
    bool add_bos = false;
    if (model == "gpt2") {
      t = text::ByteLevel(byte_level(bos, eos));
      add_bos = pre_ == "llama-bpe" || pre_ == "llama3";
    } else if (model == "llama") {
      t = text::SpmBpe(spm(bos, eos));
      add_bos = true;
    } else {
      refuse("tokenizer.ggml.model '", model, "' is not supported; gpt2 and llama are");
    }
    std::vector<TokenId> before, after;
    if (file_.get_or<bool>("tokenizer.ggml.add_bos_token", add_bos)) before.push_back(wanted(bos, "bos"));
    if (file_.get_or<bool>("tokenizer.ggml.add_eos_token", false)) after.push_back(wanted(eos, "eos"));
    return t.with_frame(std::move(before), std::move(after));
  }

  template <class... Parts>
  [[noreturn]] void refuse(Parts&&... parts) const {
    fail<FileError>("tokenizer", file_.path(), ": ", std::forward<Parts>(parts)...);
  }

 private:
  std::optional<TokenId> id(std::string_view key) const {
    if (!file_.has(key)) return std::nullopt;
    const Index i = file_.get<Index>(key);
    if (i < 0 || i >= static_cast<Index>(pieces_.size())) refuse(key, " is ", i, ", the vocabulary has ", pieces_.size());
    return static_cast<TokenId>(i);
  }
  TokenId wanted(std::optional<TokenId> id, const char* name) const {
    if (!id) refuse("tokenizer.ggml.add_", name, "_token is set, but tokenizer.ggml.", name, "_token_id is missing");
    return *id;
  }

  text::ByteLevelSpec byte_level(std::optional<TokenId> bos, std::optional<TokenId> eos) {
    text::ByteLevelSpec spec;
    spec.bos = bos, spec.eos = eos;
    pre_ = file_.get_or<std::string>("tokenizer.ggml.pre", "default");
    if (pre_ == "smollm") {
      spec.digits = true;
    } else if (pre_ == "llama-bpe" || pre_ == "llama3" || pre_ == "llama-v3") {
      spec.split = text::Split::llama3;
      spec.bpe.ignore_merges = true;
    } else if (pre_ == "qwen2") {
      spec.split = text::Split::qwen2;
    } else if (pre_ != "gpt-2" && pre_ != "gpt2") {
      refuse("tokenizer.ggml.pre '", pre_, "' is not known; gpt-2, smollm, llama-bpe and qwen2 are");
    }
    for (std::size_t i = 0; i < pieces_.size(); ++i)
      if (auto bytes = text::from_alphabet(pieces_[i])) pieces_[i] = std::move(*bytes);
    for (const auto m : file_.strings("tokenizer.ggml.merges")) {
      const auto space = m.find(' ', 1);
      if (space == m.npos) refuse("tokenizer.ggml.merges: '", m, "' is not two pieces");
      text::require_utf8(m);
      auto left = text::from_alphabet(m.substr(0, space)), right = text::from_alphabet(m.substr(space + 1));
      if (!left || !right) refuse("tokenizer.ggml.merges: '", m, "' holds characters that stand for no byte");
      spec.bpe.merges.emplace_back(std::move(*left), std::move(*right));
    }
    spec.bpe.pieces = std::move(pieces_);
    spec.added = std::move(added_);
    return spec;
  }

  text::SpmSpec spm(std::optional<TokenId> bos, std::optional<TokenId> eos) {
    text::SpmSpec spec;
    spec.bos = bos, spec.eos = eos;
    spec.unk = id("tokenizer.ggml.unknown_token_id");
    for (const double s : file_.numbers("tokenizer.ggml.scores")) spec.bpe.scores.push_back(static_cast<float>(s));
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      spec.bpe.mergeable.push_back(types_[i] == gguf_normal || types_[i] == gguf_user_defined);
      if (!spec.unk && types_[i] == gguf_unknown) spec.unk = static_cast<TokenId>(i);
    }
    spec.prefix = file_.get_or<bool>("tokenizer.ggml.add_space_prefix", true) ? text::SpmSpec::Prefix::always
                                                                             : text::SpmSpec::Prefix::never;
    spec.bpe.pieces = std::move(pieces_);
    spec.added = std::move(added_);
    return spec;
  }

  const Gguf& file_;
  std::vector<std::string> pieces_;
  std::vector<int> types_;
  std::vector<text::AddedToken> added_;
  std::string pre_;
};

}  // namespace detail

NVEMBED_INLINE text::AnyTokenizer tokenizer_from_gguf(const Gguf& file) {
  detail::TokenizerGguf reader(file);
  try {
    return reader.read();
  } catch (const InputError& e) {
    throw FileError(cat(e.what(), " (", file.path(), ")"));
  }
}

}  // namespace nvembed

#pragma once

#include <nvembed/io/printable.hpp>
#include <nvembed/io/tokenizer_gguf.hpp>
#include <nvembed/text/bpe_tokenizer.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nvembed {
namespace detail {

/// llama.cpp's kinds of tokens.
enum class GgufTokenType { normal = 1, unknown, control, user_defined, unused, byte };

class TokenizerGguf {
 public:
  explicit TokenizerGguf(const Gguf& file) : file_(file) {}

  GgufTokenizer read() {
    const std::string model = file_.get<std::string>(key("model"));
    pieces_ = strings("tokens", std::size_t{1} << 21);
    types();
    bool add_bos = false;
    if (model == "gpt2")
      add_bos = gpt2();
    else if (model == "llama")
      add_bos = llama();
    else
      fail<FileError>("tokenizer", file_.path(), ": ", key("model"), ": '", printable(model),
                      "' is not supported; known: gpt2, llama");
    spec_.bos = id("bos_token_id");
    spec_.eos = id("eos_token_id");
    std::vector<TokenId> before, after;
    if (file_.get_or(key("add_bos_token"), add_bos) && need(spec_.bos, "bos_token_id")) before.push_back(*spec_.bos);
    if (file_.get_or(key("add_eos_token"), false) && need(spec_.eos, "eos_token_id")) after.push_back(*spec_.eos);
    return {std::move(spec_), std::move(before), std::move(after)};
  }

 private:
  static std::string key(std::string_view name) { return cat("tokenizer.ggml.", name); }
  template <class... Parts>
  void check(bool ok, std::string_view name, Parts&&... parts) const {
    require<FileError>(ok, "tokenizer", file_.path(), ": ", key(name), ": ", std::forward<Parts>(parts)...);
  }

  /// Counts are looked at before anything is decoded.
  std::vector<std::string_view> strings(std::string_view name, std::size_t most) const {
    const std::size_t count = file_.array(key(name)).count;
    check(count <= most, name, count, " are too many; ", most, " can be read");
    return file_.strings(key(name));
  }
  std::vector<double> numbers(std::string_view name) const {
    const std::size_t count = file_.array(key(name)).count;
    check(count == pieces_.size(), name, count, " numbers for ", pieces_.size(), " tokens");
    return file_.numbers(key(name));
  }

  std::optional<TokenId> id(std::string_view name) const {
    if (!file_.has(key(name))) return std::nullopt;
    const Index value = file_.get<Index>(key(name));
    check(value >= 0 && static_cast<std::size_t>(value) < pieces_.size(), name, "the id ", value, " is none of the ",
          pieces_.size(), " tokens");
    return static_cast<TokenId>(value);
  }
  bool need(const std::optional<TokenId>& token, std::string_view name) const {
    check(token.has_value(), name, "missing, but the token is to be added to every text");
    return true;
  }

  GgufTokenType type(std::size_t i) const {
    return types_.empty() ? GgufTokenType::normal : static_cast<GgufTokenType>(static_cast<int>(types_[i]));
  }

  void types() {
    if (file_.has(key("token_type"))) {
      types_ = numbers("token_type");
      for (const double t : types_) check(t >= 1 && t <= 6, "token_type", "the type ", t, " is not between 1 and 6");
    }
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      const auto token = static_cast<TokenId>(i);
      spec_.model.pieces.emplace_back(pieces_[i], token);
      const GgufTokenType t = type(i);
      const bool special = t == GgufTokenType::control || t == GgufTokenType::unknown;
      if (special || t == GgufTokenType::user_defined)
        spec_.added.push_back({.content = std::string(pieces_[i]), .id = token, .special = special});
    }
  }

  /// Whether BOS is added where the file does not say.
  bool gpt2() {
    std::string known;
    const std::string pre = file_.get_or(key("pre"), std::string());
    const text::NamedPreTokenizer* found = nullptr;
    for (const auto& p : text::named_pre_tokenizers()) {
      known += (known.empty() ? "" : ", ") + std::string(p.name);
      if (p.name == pre) found = &p;
    }
    check(found != nullptr, "pre", file_.has(key("pre")) ? "'" + printable(pre) + "' is not supported" : "missing",
          "; known: ", known);
    spec_.model.units = text::BpeSpec::Units::bytes;
    spec_.model.ignore_merges = found->ignore_merges;
    spec_.cuts = found->cuts;
    if (found->nfc) spec_.normalizer.push_back({text::NormalizerStep::Kind::nfc});
    merges_ = strings("merges", std::size_t{1} << 22);
    for (std::size_t m = 0; m < merges_.size(); ++m) {
      const auto space = merges_[m].find(' ');
      check(space != std::string_view::npos, "merges", "merge ", m, " is not two pieces");
      spec_.model.merges.emplace_back(merges_[m].substr(0, space), merges_[m].substr(space + 1));
    }
    return found->add_bos;
  }

  bool llama() {
    text::BpeSpec& model = spec_.model;
    if (file_.has(key("precompiled_charsmap")))
      check(file_.array(key("precompiled_charsmap")).count == 0, "precompiled_charsmap",
            "normalisation is not supported");
    check(!file_.get_or(key("remove_extra_whitespaces"), false), "remove_extra_whitespaces", "not supported");
    check(!pieces_.empty(), "tokens", "there are none");
    for (const double s : numbers("scores")) model.scores.push_back(static_cast<float>(s));
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      const GgufTokenType t = type(i);
      model.usable.push_back(t == GgufTokenType::normal || t == GgufTokenType::user_defined);
      model.byte_fallback = model.byte_fallback || t == GgufTokenType::byte;
      if (t == GgufTokenType::unknown && !model.unknown) model.unknown = static_cast<TokenId>(i);
    }
    if (const auto unknown = id("unknown_token_id")) model.unknown = unknown;
    model.fuse_unknown = true;
    spec_.normalizer = text::spm_normalizer(file_.get_or(key("add_space_prefix"), true));
    return true;
  }

  const Gguf& file_;
  std::vector<std::string_view> pieces_, merges_;
  std::vector<double> types_;
  text::TokenizerSpec spec_;
};

}  // namespace detail

NVEMBED_INLINE GgufTokenizer gguf_tokenizer(const Gguf& file) { return detail::TokenizerGguf(file).read(); }

NVEMBED_INLINE text::AnyTokenizer tokenizer_from_gguf(const Gguf& file) {
  GgufTokenizer t = gguf_tokenizer(file);
  try {
    return {text::BpeTokenizer(t.spec), std::move(t.before), std::move(t.after)};
  } catch (const InputError& e) {
    throw FileError(cat(e.what(), " (", file.path(), ")"));
  }
}

}  // namespace nvembed

#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include <nvembed/io/json.hpp>
#include <nvembed/io/tokenizer_json.hpp>
#include <nvembed/text/byte_alphabet.hpp>
#include <nvembed/text/byte_level.hpp>
#include <nvembed/text/spm_bpe.hpp>

namespace nvembed {
namespace detail {

/// Reads one tokenizer.json; every error names the file and the part.
class TokenizerJson {
 public:
  TokenizerJson(const Json& root, std::string_view file) : root_(root), file_(file) {}

  text::AnyTokenizer read(const std::string& bos, const std::string& eos) {
    read_added();
    read_model();
    normalizers_ = components("normalizer", "normalizers");
    pre_tokenizers_ = components("pre_tokenizer", "pretokenizers");
    const bool bytes = std::any_of(pre_tokenizers_.begin(), pre_tokenizers_.end(),
                                   [&](const Json* p) { return type_of(*p) == "ByteLevel"; });
    try {
      text::AnyTokenizer t = bytes ? text::AnyTokenizer(text::ByteLevel(byte_level(bos, eos)))
                                   : text::AnyTokenizer(text::SpmBpe(spm(bos, eos)));
      auto [before, after] = frame(t);
      return t.with_frame(std::move(before), std::move(after));
    } catch (const InputError& e) {
      throw FileError(cat(e.what(), " (", file_, ")"));
    }
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse(Parts&&... parts) const {
    fail<FileError>("tokenizer", file_, ": ", std::forward<Parts>(parts)...);
  }
  std::string type_of(const Json& component) const { return json_get<std::string>(component, "type", file_); }

  TokenId id_of(const Json& value, std::string_view key) const {
    const Index id = json_as<Index>(value, key, file_);
    if (id < 0 || id >= (Index{1} << 24)) refuse("'", key, "' has id ", id);
    return static_cast<TokenId>(id);
  }

  /// A component or, where it is a Sequence, its parts.
  std::vector<const Json*> components(std::string_view key, std::string_view list) const {
    std::vector<const Json*> out;
    const Json* c = json_find(root_, key);
    if (!c) return out;
    if (type_of(*c) != "Sequence") return {c};
    for (const Json& part : json_array(*c, list, file_)) {
      if (type_of(part) == "Sequence") refuse(key, ": a Sequence inside a Sequence is not supported");
      out.push_back(&part);
    }
    return out;
  }

  void read_added() {
    if (!json_find(root_, "added_tokens")) return;
    for (const Json& t : json_array(root_, "added_tokens", file_)) {
      text::AddedToken a;
      a.content = json_get<std::string>(t, "content", file_);
      a.id = id_of(json_at(t, "id", file_), "added_tokens");
      a.special = json_get_or<bool>(t, "special", false, file_);
      a.lstrip = json_get_or<bool>(t, "lstrip", false, file_);
      a.rstrip = json_get_or<bool>(t, "rstrip", false, file_);
      a.single_word = json_get_or<bool>(t, "single_word", false, file_);
      a.normalized = json_get_or<bool>(t, "normalized", !a.special, file_);
      added_.push_back(std::move(a));
    }
  }

  void read_model() {
    const Json& model = json_object(root_, "model", file_);
    const std::string type = json_get_or<std::string>(model, "type", json_find(model, "merges") ? "BPE" : "?", file_);
    if (type != "BPE") refuse("model type '", type, "' is not supported; BPE is");
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
      if (!json_get_or<std::string>(model, key, "", file_).empty()) refuse("model.", key, " is not supported");
    const Json& vocab = json_object(model, "vocab", file_);
    Index size = 0;
    for (const auto& [piece, id] : vocab.items()) size = std::max<Index>(size, id_of(id, piece) + 1);
    if (size > 16 * static_cast<Index>(vocab.size()) + 1024)
      refuse("model.vocab has ", vocab.size(), " pieces but ids up to ", size - 1);
    pieces_.resize(static_cast<std::size_t>(size));
    for (const auto& [piece, id] : vocab.items()) {
      std::string& slot = pieces_[static_cast<std::size_t>(id.template get<Index>())];
      if (!slot.empty()) refuse("model.vocab gives id ", id.template get<Index>(), " to both '", slot, "' and '", piece, "'");
      slot = piece;
    }
    for (const Json& m : json_array(model, "merges", file_)) {
      if (m.is_string()) {
        const std::string& both = m.get_ref<const std::string&>();
        const auto space = both.find(' ');
        if (space == both.npos || both.find(' ', space + 1) != both.npos) refuse("merge '", both, "' is not two pieces");
        merges_.emplace_back(both.substr(0, space), both.substr(space + 1));
      } else if (m.is_array() && m.size() == 2 && m[0].is_string() && m[1].is_string()) {
        merges_.emplace_back(m[0].get<std::string>(), m[1].get<std::string>());
      } else {
        refuse("model.merges holds something that is not two pieces");
      }
    }
    ignore_merges_ = json_get_or<bool>(model, "ignore_merges", false, file_);
    byte_fallback_ = json_get_or<bool>(model, "byte_fallback", false, file_);
    fuse_unk_ = json_get_or<bool>(model, "fuse_unk", false, file_);
    unk_ = json_get_or<std::string>(model, "unk_token", "", file_);
  }

  std::optional<TokenId> token_named(const std::string& name, const char* what) const {
    if (name.empty()) return std::nullopt;
    for (const text::AddedToken& t : added_)
      if (t.content == name) return t.id;
    const auto at = std::find(pieces_.begin(), pieces_.end(), name);
    if (at == pieces_.end()) refuse(what, " '", name, "' is not in the vocabulary");
    return static_cast<TokenId>(at - pieces_.begin());
  }

  text::ByteLevelSpec byte_level(const std::string& bos, const std::string& eos) {
    text::ByteLevelSpec spec;
    spec.bos = token_named(bos, "bos_token");
    spec.eos = token_named(eos, "eos_token");
    for (const Json* n : normalizers_) {
      if (type_of(*n) != "NFC") refuse("normalizer '", type_of(*n), "' is not supported with byte-level pieces; NFC is");
      spec.nfc = true;
    }
    spec.split = text::Split::none;
    bool prefix = false;
    for (std::size_t i = 0; i < pre_tokenizers_.size(); ++i) {
      const Json& p = *pre_tokenizers_[i];
      const std::string type = type_of(p);
      if (type == "ByteLevel") {
        if (i + 1 != pre_tokenizers_.size()) refuse("pre_tokenizer ByteLevel is not the last one");
        prefix = json_get_or<bool>(p, "add_prefix_space", true, file_);
        if (json_get_or<bool>(p, "use_regex", true, file_)) {
          if (spec.split != text::Split::none) refuse("pre_tokenizer: two expressions after each other are not supported");
          spec.split = text::Split::gpt2;
        }
      } else if (type == "Digits" && i == 0) {
        if (!json_get_or<bool>(p, "individual_digits", false, file_)) refuse("pre_tokenizer Digits that keeps runs is not supported");
        spec.digits = true;
      } else if (type == "Split" && spec.split == text::Split::none) {
        spec.split = split_of(p);
      } else {
        refuse("pre_tokenizer '", type, "' is not supported here");
      }
    }
    if (prefix && (spec.digits || pre_tokenizers_.size() > 1)) refuse("pre_tokenizer ByteLevel with add_prefix_space after another one is not supported");
    spec.add_prefix_space = prefix;
    if (!unk_.empty()) refuse("model.unk_token is not supported with byte-level pieces");
    for (std::string& piece : pieces_)  // added tokens may hold what the alphabet does not: they stay as they are
      if (auto bytes = text::from_alphabet(piece)) piece = std::move(*bytes);
    for (auto& [left, right] : merges_) {
      auto l = text::from_alphabet(left), r = text::from_alphabet(right);
      if (!l || !r) refuse("merge '", left, "' + '", right, "' holds characters that stand for no byte");
      left = std::move(*l), right = std::move(*r);
    }
    spec.bpe.pieces = std::move(pieces_);
    spec.bpe.merges = std::move(merges_);
    spec.bpe.ignore_merges = ignore_merges_;
    spec.added = added_;
    return spec;
  }

  text::Split split_of(const Json& p) const {
    constexpr std::string_view gpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
    constexpr std::string_view head = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)";
    constexpr std::string_view tail = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
    const std::string behavior = json_get<std::string>(p, "behavior", file_);
    if (behavior != "Isolated" || json_get_or<bool>(p, "invert", false, file_))
      refuse("pre_tokenizer Split with behavior '", behavior, "' or invert is not supported");
    const std::string regex = json_get<std::string>(json_object(p, "pattern", file_), "Regex", file_);
    if (regex == gpt2) return text::Split::gpt2;
    if (regex == cat(head, R"(\p{N}{1,3})", tail)) return text::Split::llama3;
    if (regex == cat(head, R"(\p{N})", tail)) return text::Split::qwen2;
    refuse("pre_tokenizer Split: the expression ", regex, " is not known; those of GPT-2, Llama 3 and Qwen2 are");
  }

  text::SpmSpec spm(const std::string& bos, const std::string& eos) {
    constexpr std::string_view space = "\xE2\x96\x81";
    text::SpmSpec spec;
    spec.bos = token_named(bos, "bos_token");
    spec.eos = token_named(eos, "eos_token");
    spec.unk = token_named(unk_, "unk_token");
    bool replaced = false, prepended = false;
    for (const Json* n : normalizers_) {
      const std::string type = type_of(*n);
      if (type == "Prepend" && json_get<std::string>(*n, "prepend", file_) == space) {
        prepended = true;
      } else if (type == "Replace" && json_get<std::string>(*n, "content", file_) == space &&
                 json_get<std::string>(json_object(*n, "pattern", file_), "String", file_) == " ") {
        replaced = true;
      } else {
        refuse("normalizer '", type, "' is not supported with SentencePiece-style pieces; Prepend and Replace of the space are");
      }
    }
    spec.prefix = prepended ? text::SpmSpec::Prefix::always : text::SpmSpec::Prefix::never;
    if (pre_tokenizers_.size() > 1) refuse("more than one pre_tokenizer is not supported with SentencePiece-style pieces");
    if (!pre_tokenizers_.empty()) {
      const Json& p = *pre_tokenizers_[0];
      if (type_of(p) != "Metaspace" || json_get_or<std::string>(p, "replacement", std::string(space), file_) != space)
        refuse("pre_tokenizer '", type_of(p), "' is not supported; ByteLevel and Metaspace are");
      if (prepended) refuse("normalizer Prepend and pre_tokenizer Metaspace together are not supported");
      replaced = true;
      std::string scheme = json_get_or<std::string>(p, "prepend_scheme", "", file_);
      if (scheme.empty()) scheme = json_get_or<bool>(p, "add_prefix_space", true, file_) ? "always" : "never";
      if (scheme == "always") spec.prefix = text::SpmSpec::Prefix::always_unless_there;
      else if (scheme == "first") spec.prefix = text::SpmSpec::Prefix::first_unless_there;
      else if (scheme != "never") refuse("Metaspace prepend_scheme '", scheme, "' is not known");
      spec.split = json_get_or<bool>(p, "split", true, file_);
    }
    if (!replaced) refuse("neither ByteLevel nor a replacement of spaces: this kind of tokenizer is not supported");
    spec.byte_fallback = byte_fallback_;
    spec.fuse_unk = fuse_unk_;
    spec.bpe.pieces = std::move(pieces_);
    spec.bpe.merges = std::move(merges_);
    spec.bpe.ignore_merges = ignore_merges_;
    if (ignore_merges_) refuse("ignore_merges is not supported with SentencePiece-style pieces");
    spec.added = added_;
    return spec;
  }

  /// What the post-processor puts before and after a single text.
  std::pair<std::vector<TokenId>, std::vector<TokenId>> frame(const text::AnyTokenizer& t) const {
    std::vector<TokenId> before, after;
    for (const Json* p : components("post_processor", "processors")) {
      const std::string type = type_of(*p);
      if (type == "ByteLevel") continue;  // offsets only
      if (type != "TemplateProcessing") refuse("post_processor '", type, "' is not supported; TemplateProcessing and ByteLevel are");
      bool text_seen = false;
      for (const Json& item : json_array(*p, "single", file_)) {
        if (json_find(item, "Sequence")) {
          if (text_seen) refuse("post_processor: the template names the text twice");
          text_seen = true;
          continue;
        }
        const std::string name = json_get<std::string>(json_object(item, "SpecialToken", file_), "id", file_);
        const Json& token = json_object(json_object(*p, "special_tokens", file_), name, file_);
        for (const Json& id : json_array(token, "ids", file_)) {
          const TokenId i = id_of(id, name);
          if (i >= t.vocab_size()) refuse("post_processor: token '", name, "' has id ", i, ", the vocabulary has ", t.vocab_size());
          (text_seen ? after : before).push_back(i);
        }
      }
      if (!text_seen) refuse("post_processor: the template leaves out the text");
    }
    return {before, after};
  }

  const Json& root_;
  std::string_view file_;
  std::vector<text::AddedToken> added_;
  std::vector<std::string> pieces_;
  std::vector<std::pair<std::string, std::string>> merges_;
  std::vector<const Json*> normalizers_, pre_tokenizers_;
  bool ignore_merges_ = false, byte_fallback_ = false, fuse_unk_ = false;
  std::string unk_;
};

}  // namespace detail

NVEMBED_INLINE text::AnyTokenizer tokenizer_from_json(std::string_view content, std::string_view file,
                                                      const std::string& bos, const std::string& eos) {
  const Json root = parse_json(content, file);
  return detail::TokenizerJson(root, file).read(bos, eos);
}

}  // namespace nvembed

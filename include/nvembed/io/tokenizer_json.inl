#pragma once

#include <limits>
#include <nvembed/io/json.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/tokenizer_json.hpp>
#include <nvembed/text/bpe_tokenizer.hpp>
#include <string>
#include <utility>
#include <vector>

namespace nvembed {
namespace detail {

/// Reads the parts of one tokenizer.json. Views in the spec are into the document.
class TokenizerJson {
 public:
  TokenizerJson(const Json& root, std::string_view file) : root_(root), file_(file) {}

  text::AnyTokenizer read() {
    require<FileError>(root_.is_object(), "tokenizer", file_, ": expected a JSON object");
    added_tokens();
    if (const Json* n = json_find(root_, "normalizer")) normalizer(*n);
    if (const Json* p = json_find(root_, "pre_tokenizer")) pre_tokenizer(*p);
    if (bytes_) spec_.model.units = text::BpeSpec::Units::bytes;
    model(json_object(root_, "model", file_));
    if (const Json* p = json_find(root_, "post_processor")) post_processor(*p);
    if (!before_.empty()) spec_.bos = before_.front();
    if (!after_.empty()) spec_.eos = after_.back();
    try {
      text::BpeTokenizer tokenizer(spec_);
      for (const auto* frame : {&before_, &after_})
        for (const TokenId id : *frame)
          require<InputError>(id < tokenizer.vocab_size(), "tokenizer", "post_processor names the id ", id,
                              ", the vocabulary ends at ", tokenizer.vocab_size());
      return {std::move(tokenizer), std::move(before_), std::move(after_)};
    } catch (const InputError& e) {
      throw FileError(cat(e.what(), " (", file_, ")"));
    }
  }

 private:
  template <class... Parts>
  [[noreturn]] void unsupported(Parts&&... parts) const {
    fail<FileError>("tokenizer", file_, ": ", std::forward<Parts>(parts)...);
  }
  std::string where(std::string_view part) const { return cat(file_, ": ", part); }

  TokenId id(const Json& value, std::string_view key, std::string_view where) const {
    const Index id = json_as<Index>(value, key, where);
    require<FileError>(id >= 0 && id <= std::numeric_limits<TokenId>::max(), "tokenizer", where, ": ", key, ": the id ",
                       id, " is not between 0 and 2147483647");
    return static_cast<TokenId>(id);
  }

  /// Calls f for a component or, in order, for the members of a `Sequence` under `list`.
  template <class F>
  void each(const Json& component, std::string_view list, std::string_view part, F&& f) const {
    const std::string place = where(part);
    if (json_get<std::string>(component, "type", place) != "Sequence") return f(component);
    for (const Json& member : json_array(component, list, place)) each(member, list, part, f);
  }
  static std::string type(const Json& component) { return component.at("type").get<std::string>(); }

  void added_tokens() {
    const Json* list = json_find(root_, "added_tokens");
    if (!list) return;
    const std::string place = where("added_tokens");
    for (const Json& t : json_array(root_, "added_tokens", file_)) {
      text::AddedToken token;
      token.content = json_get<std::string>(t, "content", place);
      token.id = id(json_at(t, "id", place), "id", place);
      token.special = json_get_or(t, "special", false, place);
      token.lstrip = json_get_or(t, "lstrip", false, place);
      token.rstrip = json_get_or(t, "rstrip", false, place);
      token.single_word = json_get_or(t, "single_word", false, place);
      token.normalized = json_get_or(t, "normalized", !token.special, place);
      spec_.added.push_back(std::move(token));
    }
  }

  void normalizer(const Json& component) {
    using Kind = text::NormalizerStep::Kind;
    const std::string place = where("normalizer");
    each(component, "normalizers", "normalizer", [&](const Json& c) {
      const std::string kind = type(c);
      if (kind == "NFC") {
        spec_.normalizer.push_back({Kind::nfc});
      } else if (kind == "Prepend") {
        spec_.normalizer.push_back({Kind::prepend, {}, json_get<std::string>(c, "prepend", place)});
      } else if (kind == "Replace") {
        const Json& pattern = json_at(c, "pattern", place);
        if (!json_find(pattern, "String")) unsupported("normalizer: Replace works for a String pattern alone");
        spec_.normalizer.push_back({Kind::replace, json_get<std::string>(pattern, "String", place),
                                    json_get<std::string>(c, "content", place)});
      } else {
        unsupported("normalizer '", printable(kind), "' is not supported; known: NFC, Prepend, Replace, Sequence");
      }
    });
  }

  void pre_tokenizer(const Json& component) {
    const std::string place = where("pre_tokenizer");
    each(component, "pretokenizers", "pre_tokenizer", [&](const Json& c) {
      const std::string kind = type(c);
      if (bytes_ || spec_.metaspace)
        unsupported("pre_tokenizer: '", printable(kind), "' behind ByteLevel or Metaspace");
      if (kind == "ByteLevel") {
        bytes_ = true;
        if (json_get_or(c, "add_prefix_space", true, place)) spec_.cuts.push_back(text::Cut::leading_space);
        if (json_get_or(c, "use_regex", true, place)) spec_.cuts.push_back(text::Cut::gpt2);
      } else if (kind == "Digits") {
        const bool each = json_get_or(c, "individual_digits", false, place);
        spec_.cuts.push_back(each ? text::Cut::digits : text::Cut::digit_runs);
      } else if (kind == "Split") {
        spec_.cuts.push_back(split(c, place));
      } else if (kind == "Metaspace") {
        if (!spec_.cuts.empty()) unsupported("pre_tokenizer: Metaspace behind another one is not supported");
        spec_.metaspace = metaspace(c, place);
      } else {
        unsupported("pre_tokenizer '", printable(kind),
                    "' is not supported; known: ByteLevel, Digits, Split, Metaspace, Sequence");
      }
    });
  }

  text::Cut split(const Json& c, const std::string& place) const {
    const Json& pattern = json_at(c, "pattern", place);
    if (!json_find(pattern, "Regex")) unsupported("pre_tokenizer: Split works for a Regex pattern alone");
    const std::string regex = json_get<std::string>(pattern, "Regex", place);
    const auto cut = text::cut_of_regex(regex);
    if (!cut) unsupported("pre_tokenizer: Split by the unknown expression ", printable(regex));
    // The expressions match every character, so that these two come to the same.
    const std::string behavior = json_get<std::string>(c, "behavior", place);
    const bool invert = json_get_or(c, "invert", false, place);
    if (behavior != "Isolated" && !(behavior == "Removed" && invert))
      unsupported("pre_tokenizer: Split with behavior '", printable(behavior), "' and invert ",
                  invert ? "true" : "false");
    return *cut;
  }

  text::Metaspace metaspace(const Json& c, const std::string& place) const {
    text::Metaspace m;
    m.replacement = json_get<std::string>(c, "replacement", place);
    m.split = json_get_or(c, "split", true, place);
    const bool legacy_prefix = json_get_or(c, "add_prefix_space", true, place);
    const std::string scheme = json_get_or(c, "prepend_scheme", std::string(legacy_prefix ? "always" : "never"), place);
    if (scheme == "always")
      m.prepend = text::Metaspace::Prepend::always;
    else if (scheme == "first")
      m.prepend = text::Metaspace::Prepend::first;
    else if (scheme == "never")
      m.prepend = text::Metaspace::Prepend::never;
    else
      unsupported("pre_tokenizer: Metaspace with the unknown prepend_scheme '", printable(scheme), "'");
    if (m.replacement.empty()) unsupported("pre_tokenizer: Metaspace without a replacement");
    return m;
  }

  void model(const Json& m) {
    const std::string place = where("model");
    const std::string kind = json_get_or(m, "type", std::string("BPE"), place);
    if (kind != "BPE") unsupported("tokenizer model '", printable(kind), "' is not supported; known: BPE");
    for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"})
      if (!json_get_or(m, affix, std::string(), place).empty()) unsupported("model: ", affix, " is not supported");
    if (const Json* dropout = json_find(m, "dropout"); dropout && json_as<double>(*dropout, "dropout", place) != 0)
      unsupported("model: dropout is not supported");

    text::BpeSpec& spec = spec_.model;
    spec.fuse_unknown = json_get_or(m, "fuse_unk", false, place);
    spec.byte_fallback = json_get_or(m, "byte_fallback", false, place);
    spec.ignore_merges = json_get_or(m, "ignore_merges", false, place);
    const Json& vocab = json_object(m, "vocab", place);
    spec.pieces.reserve(vocab.size());
    const std::string vocab_place = place + ": vocab";
    for (const auto& [piece, value] : vocab.get_ref<const Json::object_t&>())
      spec.pieces.emplace_back(piece, id(value, printable(piece), vocab_place));
    if (const Json* unknown = json_find(m, "unk_token")) {
      const std::string piece = json_as<std::string>(*unknown, "unk_token", place);
      const Json* value = json_find(vocab, piece);
      if (!value) unsupported("model: the unknown token '", printable(piece), "' is not in the vocabulary");
      spec.unknown = id(*value, printable(piece), vocab_place);
    }
    merges(json_array(m, "merges", place), place);
  }

  void merges(const Json& list, const std::string& place) {
    spec_.model.merges.reserve(list.size());
    for (const Json& merge : list) {
      const auto bad = [&] {
        unsupported("model: merge ", spec_.model.merges.size(), " is not two pieces (", place, ")");
      };
      if (merge.is_string()) {
        const std::string_view both = merge.get_ref<const std::string&>();
        const auto space = both.find(' ');
        if (space == both.npos || both.find(' ', space + 1) != both.npos) bad();
        spec_.model.merges.emplace_back(both.substr(0, space), both.substr(space + 1));
      } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
        spec_.model.merges.emplace_back(merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>());
      } else {
        bad();
      }
    }
  }

  void post_processor(const Json& component) {
    const std::string place = where("post_processor");
    bool done = false;
    each(component, "processors", "post_processor", [&](const Json& c) {
      const std::string kind = type(c);
      if (kind == "ByteLevel") return;  // moves offsets alone
      if (kind != "TemplateProcessing")
        unsupported("post_processor '", printable(kind),
                    "' is not supported; known: TemplateProcessing, ByteLevel, Sequence");
      if (done) unsupported("post_processor: more than one TemplateProcessing");
      done = true;
      template_processing(c, place);
    });
  }

  void template_processing(const Json& c, const std::string& place) {
    bool text_seen = false;
    for (const Json& item : json_array(c, "single", place)) {
      if (const Json* special = json_find(item, "SpecialToken")) {
        const std::string name = json_get<std::string>(*special, "id", place);
        const Json& entry = json_object(json_object(c, "special_tokens", place), name, place);
        for (const Json& value : json_array(entry, "ids", place))
          (text_seen ? after_ : before_).push_back(id(value, name, place));
      } else if (json_find(item, "Sequence") && !text_seen) {
        text_seen = true;
      } else {
        unsupported("post_processor: the template for one text is not one Sequence among SpecialTokens");
      }
    }
    if (!text_seen) unsupported("post_processor: the template for one text leaves out the text");
  }

  const Json& root_;
  std::string_view file_;
  text::TokenizerSpec spec_;
  bool bytes_ = false;
  std::vector<TokenId> before_, after_;
};

}  // namespace detail

NVEMBED_INLINE text::AnyTokenizer tokenizer_from_json(std::string_view content, std::string_view file_name) {
  const Json root = parse_json(content, file_name);
  return detail::TokenizerJson(root, file_name).read();
}

}  // namespace nvembed

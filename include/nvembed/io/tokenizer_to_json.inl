#pragma once

#include <algorithm>
#include <nvembed/io/json.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/tokenizer_to_json.hpp>
#include <nvembed/text/unicode.hpp>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace nvembed {
namespace detail {

/// Writes the parts of one tokenizer.json.
class TokenizerWriter {
 public:
  TokenizerWriter(const GgufTokenizer& t, const Gguf& file) : t_(t), spec_(t.spec), file_(file) {}

  std::string write() const {
    const bool bytes = spec_.model.units == text::BpeSpec::Units::bytes;
    const Json j{{"version", "1.0"},
                 {"truncation", nullptr},
                 {"padding", nullptr},
                 {"added_tokens", added()},
                 {"normalizer", normalizer()},
                 {"pre_tokenizer", bytes ? pre_tokenizer() : Json()},
                 {"post_processor", post_processor()},
                 {"decoder", decoder(bytes)},
                 {"model", model()}};
    return j.dump(2) + "\n";
  }

  /// The string of a token that the file's metadata names; null where it names none.
  Json token(const std::optional<TokenId>& id) const { return id ? Json(piece(*id)) : Json(); }

 private:
  void check(bool ok, std::string_view what) const {
    require<FileError>(ok, "export", file_.path(), ": its tokenizer cannot be written as tokenizer.json: ", what);
  }
  std::string piece(TokenId id) const { return std::string(spec_.model.pieces[static_cast<std::size_t>(id)].first); }
  static Json sequence(Json list, const char* members) {
    if (list.empty()) return nullptr;
    if (list.size() == 1) return list[0];
    return {{"type", "Sequence"}, {members, std::move(list)}};
  }
  static Json replace(std::string_view from, std::string_view to) {
    return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
  }

  Json added() const {
    Json list = Json::array();
    for (const text::AddedToken& a : spec_.added)
      list.push_back({{"id", a.id},
                      {"content", a.content},
                      {"single_word", a.single_word},
                      {"lstrip", a.lstrip},
                      {"rstrip", a.rstrip},
                      {"normalized", a.normalized},
                      {"special", a.special}});
    return list;
  }

  Json normalizer() const {
    using Kind = text::NormalizerStep::Kind;
    Json list = Json::array();
    for (const text::NormalizerStep& step : spec_.normalizer) {
      if (step.kind == Kind::nfc) list.push_back({{"type", "NFC"}});
      if (step.kind == Kind::prepend) list.push_back({{"type", "Prepend"}, {"prepend", step.content}});
      if (step.kind == Kind::replace) list.push_back(replace(step.pattern, step.content));
    }
    return sequence(std::move(list), "normalizers");
  }

  /// Cuts, then bytes. `ByteLevel` has GPT-2's expression built in.
  Json pre_tokenizer() const {
    Json list = Json::array();
    bool own = false;
    for (std::size_t i = 0; i < spec_.cuts.size(); ++i) {
      const text::Cut cut = spec_.cuts[i];
      own = cut == text::Cut::gpt2 && i + 1 == spec_.cuts.size();
      if (own) continue;
      if (cut == text::Cut::digits || cut == text::Cut::digit_runs) {
        list.push_back({{"type", "Digits"}, {"individual_digits", cut == text::Cut::digits}});
        continue;
      }
      const std::string regex = text::regex_of(cut);
      check(!regex.empty(), "a step of its pre-tokenizer");
      list.push_back({{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}});
    }
    list.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", own}});
    return sequence(std::move(list), "pretokenizers");
  }

  Json post_processor() const {
    if (t_.before.empty() && t_.after.empty()) return nullptr;
    Json single = Json::array(), pair = Json::array(), special = Json::object();
    const auto put = [&](Json& to, const std::vector<TokenId>& ids, int type) {
      for (const TokenId id : ids) {
        to.push_back({{"SpecialToken", {{"id", piece(id)}, {"type_id", type}}}});
        special[piece(id)] = {{"id", piece(id)}, {"ids", {id}}, {"tokens", {piece(id)}}};
      }
    };
    put(single, t_.before, 0);
    single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
    put(single, t_.after, 0);
    pair = single;
    put(pair, t_.before, 1);
    pair.push_back({{"Sequence", {{"id", "B"}, {"type_id", 1}}}});
    put(pair, t_.after, 1);
    return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special}};
  }

  Json decoder(bool bytes) const {
    if (bytes) return {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
    Json list{replace(text::visible_space, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}};
    for (const text::NormalizerStep& step : spec_.normalizer)
      if (step.kind == text::NormalizerStep::Kind::prepend)
        list.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    return sequence(std::move(list), "decoders");
  }

  Json model() const {
    const text::BpeSpec& m = spec_.model;
    Json vocab = Json::object(), merges = Json::array();
    for (const auto& [piece, id] : m.pieces) {
      check(text::find_invalid_utf8(piece) == std::string::npos, cat("token ", id, " is not valid UTF-8"));
      vocab.emplace(piece, id);  // of pieces that are spelled the same the first counts
    }
    for (const auto& [left, right] : m.scores.empty() ? m.merges : merges_of_scores()) merges.push_back({left, right});
    return {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", token(m.unknown)},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", m.fuse_unknown},
            {"byte_fallback", m.byte_fallback},
            {"ignore_merges", m.ignore_merges},
            {"vocab", vocab},
            {"merges", merges}};
  }

  /// As `generate_merges` of transformers' tokenization_utils_sentencepiece has it: by the score of what a pair makes,
  /// then by the lengths of its halves, the greater first; what is left equal, by ids.
  std::vector<std::pair<std::string_view, std::string_view>> merges_of_scores() const {
    const text::BpeSpec& m = spec_.model;
    std::unordered_map<std::string_view, std::size_t> usable;
    for (std::size_t i = 0; i < m.pieces.size(); ++i) {
      const std::string_view piece = m.pieces[i].first;
      if (m.usable.empty() || m.usable[i]) {
        usable.emplace(piece, i);
      } else {
        // Merging begins with characters: one that text must not become could not be told from others.
        std::size_t next = 0;
        if (!piece.empty() && text::find_invalid_utf8(piece) == std::string::npos) text::next_code_point(piece, next);
        check(piece.empty() || next < piece.size(), cat("token ", i, ", one character, is never to be used"));
      }
    }
    struct Merge {
      float score;
      std::size_t left_length, right_length, left_id, right_id;
      std::string_view left, right;
    };
    std::vector<Merge> all;
    for (const auto& [piece, i] : usable) {
      if (text::find_invalid_utf8(piece) != std::string::npos) continue;  // refused with the vocabulary
      for (std::size_t at = 0, characters = 0; at < piece.size(); ++characters) {
        if (at > 0) {
          const auto left = usable.find(piece.substr(0, at)), right = usable.find(piece.substr(at));
          if (left != usable.end() && right != usable.end())
            all.push_back({m.scores[i], characters, length(piece.substr(at)), left->second, right->second, left->first,
                           right->first});
        }
        text::next_code_point(piece, at);
      }
    }
    std::sort(all.begin(), all.end(), [](const Merge& a, const Merge& b) {
      return std::tuple(-a.score, -static_cast<Index>(a.left_length), -static_cast<Index>(a.right_length), a.left_id,
                        a.right_id) < std::tuple(-b.score, -static_cast<Index>(b.left_length),
                                                 -static_cast<Index>(b.right_length), b.left_id, b.right_id);
    });
    std::vector<std::pair<std::string_view, std::string_view>> merges;
    merges.reserve(all.size());
    for (const Merge& merge : all) merges.emplace_back(merge.left, merge.right);
    return merges;
  }
  static std::size_t length(std::string_view text) {
    std::size_t n = 0;
    for (std::size_t at = 0; at < text.size(); ++n) text::next_code_point(text, at);
    return n;
  }

  const GgufTokenizer& t_;
  const text::TokenizerSpec& spec_;
  const Gguf& file_;
};

}  // namespace detail

NVEMBED_INLINE std::string tokenizer_to_json(const GgufTokenizer& tokenizer, const Gguf& file) {
  return detail::TokenizerWriter(tokenizer, file).write();
}

NVEMBED_INLINE std::string tokenizer_config_to_json(const GgufTokenizer& tokenizer, const Gguf& file,
                                                    Index max_length) {
  const detail::TokenizerWriter writer(tokenizer, file);
  const auto count = static_cast<Index>(tokenizer.spec.model.pieces.size());
  const auto named = [&](const char* key) -> std::optional<TokenId> {
    const Index id = file.get_or<Index>(cat("tokenizer.ggml.", key), -1);
    return id >= 0 && id < count ? std::optional(static_cast<TokenId>(id)) : std::nullopt;
  };
  const auto pad = named("padding_token_id"), unknown = named("unknown_token_id");
  // PreTrainedTokenizerFast takes tokenizer.json as it stands; the models' own classes would change it.
  Json j{{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}};
  const auto put = [&](const char* key, const std::optional<TokenId>& id) {
    if (id) j[key] = writer.token(id);
  };
  put("bos_token", tokenizer.spec.bos);
  put("eos_token", tokenizer.spec.eos);
  put("unk_token", unknown ? unknown : tokenizer.spec.model.unknown);
  put("pad_token", pad ? pad : tokenizer.spec.eos);  // batches need one; it is masked
  if (max_length > 0) j["model_max_length"] = max_length;
  return j.dump(2) + "\n";
}

}  // namespace nvembed

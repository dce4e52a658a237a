#pragma once

#include <algorithm>
#include <nvembed/text/bpe_tokenizer.hpp>
#include <nvembed/text/shown.hpp>
#include <nvembed/text/word_cache.hpp>

namespace nvembed::text {

NVEMBED_INLINE BpeTokenizer::BpeTokenizer(const TokenizerSpec& spec)
    : bpe_(spec.model),
      normalizer_(spec.normalizer),
      metaspace_(spec.metaspace),
      cuts_(spec.cuts),
      bos_(spec.bos),
      eos_(spec.eos),
      vocab_size_(bpe_.size()) {
  require<InputError>(!metaspace_ || (cuts_.empty() && !metaspace_->replacement.empty()), "tokenizer",
                      "a Metaspace pre-tokenizer stands alone and has a replacement");
  // Cuts call each other, as deep as there are of them.
  require<InputError>(cuts_.size() <= 64, "tokenizer", "a pre-tokenizer of ", cuts_.size(), " parts; 64 can be had");
  const Index most = 2 * (bpe_.size() + static_cast<Index>(spec.added.size())) + 65536;
  std::vector<AddedToken> raw, normalized;
  for (const AddedToken& token : spec.added) {
    require<InputError>(token.id >= 0 && token.id < most, "tokenizer", "added token '", detail::shown(token.content),
                        "' has the id ", token.id, ", the vocabulary ends at ", bpe_.size());
    require<InputError>(find_invalid_utf8(token.content) == std::string::npos, "tokenizer", "added token ", token.id,
                        " is not valid UTF-8");
    vocab_size_ = std::max(vocab_size_, static_cast<Index>(token.id) + 1);
    added_text_[token.id] = token.content;
    added_id_[token.content] = token.id;
    if (token.normalized) {
      NormalizedText content(token.content, false);
      content.apply(normalizer_);
      normalized.push_back(token);
      normalized.back().content = content.text();
    } else {
      raw.push_back(token);
    }
  }
  for (const auto& id : {bos_, eos_})
    require<InputError>(!id || (*id >= 0 && *id < vocab_size_), "tokenizer", "BOS or EOS has the id ", id.value_or(0),
                        ", the vocabulary ends at ", vocab_size_);
  raw_added_ = SpecialTokens(std::move(raw));
  normalized_added_ = SpecialTokens(std::move(normalized));

  const bool characters = spec.model.units == BpeSpec::Units::characters;
  cut_at_spaces_ = characters && bpe_.cuts_before(visible_space);
  const bool by_words = std::any_of(cuts_.begin(), cuts_.end(),
                                    [](Cut c) { return c == Cut::gpt2 || c == Cut::llama3 || c == Cut::qwen2; });
  // Whether a space stays a place to cut through the normalisation.
  bool visible = metaspace_ && metaspace_->replacement == visible_space, kept = true;
  for (const NormalizerStep& step : normalizer_) {
    const bool makes_visible =
        step.kind == NormalizerStep::Kind::replace && step.pattern == " " && step.content == visible_space;
    visible = visible || makes_visible;
    kept = kept && step.kind == NormalizerStep::Kind::nfc;
    if (step.kind == NormalizerStep::Kind::replace && !makes_visible) return;
  }
  if (normalized_added_.any(true)) return;
  windows_ = by_words ? kept : visible && cuts_.empty() && (cut_at_spaces_ || (metaspace_ && metaspace_->split));
}

/// One call of encode.
struct BpeTokenizer::Run {
  const BpeTokenizer& t;
  std::vector<TokenId>& out;
  const TokenizeOptions& options;
  std::size_t start = out.size();
  std::size_t last_end = 0;
  std::vector<Symbol> symbols{};
  detail::WordCache cache{};
  // The stretch that is being worked on.
  const NormalizedText* normal = nullptr;
  std::size_t base = 0;  // of the stretch, in bytes of the text

  bool full() const { return static_cast<Index>(out.size() - start) > options.limit; }
  void emit(TokenId id, std::size_t end) {
    out.push_back(id);
    // Added tokens overlap where one takes white space that the next one is made of.
    last_end = std::max(last_end, end);
    if (options.ends) options.ends->push_back(static_cast<Index>(last_end));
  }
  std::size_t source(Index normal_end) const { return base + static_cast<std::size_t>(normal->source_end(normal_end)); }

  void text(std::string_view text) {
    SpecialTokens::Search search(t.raw_added_, text, options.parse_special);
    std::size_t done = 0;
    for (SpecialTokens::Found found; !full() && search.next(found);) {
      if (found.begin > done && !raw_stretch(text.substr(done, found.begin - done), done)) return;
      emit(found.id, found.end);
      done = found.end;
    }
    if (!full() && done < text.size()) raw_stretch(text.substr(done), done);
  }

  bool raw_stretch(std::string_view raw, std::size_t at) {
    for (std::size_t done = 0; done < raw.size();) {
      const std::size_t size = t.windows_ ? window(raw.substr(done)) : raw.size();
      NormalizedText window(raw.substr(done, size), options.ends != nullptr);
      window.apply(t.normalizer_, done == 0);
      normal = &window;
      base = at + done;
      if (!stretch(window, done == 0)) return false;
      done += size;
    }
    return true;
  }
  static std::size_t window(std::string_view raw) {
    constexpr std::size_t wanted = 1 << 15;
    if (raw.size() <= 2 * wanted) return raw.size();
    for (std::size_t i = wanted; i < raw.size(); ++i) {
      const int before = raw[i - 1] | 0x20;
      if (raw[i] == ' ' && before >= 'a' && before <= 'z') return i;
    }
    return raw.size();
  }

  /// A normalised stretch; false once the limit is reached.
  bool stretch(const NormalizedText& stretch, bool first) {
    const std::string_view text = stretch.text();
    SpecialTokens::Search search(t.normalized_added_, text, options.parse_special);
    std::size_t done = 0;
    for (SpecialTokens::Found found; !full() && search.next(found);) {
      if (found.begin > done && !piece(text.substr(done, found.begin - done), done, first)) return false;
      emit(found.id, source(static_cast<Index>(found.end)));
      done = found.end;
    }
    return !full() && (done == text.size() || piece(text.substr(done), done, first));
  }

  /// What lies between added tokens, at byte `at` of the stretch.
  bool piece(std::string_view text, std::size_t at, bool first) {
    if (t.metaspace_) return metaspace(*t.metaspace_, text, at, first);
    if (t.cuts_.empty() && t.cut_at_spaces_) return at_spaces(text, static_cast<Index>(at), false);
    return cut(0, text, static_cast<Index>(at));
  }

  bool metaspace(const Metaspace& m, std::string_view text, std::size_t at, bool first) {
    NormalizedText visible(text, options.ends != nullptr);
    visible.replace(" ", m.replacement);
    const bool wanted = m.prepend == Metaspace::Prepend::always
                            ? first || at > 0
                            : m.prepend == Metaspace::Prepend::first && first && at == 0 && base == 0;
    if (wanted && !visible.text().starts_with(m.replacement)) visible.prepend(m.replacement);
    const Inner inner(*this, visible, at);
    if (m.split && m.replacement == visible_space) return at_spaces(visible.text(), 0, true);
    if (!m.split) return t.cut_at_spaces_ ? at_spaces(visible.text(), 0, false) : word(visible.text(), 0);
    const std::string_view all = visible.text();
    for (std::size_t begin = 0, end; begin < all.size(); begin = end) {
      end = std::min(all.find(m.replacement, begin + 1), all.size());
      if (!word(all.substr(begin, end - begin), static_cast<Index>(begin))) return false;
    }
    return true;
  }
  /// While it lives, places are those in `inner`, a text made of the stretch from `at` on.
  struct Inner {
    Run& run;
    const NormalizedText* inner_before;
    std::size_t at_before;
    Inner(Run& r, const NormalizedText& inner, std::size_t at) : run(r), inner_before(r.inner), at_before(r.inner_at) {
      run.inner = &inner;
      run.inner_at = at;
    }
    ~Inner() {
      run.inner = inner_before;
      run.inner_at = at_before;
    }
  };
  const NormalizedText* inner = nullptr;
  std::size_t inner_at = 0;

  /// Words that begin at a visible space: at every one, or at every run of them.
  bool at_spaces(std::string_view text, Index at, bool every) {
    constexpr std::size_t size = visible_space.size();
    for (std::size_t begin = 0; begin < text.size();) {
      std::size_t end = begin;
      while (!every && text.substr(end, size) == visible_space) end += size;
      end = std::min(text.find(visible_space, std::max(end, begin + 1)), text.size());
      if (!word(text.substr(begin, end - begin), at + static_cast<Index>(begin))) return false;
      begin = end;
    }
    return true;
  }

  /// Cuts number `step` on of a piece whose byte i is byte at + i of the stretch; -1: put before it.
  bool cut(std::size_t step, std::string_view text, Index at) {
    if (step == t.cuts_.size()) return word(text, at);
    const Cut how = t.cuts_[step];
    if (how == Cut::leading_space) {
      if (text.front() == ' ') return cut(step + 1, text, at);
      const std::string longer = " " + std::string(text);
      return cut(step + 1, longer, at - 1);
    }
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t size = cut_length(how, text, begin);
      if (!cut(step + 1, text.substr(begin, size), at + static_cast<Index>(begin))) return false;
      begin += size;
    }
    return true;
  }

  bool word(std::string_view text, Index at) {
    const auto place = [&](std::uint32_t end) {
      if (!options.ends) return std::size_t{0};
      Index n = std::max<Index>(at + static_cast<Index>(end), 0);
      if (inner) n = static_cast<Index>(inner_at) + inner->source_end(n);
      return source(n);
    };
    if (const TokenId id = t.bpe_.whole(text); id >= 0) {
      emit(id, place(static_cast<std::uint32_t>(text.size())));
      return !full();
    }
    std::span<const Symbol> found = cache.find(text);
    if (found.empty()) {
      t.bpe_.encode(text, symbols);
      cache.add(text, symbols);
      found = symbols;
    }
    for (const Symbol& s : found) emit(s.id, place(s.end));
    return !full();
  }
};

NVEMBED_INLINE void BpeTokenizer::encode(std::string_view text, std::vector<TokenId>& out,
                                         const TokenizeOptions& options) const {
  require_utf8(text);
  Run{*this, out, options}.text(text);
}

NVEMBED_INLINE std::string BpeTokenizer::token(TokenId id) const {
  const auto at = added_text_.find(id);
  return at == added_text_.end() ? std::string(bpe_.text(id)) : at->second;
}

NVEMBED_INLINE std::optional<TokenId> BpeTokenizer::find(std::string_view token) const {
  const auto at = added_id_.find(std::string(token));
  return at == added_id_.end() ? bpe_.find(token) : std::optional(at->second);
}

}  // namespace nvembed::text

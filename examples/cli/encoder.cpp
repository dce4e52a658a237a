#include "encoder.hpp"

#include <algorithm>
#include <cmath>
#include <nvembed/core/error.hpp>

namespace cli {

using nvembed::cat;

std::string Lines::str() const {
  constexpr std::size_t shown = 20;
  std::string s = count == 1 ? "line " : "lines ";
  for (std::size_t i = 0; i < std::min(shown, first.size()); ++i)
    s += (i == 0 ? "" : i + 1 == static_cast<std::size_t>(count) ? " and " : ", ") + std::to_string(first[i]);
  if (count > static_cast<Index>(shown)) s += " and " + grouped(count - static_cast<Index>(shown)) + " more";
  return s;
}

std::vector<Record> Encoder::take(const Next& next) {
  constexpr std::size_t most_bytes = std::size_t{8} << 20;
  std::vector<Record> records;
  Record record;
  for (std::size_t bytes = 0; records.size() < block_ && bytes < most_bytes && next(record);) {
    bytes += record.text.size();
    records.push_back(std::move(record));
    record = {};
  }
  return records;
}

/// The library counts texts; people count lines. Texts are looked at once more, on this path alone, to find the one.
void Encoder::name_line(std::span<const Record> records, std::span<const nvembed::Text> texts, const std::string& name,
                        const nvembed::InputError& error) const {
  const auto complain = [&](const Record& record, const std::string& why) {
    nvembed::fail<nvembed::InputError>("encode", name, ", line ", record.line, ": ", why);
  };
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::string why;
    try {
      const nvembed::BuiltInput built = model_.tokenize(texts[i], encode_);
      if (built.poolable() || encode_.on_empty == nvembed::OnEmpty::zero) continue;
      why = "leaves no token to pool: " + built.why_empty() + " (--on-error zero writes a row of zeros)";
    } catch (const nvembed::InputError& e) {
      why = e.what();
      const auto number = why.rfind(" (text ");
      if (number == why.npos) throw;  // about the options, not about this text
      why.resize(number);
      if (const auto place = why.find("] "); place != why.npos) why.erase(0, place + 2);
    }
    nvembed::fail<nvembed::InputError>("encode", name, ", line ", records[i].line, ": ", why);
  }
  throw error;
}

template <class Result, class Encode>
Result Encoder::block(std::span<const Record> records, const std::string& name, Encode&& encode) {
  std::vector<nvembed::Text> texts;
  for (const Record& r : records) texts.push_back(r.view());
  const Timer timer;
  nvembed::EncodeOptions o = encode_;
  o.progress = [&](const nvembed::Progress& p) { bar_.update(summary_.texts + p.texts, summary_.tokens + p.tokens); };
  Result result = [&] {
    try {
      return encode(std::span<const nvembed::Text>(texts), o);
    } catch (const nvembed::InputError& e) {
      name_line(records, texts, name, e);
    }
  }();
  if (const double s = timer.seconds(); s < 0.5)
    block_ = std::min<std::size_t>(block_ * 2, 2048);
  else if (s > 4)
    block_ = std::max<std::size_t>(block_ / 2, 8);
  for (const Index i : result.truncated) summary_.truncated.add(records[static_cast<std::size_t>(i)].line);
  summary_.texts += static_cast<Index>(records.size());
  return result;
}

void Encoder::run(const Next& next, const std::string& name,
                  const std::function<void(std::span<const Record>, const nvembed::Embeddings&)>& sink) {
  for (std::vector<Record> records; !(records = take(next)).empty();) {
    const auto e = block<nvembed::Embeddings>(
        records, name, [&](auto texts, const nvembed::EncodeOptions& o) { return model_.encode(texts, o); });
    summary_.tokens += e.tokens;
    for (const Index i : e.empty) summary_.empty.add(records[static_cast<std::size_t>(i)].line);
    sink(records, e);
  }
}

void Encoder::run_tokens(const Next& next, const std::string& name,
                         const std::function<void(std::span<const Record>, const nvembed::TokenStates&)>& sink) {
  for (std::vector<Record> records; !(records = take(next)).empty();) {
    const auto states = block<nvembed::TokenStates>(
        records, name, [&](auto texts, const nvembed::EncodeOptions& o) { return model_.encode_tokens(texts, o); });
    summary_.tokens += states.offsets.back();
    sink(records, states);
  }
}

void report(const Options& o, const Summary& s, double seconds) {
  const double time = std::max(seconds, 1e-9);
  const Index texts = s.texts - s.earlier_texts, tokens = s.tokens - s.earlier_tokens;
  note(o, cat(grouped(texts), texts == 1 ? " text, " : " texts, ", grouped(tokens), " tokens in ", duration(seconds),
              " (", grouped(std::llround(static_cast<double>(texts) / time)), " texts/s, ",
              grouped(std::llround(static_cast<double>(tokens) / time)), " tokens/s)",
              s.earlier_texts ? ", after " + grouped(s.earlier_texts) + " of an earlier run" : ""));
  if (s.truncated.count)
    note(o, cat(grouped(s.truncated.count), " cut short at the maximum length: ", s.truncated.str()));
  if (s.empty.count) note(o, cat(grouped(s.empty.count), " without a token to pool, zero: ", s.empty.str()));
}

}  // namespace cli

#include "encoder.hpp"

#include <algorithm>
#include <cmath>
#include <nvembed/core/error.hpp>
#include <utility>

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

Encoder::Block Encoder::take(const Next& next) {
  constexpr std::size_t most_bytes = std::size_t{8} << 20;
  Block block;
  Record record;
  for (std::size_t bytes = 0; block.records.size() < block_ && bytes < most_bytes && next(record);) {
    bytes += record.text.size();
    block.records.push_back(std::move(record));
    record = {};
  }
  std::vector<nvembed::Text> texts;  // views into the records, which keep their place when the block is moved
  for (const Record& r : block.records) texts.push_back(r.view());
  if (!texts.empty())
    block.prepared =
        std::async(std::launch::async, [this, texts = std::move(texts)] { return model_.prepare(texts, encode_); });
  return block;
}

template <class Encode>
void Encoder::run_blocks(const Next& next, const std::string& name, Encode&& encode) {
  nvembed::EncodeOptions o = encode_;
  o.progress = [&](const nvembed::Progress& p) { bar_.update(summary_.texts + p.texts, summary_.tokens + p.tokens); };
  for (Block coming = take(next); !coming.records.empty();) {
    Block block = std::exchange(coming, Block{});
    Timer timer;
    try {
      nvembed::PreparedTexts prepared = block.prepared.get();
      coming = take(next);
      timer = {};
      encode(std::span<const Record>(block.records), std::move(prepared), o);
    } catch (nvembed::Error& e) {  // the library counts texts; people count lines
      if (e.text()) e.name_text(place_of(name, block.records[static_cast<std::size_t>(*e.text())].line));
      throw;
    }
    if (const double s = timer.seconds(); s < 0.5)
      block_ = std::min<std::size_t>(block_ * 2, 2048);
    else if (s > 4)
      block_ = std::max<std::size_t>(block_ / 2, 8);
  }
}

void Encoder::run(const Next& next, const std::string& name,
                  const std::function<void(std::span<const Record>, const nvembed::Embeddings&)>& sink) {
  run_blocks(next, name, [&](std::span<const Record> records, nvembed::PreparedTexts prepared, const auto& o) {
    const auto line = [&](Index i) { return records[static_cast<std::size_t>(i)].line; };
    for (const Index i : prepared.truncated) summary_.truncated.add(line(i));
    for (const Index i : prepared.empty) summary_.empty.add(line(i));
    const nvembed::Embeddings e = model_.encode(std::move(prepared), o);
    summary_.texts += e.rows;
    summary_.tokens += e.tokens;
    sink(records, e);
  });
}

void Encoder::run_tokens(const Next& next, const std::string& name,
                         const std::function<void(std::span<const Record>, const nvembed::TokenStates&)>& sink) {
  encode_.on_empty = nvembed::OnEmpty::error;  // there is no row of zeros for no token
  run_blocks(next, name, [&](std::span<const Record> records, nvembed::PreparedTexts prepared, const auto& o) {
    for (const Index i : prepared.truncated) summary_.truncated.add(records[static_cast<std::size_t>(i)].line);
    const nvembed::TokenStates states = model_.encode_tokens(std::move(prepared), o);
    summary_.texts += static_cast<Index>(records.size());
    summary_.tokens += states.offsets.back();
    sink(records, states);
  });
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

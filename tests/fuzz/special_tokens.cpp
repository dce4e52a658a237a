#include <nvembed/text/bpe_tokenizer.hpp>

#include "tokenizing.hpp"

// Random bytes as added tokens and as the text they are looked for in. Two bytes of options; then, between NUL bytes,
// up to four tokens, each behind a byte of flags; then the text.
namespace {

using namespace nvembed::text;

TokenizerSpec spec_of(unsigned options) {
  static const std::vector<std::string> pieces = [] {
    std::vector<std::string> all{
        "<unk>", "ab", "bc", "abc", std::string(visible_space), std::string(visible_space) + "a"};
    for (char c = ' '; c < 0x7F; ++c) all.push_back({c});
    return all;
  }();
  TokenizerSpec spec;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    spec.model.pieces.emplace_back(pieces[i], static_cast<nvembed::TokenId>(i));
  spec.model.merges = {{"a", "b"}, {"b", "c"}, {"ab", "c"}, {visible_space, "a"}};
  spec.model.unknown = 0;
  spec.model.fuse_unknown = options & 1;
  if (options & 2) spec.model.units = BpeSpec::Units::bytes;
  if (options & 4) spec.normalizer.push_back({NormalizerStep::Kind::nfc});
  if (options & 8) {
    const auto of_spm = spm_normalizer(options & 16);
    spec.normalizer.insert(spec.normalizer.end(), of_spm.begin(), of_spm.end());
  }
  if (options & 32) {
    spec.metaspace = Metaspace{};
    spec.metaspace->split = options & 64;
  } else if (options & 64) {
    spec.cuts = {Cut::leading_space, options & 16 ? Cut::gpt2 : Cut::llama3};
  }
  return spec;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  TokenizerSpec spec = spec_of(data[0]);
  auto parts = fuzz::parts(fuzz::text(data + 2, size - 2), 5);
  const std::string_view text = parts.back();
  parts.pop_back();
  for (const std::string_view part : parts) {
    const auto flags = part.empty() ? 0u : static_cast<unsigned char>(part[0]);
    spec.added.push_back({.content = std::string(part.substr(part.empty() ? 0 : 1)),
                          .id = static_cast<nvembed::TokenId>(200 + spec.added.size()),
                          .special = (flags & 1) != 0,
                          .lstrip = (flags & 2) != 0,
                          .rstrip = (flags & 4) != 0,
                          .single_word = (flags & 8) != 0,
                          .normalized = (flags & 16) != 0});
  }
  fuzz::survives([&] { fuzz::check_tokenizer(BpeTokenizer(spec), text, data[1] & 1, data[1] >> 1); });
  return 0;
}

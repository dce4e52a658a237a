// A mask of one's own in a decoder. Usage: 03_own_mask MODEL
#include <cstdio>
#include <nvembed/nvembed.hpp>
using namespace nvembed;

// [mask]
/// Every token sees its own block of `size` tokens and the first token of the text: attention that costs the same
/// however long the text is.
struct Blocks {
  Index size = 16;

  NVEMBED_HD bool allows(Index q, Index k, const Segment&) const { return k == 0 || q / size == k / size; }
  NVEMBED_HD Range keys(Range queries, const Segment& s) const {  // from the first token on: it is always seen
    const Index end = ((queries.end - 1) / size + 1) * size;
    return {0, end < s.size ? end : s.size};
  }
};
static_assert(Mask<Blocks>);
// [mask]

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  // [open]
  using B = onednn::Backend;
  const B be;
  const auto files = open_model(argv[1]);  // tokenizer, sizes, settings; no weight is read yet
  // [open]

  // [use]
  Embedder<Decoder<B, Blocks>, pool::Mean> blocks{Decoder<B, Blocks>(files.decoder, Blocks{8}), {}};
  // [use]
  Embedder<Decoder<B, mask::Bidirectional>, pool::Mean> full{Decoder<B, mask::Bidirectional>(files.decoder), {}};
  load_weights(be, full.body, files.weights);
  // [run]
  load_weights(be, blocks.body, files.weights);
  const InputBuilder inputs(files.tokenizer, files.settings);  // text -> ids, with instruction, BOS and EOS
  Eval<B> cx(be);                                              // runs layers; one a thread
  // [run]
  for (const char* text :
       {"Short enough for one block.",
        "A text of more than eight tokens is cut into blocks that do not see each other, so its vector moves."}) {
    // [run]
    const Packed batch(std::vector{inputs.build(text, {}).text});
    const std::vector<float> a = blocks(cx, batch).to_host(cx.lane());  // (texts, dim), unit rows
    // [run]
    const std::vector<float> b = full(cx, batch).to_host(cx.lane());
    double cosine = 0;
    for (std::size_t i = 0; i < a.size(); ++i) cosine += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    std::printf("%lld tokens: cosine to full attention %.2f\n", static_cast<long long>(batch.tokens()), cosine);
  }
}

// A mask of one's own on the device, everything header-only. Usage: consumer_own_mask MODEL
#include <cstdio>
#include <nvembed/cuda/backend.cuh>
#include <nvembed/nvembed.hpp>
using namespace nvembed;

/// Every token sees its own block of `size` tokens and the first token of the text.
struct Blocks {
  Index size = 16;

  bool operator==(const Blocks&) const = default;
  NVEMBED_HD bool allows(Index q, Index k, const Segment&) const { return k == 0 || q / size == k / size; }
  NVEMBED_HD Range keys(Range queries, const Segment& s) const {
    const Index end = ((queries.end - 1) / size + 1) * size;
    return {0, end < s.size ? end : s.size};
  }
};
static_assert(Mask<Blocks>);

int main(int, char** argv) {
  using B = cuda::Backend;
  using Model = Embedder<Decoder<B, Blocks, Float16>, pool::Mean>;
  const B be;
  const auto files = open_model(argv[1]);
  Model model{Decoder<B, Blocks, Float16>(files.decoder, Blocks{2}), {}};
  load_weights(be, model.body, files.weights, Precision::f16);
  Eval<B> cx(be);
  const Packed batch(std::vector{InputBuilder(files.tokenizer, files.settings).build("a text of some words", {}).text});
  double square = 0;
  for (const float x : model(cx, batch).to_host(cx.lane())) square += static_cast<double>(x) * static_cast<double>(x);
  std::printf("%.2f\n", square);
}

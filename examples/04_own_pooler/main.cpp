// A pooler of one's own. Usage: 04_own_pooler MODEL
#include <cstdio>
#include <nvembed/nvembed.hpp>
using namespace nvembed;

// [pooler]
/// The mean of a text's first and last pooled token.
struct Ends {
  template <class Self, class V>
  static void reflect(Self&, V&&) {}  // no parameters

  /// hidden (tokens, dim) -> (texts, dim)
  template <Context C, class Var>
  auto operator()(C& cx, const Var& hidden, const Packed& batch) const {
    ops::GatherRows ends;  // two rows a text ...
    auto pairs = std::make_shared<std::vector<Segment>>();
    for (const Segment& s : batch.segments()) {
      pairs->push_back({static_cast<Index>(ends.rows.size()), 2, 0, 0, s.index});
      ends.rows.push_back(s.begin + s.pool_begin);
      ends.rows.push_back(s.begin + s.size - 1);
    }
    return cx.apply(ops::SegmentMean{pairs}, cx.apply(ends, hidden));  // ... averaged
  }
};
static_assert(Pooler<Ends, Eval<onednn::Backend>>);
// [pooler]

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  using B = onednn::Backend;
  const B be;
  const auto files = open_model(argv[1]);
  // [use]
  Embedder<Decoder<B, mask::Bidirectional>, Ends> model{Decoder<B, mask::Bidirectional>(files.decoder), {}};
  // [use]
  load_weights(be, model.body, files.weights);

  const InputBuilder inputs(files.tokenizer, files.settings);
  Eval<B> cx(be);
  std::vector<TokenizedText> texts;
  for (const char* text : {"the sea is deep", "the ocean is deep", "a compiler error"})
    texts.push_back(inputs.build(text, {}).text);
  const auto v = model(cx, Packed(texts)).to_host(cx.lane());
  const auto cosine = [&](Index i, Index j) {
    double sum = 0;
    for (Index c = 0; c < model.dim(); ++c)
      sum += static_cast<double>(v[static_cast<std::size_t>(i * model.dim() + c)]) *
             static_cast<double>(v[static_cast<std::size_t>(j * model.dim() + c)]);
    return sum;
  };
  std::printf("sea and ocean %.2f, sea and compiler %.2f\n", cosine(0, 1), cosine(0, 2));
}

// One decoder layer of SmolLM2-135M and of Mistral-7B, over texts of one length.
#include <nvembed/io/load.hpp>
#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/model/flop_count.hpp>
#include <support/bench.hpp>

namespace bench {
namespace {

template <class B>
void decoder_layer(benchmark::State& state) {
  DecoderConfig c = config(state.range(0));
  c.num_layers = c.vocab_size = 1;
  const Packed batch = texts(state.range(2), state.range(1));
  Decoder<B, mask::Bidirectional> decoder(c);
  Eval<B> cx(backend<B>());
  load_weights(cx.be(), decoder, RandomWeights{}, static_cast<Precision>(state.range(3)));
  const auto rope = decoder.rope_table(cx.lane(), batch.longest());
  const auto x = random_tensor(cx, {batch.tokens(), c.hidden_size});
  const double seconds = measure(state, [&] { decoder.layers[0](cx, x, batch, decoder.mask, rope); });
  double flop = 0;
  for (const Segment& s : batch.segments()) flop += flop_count(c, decoder.mask, s);
  state.SetLabel(std::string(name(static_cast<Precision>(state.range(3)))));
  state.SetItemsProcessed(state.iterations() * batch.tokens());
  report_flops(state, flop, seconds);
}
BENCHMARK_TEMPLATE(decoder_layer, onednn::Backend)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond)
    ->ArgNames({"model", "tokens", "texts", "precision"})
    ->ArgsProduct({{0}, {16}, {128}, {0}})
    ->ArgsProduct({{0, 1}, {128}, {4}, {0}})
    ->ArgsProduct({{0, 1}, {512, 2048}, {1}, {0}})
    ->ArgsProduct({{1}, {512}, {1}, {1, 3}});

}  // namespace
}  // namespace bench

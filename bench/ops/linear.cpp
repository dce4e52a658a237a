// y = x W^T with W held in every precision, at the shapes of SmolLM2-135M, Mistral-7B and NV-Embed's head.
#include <nvembed/io/load.hpp>
#include <nvembed/nn/linear.hpp>
#include <support/bench.hpp>

namespace bench {
namespace {

template <class B>
void linear(benchmark::State& state) {
  constexpr Index tokens = 512;
  const Index in = state.range(0), out = state.range(1);
  const auto precision = static_cast<Precision>(state.range(2));
  Eval<B> cx(backend<B>());
  nn::Linear<B, float> layer(in, out);
  load_weights(cx.be(), layer, RandomWeights{}, precision);
  const auto x = random_tensor(cx, {tokens, in});
  const double seconds = measure(state, [&] { layer(cx, x); });
  state.SetLabel(std::string(name(precision)));
  state.SetItemsProcessed(state.iterations() * tokens);
  report_flops(state, 2.0 * static_cast<double>(tokens * in * out), seconds);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->UseRealTime()->Unit(benchmark::kMillisecond)->ArgNames({"in", "out", "precision"});
  for (const auto& [in, out] :
       std::initializer_list<std::pair<Index, Index>>{{576, 960},
                                                      {576, 576},
                                                      {576, 3072},
                                                      {1536, 576},  // qkv, o, gate and up, down of SmolLM2
                                                      {4096, 6144},
                                                      {4096, 4096},
                                                      {4096, 28672},
                                                      {14336, 4096},  // the same of Mistral; 4096 to 4096: folded head
                                                      {4096, 32768},
                                                      {32768, 4096},
                                                      {16384, 4096}})  // to_q and net.0, to_out, net.2 of the head
    for (std::size_t p = 0; p < precision_names.size(); ++p) b->Args({in, out, static_cast<Index>(p)});
}
BENCHMARK_TEMPLATE(linear, onednn::Backend)->Apply(shapes);

}  // namespace
}  // namespace bench

// Kernels that move memory: norms, rotation, gates, pooling; weights decoded and numbers converted.
#include <nvembed/cpu/kernels.hpp>
#include <nvembed/ops/gated.hpp>
#include <nvembed/ops/l2_normalize.hpp>
#include <nvembed/ops/layer_norm.hpp>
#include <nvembed/ops/rms_norm.hpp>
#include <nvembed/ops/rope.hpp>
#include <nvembed/ops/segment_mean.hpp>
#include <nvembed/ops/softmax.hpp>
#include <support/bench.hpp>

namespace bench {
namespace {

constexpr Index tokens = 512;

/// Times op(inputs...), which reads its first input and writes its result, weights being small.
template <class B, class Op, class... Inputs>
void run(benchmark::State& state, Eval<B>& cx, const Op& op, const Tensor<B, float>& x, const Inputs&... inputs) {
  Index written = 0;
  const double seconds = measure(state, [&] { written = cx.apply(op, x, inputs...).size(); });
  state.SetItemsProcessed(state.iterations() * x.rows());
  report_bytes(state, (x.size() + written) * 4, seconds);
}

template <class B>
void rms_norm(benchmark::State& state) {
  Eval<B> cx(backend<B>());
  run(state, cx, ops::RmsNorm{}, random_tensor(cx, {tokens, state.range(0)}), random_tensor(cx, {1, state.range(0)}));
}
template <class B>
void layer_norm(benchmark::State& state) {
  Eval<B> cx(backend<B>());
  const Index dim = state.range(0);
  run(state, cx, ops::LayerNorm{}, random_tensor(cx, {tokens, dim}), random_tensor(cx, {1, dim}),
      random_tensor(cx, {1, dim}));
}
template <class B>
void l2_normalize(benchmark::State& state) {
  Eval<B> cx(backend<B>());
  run(state, cx, ops::L2Normalize{}, random_tensor(cx, {tokens, state.range(0)}));
}
/// Over the scores of 8 heads and 512 latents.
template <class B>
void softmax(benchmark::State& state) {
  Eval<B> cx(backend<B>());
  run(state, cx, ops::Softmax{512, 1.0}, random_tensor(cx, {tokens, 8 * 512}));
}
template <class B, Gate gate>
void gated(benchmark::State& state) {
  Eval<B> cx(backend<B>());
  run(state, cx, ops::Gated{gate}, random_tensor(cx, {tokens, 2 * state.range(0)}));
}
template <class B>
void rope(benchmark::State& state) {
  Eval<B> cx(backend<B>());
  const Index heads = state.range(0), half = state.range(1) / 2;
  run(state, cx,
      ops::Rope<B, float>{texts(4, tokens / 4).shared_segments(), random_tensor(cx, {tokens / 4, half}),
                          random_tensor(cx, {tokens / 4, half}), heads},
      random_tensor(cx, {tokens, heads * 2 * half}));
}
template <class B>
void segment_mean(benchmark::State& state) {
  Eval<B> cx(backend<B>());
  run(state, cx, ops::SegmentMean{texts(4, tokens / 4).shared_segments()}, random_tensor(cx, {tokens, state.range(0)}));
}

#define NVEMBED_BENCH(...) BENCHMARK_TEMPLATE(__VA_ARGS__)->UseRealTime()
NVEMBED_BENCH(rms_norm, onednn::Backend)->ArgName("dim")->Arg(576)->Arg(4096);
NVEMBED_BENCH(layer_norm, onednn::Backend)->ArgName("dim")->Arg(576)->Arg(4096);
NVEMBED_BENCH(l2_normalize, onednn::Backend)->ArgName("dim")->Arg(576)->Arg(4096);
NVEMBED_BENCH(softmax, onednn::Backend);
NVEMBED_BENCH(gated, onednn::Backend, Gate::swiglu)->ArgName("width")->Arg(1536)->Arg(14336);
NVEMBED_BENCH(gated, onednn::Backend, Gate::geglu)->ArgName("width")->Arg(16384);
NVEMBED_BENCH(rope, onednn::Backend)->ArgNames({"heads", "head_dim"})->Args({12, 64})->Args({40, 128});
NVEMBED_BENCH(segment_mean, onednn::Backend)->ArgName("dim")->Arg(576)->Arg(4096);

// What follows runs on one thread: a panel of a weight at a time, on whatever thread needs it.
constexpr Index floats = 1 << 16;

/// All bytes are 0x3C: an ordinary number in every type and in the scales of every block.
void dequantize(benchmark::State& state) {
  const auto type = static_cast<DType>(state.range(0));
  const std::vector<std::byte> stored(static_cast<std::size_t>(row_bytes(type, floats)), std::byte{0x3C});
  std::vector<float> y(floats);
  const cpu::Kernels& k = cpu::kernels(cpu::best_isa());
  const double seconds = measure(state, [&] { k.dequantize(type, stored.data(), floats, y.data()); });
  state.SetLabel(std::string(info(type).name));
  report_bytes(state, static_cast<Index>(stored.size()) + floats * 4, seconds, 1);
}
BENCHMARK(dequantize)->ArgName("type")->DenseRange(0, static_cast<int>(DType::f8_r));

template <auto kernel>
void widen(benchmark::State& state) {
  const std::vector<std::uint16_t> x(floats, 0x3C3C);
  std::vector<float> y(floats);
  const double seconds = measure(state, [&] { (cpu::kernels(cpu::best_isa()).*kernel)(x.data(), floats, y.data()); });
  report_bytes(state, floats * 6, seconds, 1);
}
template <auto kernel>
void narrow(benchmark::State& state) {
  const std::vector<float> x = random(floats);
  std::vector<std::uint16_t> y(floats);
  const double seconds = measure(state, [&] { (cpu::kernels(cpu::best_isa()).*kernel)(x.data(), floats, y.data()); });
  report_bytes(state, floats * 6, seconds, 1);
}
BENCHMARK(widen<&cpu::Kernels::widen_f16>)->Name("widen_f16");
BENCHMARK(widen<&cpu::Kernels::widen_bf16>)->Name("widen_bf16");
BENCHMARK(narrow<&cpu::Kernels::narrow_f16>)->Name("narrow_f16");
BENCHMARK(narrow<&cpu::Kernels::narrow_bf16>)->Name("narrow_bf16");

}  // namespace
}  // namespace bench

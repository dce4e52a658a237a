// Attention alone, at the shapes of SmolLM2-135M and Mistral-7B.
#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/mask/causal.hpp>
#include <nvembed/nn/self_attention.hpp>
#include <nvembed/ops/attention.hpp>
#include <support/bench.hpp>

namespace bench {
namespace {

template <class B, Mask M>
void attention(benchmark::State& state) {
  const nn::SelfAttention<B, M, float> layer(config(state.range(0)));
  const AttentionShape& s = layer.shape;
  const Index length = state.range(1), q_width = s.heads * s.head_dim, kv_width = s.kv_heads * s.head_dim;
  Eval<B> cx(backend<B>());
  const auto qk = random_tensor(cx, {length, q_width + kv_width}), v = random_tensor(cx, {length, kv_width});
  const ops::Attention<M> op{texts(1, length).shared_segments(), {}, s};
  const double seconds = measure(state, [&] { cx.apply(op, qk, v); });
  Index keys = 0;
  for (Index i = 0; i < length; ++i) keys += keys_within(M{}, {i, i + 1}, (*op.segments)[0]).size();
  state.SetItemsProcessed(state.iterations() * length);
  report_flops(state, 4.0 * static_cast<double>(q_width * keys), seconds);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->UseRealTime()->Unit(benchmark::kMillisecond)->ArgNames({"model", "tokens"});
  b->ArgsProduct({{0, 1}, {128, 512, 2048}});
}
BENCHMARK_TEMPLATE(attention, onednn::Backend, mask::Bidirectional)->Apply(shapes);
BENCHMARK_TEMPLATE(attention, onednn::Backend, mask::Causal)->Apply(shapes);

}  // namespace
}  // namespace bench

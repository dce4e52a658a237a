// NV-Embed's latent-attention head at its real size, as released and folded, over one text.
#include <nvembed/io/load.hpp>
#include <nvembed/model/flop_count.hpp>
#include <nvembed/pool/folded_latent_attention.hpp>
#include <nvembed/pool/latent_attention.hpp>
#include <support/bench.hpp>

namespace bench {
namespace {

template <class B>
pool::LatentAttention<B> random_head(const B& be) {
  pool::LatentAttention<B> head{LatentAttentionConfig{}};
  load_weights(be, head, RandomWeights{});
  return head;
}

template <class B, class Head>
void run(benchmark::State& state, const Head& head, double (*flop)(const Segment&)) {
  Eval<B> cx(backend<B>());
  const Packed batch = texts(1, state.range(0));
  const auto x = random_tensor(cx, {batch.tokens(), LatentAttentionConfig{}.hidden_dim});
  const double seconds = measure(state, [&] { head(cx, x, batch); });
  state.SetItemsProcessed(state.iterations() * batch.tokens());
  report_flops(state, flop(batch.segments()[0]), seconds);
}

template <class B>
void latent_head_folded(benchmark::State& state) {
  run<B>(state, pool::fold(backend<B>(), random_head(backend<B>())),
         [](const Segment& s) { return folded_flop_count(LatentAttentionConfig{}, s); });
}
/// Keys and values of the latents are computed in each pass, as in training.
template <class B>
void latent_head(benchmark::State& state) {
  run<B>(state, random_head(backend<B>()), [](const Segment& s) {
    const LatentAttentionConfig c;
    const double d = static_cast<double>(c.hidden_dim), inner = static_cast<double>(c.num_heads * c.head_dim),
                 latents = static_cast<double>(c.num_latents), n = static_cast<double>(s.size);
    return n * (2 * (2 * d * inner + 3 * static_cast<double>(c.mult) * d * d) + 4 * latents * inner) +
           latents * 4 * inner * d;
  });
}
BENCHMARK_TEMPLATE(latent_head_folded, onednn::Backend)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond)
    ->ArgName("tokens")
    ->Arg(512);
BENCHMARK_TEMPLATE(latent_head, onednn::Backend)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond)
    ->ArgName("tokens")
    ->Arg(512);

}  // namespace
}  // namespace bench

#pragma once
// What all benchmarks share: the back end they run on, random data, and rates told as shares of what this machine can
// do, measured in the same process.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cli/gemm_ceiling.hpp>
#include <cli/timer.hpp>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <nvembed/autograd/eval.hpp>
#include <nvembed/batch/packed.hpp>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/cpu_count.hpp>
#include <nvembed/core/host_lane.hpp>
#include <nvembed/model/config.hpp>
#include <nvembed/onednn/backend.hpp>
#include <string>
#include <utility>
#include <vector>

namespace bench {

using namespace nvembed;

/// The back end of a whole run, on the cores this process may use.
template <Backend B>
const B& backend() {
  static const B be;
  return be;
}

/// n numbers of [-scale, scale). They repeat after a million: drawing a gigabyte would take longer than measuring.
inline std::vector<float> random(Index n, float scale = 1) {
  const auto drawn = std::min<Index>(n, 1 << 20);
  std::vector<float> v(static_cast<std::size_t>(n));
  for (Index i = 0; i < drawn; ++i)
    v[static_cast<std::size_t>(i)] =
        scale * static_cast<float>(2 * CounterRng().at(static_cast<std::uint64_t>(i)).uniform() - 1);
  for (Index i = drawn; i < n; i += drawn) std::copy_n(v.data(), std::min(drawn, n - i), v.data() + i);
  return v;
}

template <class B>
Tensor<B, float> random_tensor(Eval<B>& cx, Shape shape) {
  return Tensor<B, float>::from_host(cx.lane(), shape, random(shape.size()));
}

/// Weights of any module (`load_weights`): random, of the size that keeps activations at that of the input.
struct RandomWeights {
  RawWeight get(const std::string& key, Index rows, Index cols) const {
    const auto values =
        std::make_shared<const std::vector<float>>(random(rows * cols, 1.0f / std::sqrt(static_cast<float>(cols))));
    return {std::as_bytes(std::span(*values)), DType::f32, rows, cols, {}, values, key};
  }
  void done(const RawWeight&) const {}
};

/// `count` texts of `length` tokens.
inline Packed texts(Index count, Index length) {
  const std::vector<TokenizedText> t(static_cast<std::size_t>(count),
                                     {std::vector<TokenId>(static_cast<std::size_t>(length)), 0, 0});
  return Packed(t);
}

/// FLOP/s of a large f32 product on all cores, measured once.
inline double flop_ceiling() {
  static const double rate = cli::gemm_ceiling(cpu_count());
  return rate;
}

/// Bytes/s at which `threads` threads copy memory, reads and writes together `bytes`: what fits in a cache is held
/// against that cache.
inline double byte_ceiling(Index bytes, Index threads) {
  static std::map<std::pair<Index, Index>, double> known;
  double& best = known[{bytes, threads}];
  if (best > 0) return best;
  HostLane lane(std::make_shared<ThreadPool>(threads));
  const std::vector<float> from = random(std::max<Index>(1, bytes / 8));
  std::vector<float> to(from.size());
  const auto n = static_cast<Index>(from.size());
  const cli::Timer whole;
  while (whole.seconds() < 0.05) {
    const cli::Timer timer;
    const int copies = static_cast<int>(1 + (Index{1} << 22) / bytes);  // long enough for the clock
    for (int i = 0; i < copies; ++i) {
      lane.parallel_for(threads, [&](Index t, Worker&) {
        const Index first = n * t / threads, last = n * (t + 1) / threads;
        std::memcpy(to.data() + first, from.data() + first, static_cast<std::size_t>(last - first) * sizeof(float));
      });
      benchmark::ClobberMemory();
    }
    best = std::max(best, 8.0 * static_cast<double>(n) * copies / timer.seconds());
  }
  return best;
}

/// Seconds of one f(), by the clock on the wall: threads work for it.
template <class F>
double measure(benchmark::State& state, F&& f) {
  const cli::Timer timer;
  for (auto _ : state) {
    f();
    benchmark::ClobberMemory();
  }
  return timer.seconds() / static_cast<double>(state.iterations());
}

/// `flop` operations took `seconds`: FLOP/s, and their share of a large product's.
inline void report_flops(benchmark::State& state, double flop, double seconds) {
  state.counters["FLOP/s"] = flop / seconds;
  state.counters["share"] = flop / seconds / flop_ceiling();
}

/// Reading and writing `bytes` took `seconds`: bytes/s, and their share of a copy's.
inline void report_bytes(benchmark::State& state, Index bytes, double seconds, Index threads = cpu_count()) {
  state.counters["bytes/s"] = static_cast<double>(bytes) / seconds;
  state.counters["share"] = static_cast<double>(bytes) / seconds / byte_ceiling(bytes, threads);
}

/// The shapes that are measured.
inline DecoderConfig smollm2() {
  DecoderConfig c;
  c.architecture = "llama";
  c.hidden_size = 576, c.intermediate_size = 1536, c.num_heads = 9, c.num_kv_heads = 3, c.head_dim = 64;
  return c;
}
inline DecoderConfig mistral() {
  DecoderConfig c;
  c.architecture = "mistral";
  c.hidden_size = 4096, c.intermediate_size = 14336, c.num_heads = 32, c.num_kv_heads = 8, c.head_dim = 128;
  return c;
}
/// Number of one of them, as a benchmark's argument.
inline DecoderConfig config(Index number) { return number == 0 ? smollm2() : mistral(); }

}  // namespace bench

// Speed on an NVIDIA GPU: NV-Embed-v2 at its real size, SmolLM2-135M, attention and products alone, all with random
// weights, beside what the device does in a large product and a large copy in the same run.
//   bench_gpu OUT.json [DENSE_PEAK_TFLOPS]
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <nvembed/autograd/eval.hpp>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/cuda/backend.hpp>
#include <nvembed/embed/embedder.hpp>
#include <nvembed/io/load.hpp>
#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/model/flop_count.hpp>
#include <nvembed/model/parameter_count.hpp>
#include <nvembed/ops/add.hpp>
#include <nvembed/ops/matmul.hpp>
#include <nvembed/pool/folded_latent_attention.hpp>
#include <nvembed/pool/mean.hpp>
#include <string>
#include <vector>

using namespace nvembed;

namespace {

using B = cuda::Backend;

/// Random f16 weights for any module, all out of one buffer: drawing 15 GB would take longer than measuring.
class RandomWeights {
 public:
  explicit RandomWeights(Index most)
      : values_(std::make_shared<std::vector<std::uint16_t>>(static_cast<std::size_t>(most))) {
    std::uint64_t x = 88172645463325252u;
    for (std::uint16_t& v : *values_) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;  // xorshift
      v = Float16((static_cast<float>(x >> 40) * 0x1p-24f - 0.5f) * 0.04f).bits;
    }
  }
  RawWeight get(const std::string& key, Index rows, Index cols) const {
    const auto bytes = std::as_bytes(std::span(*values_)).first(static_cast<std::size_t>(rows * cols) * 2);
    return {bytes, DType::f16, rows, cols, {}, values_, key};
  }
  void done(const RawWeight&) const {}

 private:
  std::shared_ptr<std::vector<std::uint16_t>> values_;
};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Seconds of one f(), which enqueues work on `lane`: the median of a few rounds of several each.
double seconds_of(cuda::Lane& lane, const std::function<void()>& f, double least = 0.3) {
  f();
  lane.synchronize();
  const double start = now();
  f();
  lane.synchronize();
  const int times = std::max(1, static_cast<int>(least / 3 / std::max(now() - start, 1e-6)));
  std::vector<double> rounds;
  for (int r = 0; r < 3; ++r) {
    const double begin = now();
    for (int i = 0; i < times; ++i) f();
    lane.synchronize();
    rounds.push_back((now() - begin) / times);
  }
  std::sort(rounds.begin(), rounds.end());
  return rounds[1];
}

DecoderConfig mistral() {
  DecoderConfig c;
  c.architecture = "mistral";
  c.vocab_size = 32000, c.hidden_size = 4096, c.intermediate_size = 14336, c.num_layers = 32;
  c.num_heads = 32, c.num_kv_heads = 8, c.head_dim = 128;
  return c;
}
DecoderConfig smollm2() {
  DecoderConfig c;
  c.architecture = "llama";
  c.vocab_size = 49152, c.hidden_size = 576, c.intermediate_size = 1536, c.num_layers = 30;
  c.num_heads = 9, c.num_kv_heads = 3, c.head_dim = 64;
  return c;
}

Packed texts(Index count, Index length, Index vocab) {
  std::vector<TokenizedText> t(static_cast<std::size_t>(count));
  std::uint64_t n = 0;
  for (TokenizedText& text : t)
    for (Index i = 0; i < length; ++i)
      text.ids.push_back(static_cast<TokenId>(CounterRng().at(n++).uniform() * static_cast<double>(vocab)));
  return Packed(t);
}

class Report {
 public:
  Report(const char* path, std::string device, double peak) : file_(std::fopen(path, "w")), peak_(peak) {
    if (!file_) std::exit(1);
    std::fprintf(file_, "{\n \"device\": \"%s\",\n \"dense_peak_tflops\": %.1f", device.c_str(), peak);
    std::printf("%s\n", device.c_str());
  }
  ~Report() {
    std::fprintf(file_, "\n}\n");
    std::fclose(file_);
  }
  void number(const char* name, double value, const char* unit) {
    std::fprintf(file_, ",\n \"%s\": %.6g", name, value);
    std::printf("%-34s %12.5g %s\n", name, value, unit);
    std::fflush(stdout);
  }
  /// tokens/s, MFU of the dense peak, and the share of the product ceiling.
  void rate(const std::string& name, double tokens, double flop, double seconds) {
    const double tflops = flop / seconds * 1e-12;
    std::fprintf(
        file_,
        ",\n \"%s\": {\"tokens_per_second\": %.6g, \"tflops\": %.5g, \"mfu\": %.4f, \"share\": %.4f, \"ms\": %.5g}",
        name.c_str(), tokens / seconds, tflops, tflops / peak_, ceiling_ > 0 ? tflops / ceiling_ : 0.0, seconds * 1e3);
    std::printf("%-34s %12.0f tokens/s  %6.1f TFLOP/s  MFU %5.1f %%  share %5.1f %%  %9.3f ms\n", name.c_str(),
                tokens / seconds, tflops, 100 * tflops / peak_, ceiling_ > 0 ? 100 * tflops / ceiling_ : 0.0,
                seconds * 1e3);
    std::fflush(stdout);
  }
  void set_ceiling(double tflops) { ceiling_ = tflops; }

 private:
  std::FILE* file_;
  double peak_, ceiling_ = 0;
};

template <class T>
Tensor<B, T> random_tensor(Eval<B>& cx, Shape shape) {
  std::vector<T> v(static_cast<std::size_t>(shape.size()));
  std::uint64_t x = 2463534242u;
  for (T& value : v) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    value = static_cast<T>(static_cast<float>(x >> 40) * 0x1p-23f - 1.0f);
  }
  return Tensor<B, T>::from_host(cx.lane(), shape, v);
}

/// A large product and a large copy: what everything else is held against.
template <class T>
double product_ceiling(const B& be) {
  Eval<B> cx(be);
  constexpr Index n = 8192;
  const auto a = random_tensor<T>(cx, {n, n}), b = random_tensor<T>(cx, {n, n});
  Tensor<B, T> y(cx.lane(), {n, n});
  const double s = seconds_of(cx.lane(), [&] { be.matmul(cx.lane(), a.mat(), false, b.mat(), true, T(1), y.mat()); });
  return 2.0 * n * n * n / s * 1e-12;
}

/// The same product by a weight in 8 bits: with the rounding of its rows, and what is made of its sums.
double linear_ceiling(const B& be, Precision precision) {
  Eval<B> cx(be);
  constexpr Index n = 8192;
  const auto x = random_tensor<Float16>(cx, {n, n});
  const RawWeight raw = RandomWeights(n * n).get("linear", n, n);
  const cuda::DeviceWeight w = be.pack<Float16>(std::span(&raw, 1), precision, Use::forward);
  Tensor<B, Float16> y(cx.lane(), {n, n});
  const double s = seconds_of(cx.lane(), [&] { be.linear(cx.lane(), x.mat(), w, {}, y.mat()); });
  return 2.0 * n * n * n / s * 1e-12;
}

double add_bandwidth(const B& be) {
  Eval<B> cx(be);
  const Shape shape{16384, 16384};
  Tensor<B, Float16> a(cx.lane(), shape), y(cx.lane(), shape);
  const double s =
      seconds_of(cx.lane(), [&] { be.add(cx.lane(), std::as_const(a).mat(), std::as_const(a).mat(), y.mat()); });
  return 2.0 * 2 * static_cast<double>(shape.size()) / s * 1e-9;
}

template <class T>
void attention(const B& be, Report& report, const std::string& type, Index heads, Index kv_heads, Index head_dim,
               Index length) {
  Eval<B> cx(be);
  const Index count = std::max<Index>(1, 16384 / length), rows = count * length;
  const auto qkv = random_tensor<T>(cx, {rows, (heads + 2 * kv_heads) * head_dim});
  const Packed batch = texts(count, length, 100);
  const AttentionShape shape{heads, kv_heads, head_dim, 1 / std::sqrt(static_cast<double>(head_dim))};
  Tensor<B, T> y(cx.lane(), {rows, heads * head_dim});
  const auto run = [&] {
    be.attention(cx.lane(), qkv.mat().columns(0, heads * head_dim),
                 qkv.mat().columns(heads * head_dim, kv_heads * head_dim),
                 qkv.mat().columns((heads + kv_heads) * head_dim, kv_heads * head_dim),
                 std::span<const Segment>(batch.segments()), mask::Bidirectional{}, shape, y.mat(), VecView<float>{});
  };
  const double flop =
      4.0 * static_cast<double>(heads * head_dim) * static_cast<double>(length) * static_cast<double>(rows);
  report.rate(cat("attention_", type, "_", heads, "x", head_dim, "_", length), static_cast<double>(rows), flop,
              seconds_of(cx.lane(), run));
}

template <class Model>
void encode(const B& be, const Model& model, Report& report, const std::string& name, Index vocab, double flop_a_text,
            Index length, Index count) {
  Eval<B> cx(be);
  const Packed batch = texts(count, length, vocab);
  const double s = seconds_of(
      cx.lane(), [&] { model(cx, batch).to_host(cx.lane()); }, count == 1 ? 0.3 : 1.0);  // as an answer is waited for
  report.rate(cat(name, "_", count, "x", length), static_cast<double>(batch.tokens()),
              flop_a_text * static_cast<double>(count), s);
}

template <class T>
void decoder(const B& be, Report& report, const std::string& name, const DecoderConfig& c, Precision precision,
             bool head) {
  const RandomWeights weights(std::max(c.vocab_size * c.hidden_size, 4 * c.intermediate_size * c.hidden_size));
  const LatentAttentionConfig latent;
  const auto flop = [&](Index length) {
    const Segment s{0, length, 0, 0, 0};
    return flop_count(c, mask::Bidirectional{}, s) + (head ? folded_flop_count(latent, s) : 0);
  };
  Decoder<B, mask::Bidirectional, T> body(c);
  const double start = now();
  load_weights(be, body, weights, precision);
  const double loaded = now() - start;
  report.number(cat(name, "_load_gb_per_s").c_str(), 2e-9 * static_cast<double>(parameter_count(c)) / loaded, "GB/s");
  const auto all = [&](const auto& model) {
    const bool large = c.hidden_size > 1000;
    for (const auto& [length, count] : {std::pair<Index, Index>{512, 32}, {32, 512}, {512, 1}, {32, 1}, {4096, 4}})
      if (large || length < 4096) encode(be, model, report, name, c.vocab_size, flop(length), length, count);
  };
  if (head) {
    pool::FoldedLatentAttention<B, T> pooler;
    const Index d = latent.hidden_dim, scores = latent.num_heads * latent.num_latents;
    pooler.norm = nn::LayerNorm<B, T>(d), pooler.ff_norm = nn::LayerNorm<B, T>(d);
    pooler.to_scores = nn::Linear<B, T>(d, scores), pooler.to_out = nn::Linear<B, T>(scores, d);
    pooler.ff = nn::FeedForward<B, T>(d, latent.mult);
    pooler.num_latents = latent.num_latents, pooler.scale = 1 / std::sqrt(static_cast<double>(latent.head_dim));
    load_weights(be, pooler, weights, precision);
    all(Embedder<Decoder<B, mask::Bidirectional, T>, pool::FoldedLatentAttention<B, T>>{std::move(body),
                                                                                        std::move(pooler), true});
  } else {
    all(Embedder<Decoder<B, mask::Bidirectional, T>, pool::Mean>{std::move(body), {}, true});
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_gpu OUT.json [DENSE_PEAK_TFLOPS]\n");
    return 2;
  }
  try {
    const B be;
    Report report(argv[1], be.device_name(), argc > 2 ? std::atof(argv[2]) : 989);
    const double ceiling = product_ceiling<BFloat16>(be);
    report.set_ceiling(ceiling);
    report.number("product_bf16_tflops", ceiling, "TFLOP/s");
    report.number("product_f16_tflops", product_ceiling<Float16>(be), "TFLOP/s");
    report.number("product_f32_tflops", product_ceiling<float>(be), "TFLOP/s");
    report.number("product_tf32_tflops", product_ceiling<float>(B(1, {.tf32 = true})), "TFLOP/s");
    const B whole(cpu_count(), {.int8_products = true});
    report.number("linear_fp8_tflops", linear_ceiling(be, Precision::fp8), "TFLOP/s");
    report.number("linear_int8_tflops", linear_ceiling(whole, Precision::int8), "TFLOP/s");
    report.number("add_gb_per_s", add_bandwidth(be), "GB/s");
    for (const Index length : {32, 512, 4096}) attention<Float16>(be, report, "f16", 32, 8, 128, length);
    attention<Float16>(be, report, "f16", 9, 3, 64, 512);
    attention<BFloat16>(be, report, "bf16", 32, 8, 128, 512);
#if defined(NVEMBED_WITH_CUDNN)
    const B with_cudnn(cpu_count(), {.cudnn_attention = true});
    for (const Index length : {32, 512, 4096}) attention<Float16>(with_cudnn, report, "cudnn_f16", 32, 8, 128, length);
    attention<Float16>(with_cudnn, report, "cudnn_f16", 9, 3, 64, 512);
    attention<BFloat16>(with_cudnn, report, "cudnn_bf16", 32, 8, 128, 512);
    report.number("cudnn_attentions", static_cast<double>(with_cudnn.cudnn_attentions()), "of these were cuDNN's");
#endif
    attention<float>(be, report, "f32", 32, 8, 128, 512);
    decoder<Float16>(be, report, "smollm2_f16", smollm2(), Precision::f16, false);
    decoder<float>(be, report, "smollm2_f32", smollm2(), Precision::f32, false);
    decoder<BFloat16>(be, report, "nvembed_bf16", mistral(), Precision::bf16, true);
    decoder<Float16>(be, report, "nvembed_f16", mistral(), Precision::f16, true);
    decoder<Float16>(be, report, "nvembed_fp8", mistral(), Precision::fp8, true);
    decoder<Float16>(whole, report, "nvembed_int8_products", mistral(), Precision::int8, true);
    decoder<Float16>(be, report, "nvembed_q4", mistral(), Precision::q4, true);
  } catch (const Error& e) {
    std::fprintf(stderr, "bench_gpu: %s\n", e.what());
    return 1;
  }
}

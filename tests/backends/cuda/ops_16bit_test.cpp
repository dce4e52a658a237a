#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <memory>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/cuda/backend.hpp>
#include <nvembed/ops/add.hpp>
#include <nvembed/ops/attention.hpp>
#include <nvembed/ops/gated.hpp>
#include <nvembed/ops/gather_rows.hpp>
#include <nvembed/ops/head_rms_norm.hpp>
#include <nvembed/ops/l2_normalize.hpp>
#include <nvembed/ops/latent_cross_attention.hpp>
#include <nvembed/ops/layer_norm.hpp>
#include <nvembed/ops/matmul.hpp>
#include <nvembed/ops/rms_norm.hpp>
#include <nvembed/ops/segment_mean.hpp>
#include <nvembed/ops/segment_weighted_mean.hpp>
#include <nvembed/ops/softmax.hpp>
#include <support/parity.hpp>
#include <support/segments.hpp>

using namespace nvembed;
using B = cuda::Backend;

namespace {

/// Rounding of results up to 4; what is rounded on the way (weights of attention, scores with latents) adds a little.
template <class T>
constexpr double bound = std::is_same_v<T, Float16> ? 4e-3 : 3e-2;

}  // namespace

TEST_CASE_TEMPLATE("cuda: 16-bit ops, against the reference in double", T, Float16, BFloat16) {
  for (const Index n : {1, 7, 130})
    for (const Index d : {2, 7, 64, 129, 576}) {
      CAPTURE(n);
      CAPTURE(d);
      CHECK(parity::difference<B, T>(ops::RmsNorm{1e-5}, {{n, d}, {1, d}}) < bound<T>);
      CHECK(parity::difference<B, T>(ops::LayerNorm{1e-3}, {{n, d}, {1, d}, {1, d}}) < bound<T>);
      CHECK(parity::difference<B, T>(ops::Gated{Gate::swiglu}, {{n, 2 * d}}) < bound<T>);
      CHECK(parity::difference<B, T>(ops::Gated{Gate::geglu}, {{n, 2 * d}}) < bound<T>);
      CHECK(parity::difference<B, T>(ops::Softmax{d, 3.0}, {{n, 3 * d}}) < bound<T>);
      CHECK(parity::difference<B, T>(ops::L2Normalize{}, {{n, d}}) < bound<T>);
      CHECK(parity::difference<B, T>(ops::Add{}, {{n, d}, {n, d}}) < bound<T>);
      CHECK(parity::difference<B, T>(ops::GatherRows{{n - 1, 0, n / 2, 0}}, {{n, d}}) == 0);
    }
  for (const Index n : {1, 70}) {
    CHECK(parity::difference<B, T>(ops::Matmul{true, 0.125}, {{n, 64}, {16, 64}}) < bound<T>);
    CHECK(parity::difference<B, T>(ops::Matmul{false, 0.125}, {{n, 64}, {64, 16}}) < bound<T>);
  }
  CHECK(parity::difference<B, T>(ops::HeadRmsNorm{3, 1, 10, 1e-6}, {{70, 50}, {1, 10}, {1, 10}}) < bound<T>);
  CHECK(parity::difference<B, T>(ops::LatentCrossAttention{2, 32, 0.3}, {{70, 64}, {8, 128}}) < bound<T>);
  const auto s = segments({1, 70, 2, 33, 129});
  CHECK(parity::difference<B, T>(ops::SegmentMean{s}, {{235, 19}}) < bound<T>);
  CHECK(parity::difference<B, T>(ops::SegmentWeightedMean{s}, {{235, 19}}) < bound<T>);
}

TEST_CASE_TEMPLATE("cuda: 16-bit attention, every head size and mask", T, Float16, BFloat16) {
  const auto s = segments({63, 1, 150, 128, 65, 17});
  const Index n = 424;
  using Sight = mask::Prefix::Sight;
  // On tensor cores: 16 to 128. The others, and those whose rows are not aligned, by the general kernel.
  for (const auto& [heads, kv_heads, head_dim] : {std::array<Index, 3>{2, 1, 16},
                                                  {4, 2, 32},
                                                  {2, 2, 64},
                                                  {3, 1, 80},
                                                  {2, 1, 96},
                                                  {4, 1, 128},
                                                  {2, 1, 24},
                                                  {3, 1, 5},
                                                  {1, 1, 200}}) {
    CAPTURE(head_dim);
    const AttentionShape shape{heads, kv_heads, head_dim, 1 / std::sqrt(static_cast<double>(head_dim))};
    const auto differs = [&](const auto& m) {
      return parity::difference<B, T>(ops::Attention<std::decay_t<decltype(m)>>{s, m, shape},
                                      {{n, (heads + kv_heads) * head_dim}, {n, kv_heads * head_dim}});
    };
    CHECK(differs(mask::Bidirectional{}) < bound<T>);
    CHECK(differs(mask::Causal{}) < bound<T>);
    CHECK(differs(mask::Window{70, 20}) < bound<T>);
    CHECK(differs(mask::Causal{} & mask::Window{7, 0}) < bound<T>);
    CHECK(differs(mask::Prefix{Sight::causal, Sight::full}) < bound<T>);
  }
}

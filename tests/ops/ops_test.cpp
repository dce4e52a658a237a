#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <memory>
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
#include <support/backends.hpp>
#if defined(NVEMBED_WITH_CUDA)
#include <nvembed/cuda/backend.cuh>  // for masks of our own
#endif
#include <support/parity.hpp>

using namespace nvembed;

namespace {

constexpr double bound = 1e-5;

std::shared_ptr<const std::vector<Segment>> segments(std::initializer_list<Index> sizes) {
  auto s = std::make_shared<std::vector<Segment>>();
  Index begin = 0;
  for (const Index n : sizes) {
    s->push_back({begin, n, n / 3, n / 4, static_cast<Index>(s->size())});
    begin += n;
  }
  return s;
}

}  // namespace

TEST_CASE_TEMPLATE("ops: row-wise, against the reference in double", B, NVEMBED_TEST_BACKENDS) {
  for (const Index n : {1, 5, 64, 65, 130})
    for (const Index d : {2, 7, 64, 129}) {
      CAPTURE(n);
      CAPTURE(d);
      CHECK(parity::difference<B>(ops::RmsNorm{1e-5}, {{n, d}, {1, d}}) < bound);
      CHECK(parity::difference<B>(ops::LayerNorm{1e-3}, {{n, d}, {1, d}, {1, d}}) < bound);
      CHECK(parity::difference<B>(ops::Gated{Gate::swiglu}, {{n, 2 * d}}) < bound);
      CHECK(parity::difference<B>(ops::Gated{Gate::geglu}, {{n, 2 * d}}) < bound);
      CHECK(parity::difference<B>(ops::Softmax{d, 3.0}, {{n, 3 * d}}) < bound);
      CHECK(parity::difference<B>(ops::L2Normalize{}, {{n, d}}) < bound);
      CHECK(parity::difference<B>(ops::Add{}, {{n, d}, {n, d}}) < bound);
      CHECK(parity::difference<B>(ops::GatherRows{{n - 1, 0, n / 2, 0}}, {{n, d}}) == 0);
      CHECK(parity::difference<B>(ops::Matmul{true, 0.5}, {{n, d}, {9, d}}) < bound);
      CHECK(parity::difference<B>(ops::Matmul{false, 0.25}, {{n, d}, {d, 9}}) < bound);
    }
  CHECK(parity::difference<B>(ops::HeadRmsNorm{3, 1, 10, 1e-6}, {{70, 50}, {1, 10}, {1, 10}}) < bound);
  CHECK(parity::difference<B>(ops::LatentCrossAttention{3, 20, 0.3}, {{70, 60}, {5, 120}}) < bound);
}

TEST_CASE_TEMPLATE("ops: over segments, against the reference in double", B, NVEMBED_TEST_BACKENDS) {
  const auto s = segments({1, 70, 2, 33, 129});
  const Index n = 235;
  CHECK(parity::difference<B>(ops::SegmentMean{s}, {{n, 19}}) < bound);
  CHECK(parity::difference<B>(ops::SegmentWeightedMean{s}, {{n, 19}}) < bound);
  const AttentionShape shape{4, 2, 16, 0.25};
  using Sight = mask::Prefix::Sight;
  const auto differs = [&](const auto& m) {
    return parity::difference<B>(ops::Attention<std::decay_t<decltype(m)>>{s, m, shape}, {{n, 96}, {n, 128}});
  };
  CHECK(differs(mask::Bidirectional{}) < bound);
  CHECK(differs(mask::Causal{}) < bound);
  CHECK(differs(mask::Window{5, 9}) < bound);
  CHECK(differs(mask::Causal{} & mask::Window{7, 0}) < bound);
  CHECK(differs(mask::Prefix{Sight::causal, Sight::full}) < bound);
  CHECK(differs(mask::Prefix{Sight::full, Sight::causal}) < bound);
  CHECK(differs(mask::Any{mask::Causal{}}) < bound);
}

namespace {

/// Every third key, by `allows` alone.
struct EveryThird {
  NVEMBED_HD bool allows(Index q, Index k, const Segment&) const { return (q - k) % 3 == 0; }
  NVEMBED_HD Range keys(Range, const Segment& s) const { return {0, s.size}; }
};

}  // namespace

TEST_CASE_TEMPLATE("ops: attention over many tiles, odd head sizes and any share of heads", B, NVEMBED_TEST_BACKENDS) {
  const auto s = segments({63, 1, 300, 128, 65});
  const Index n = 557;
  for (const auto& [heads, kv_heads, head_dim] : {std::array<Index, 3>{6, 2, 20}, {3, 1, 5}, {2, 2, 1}, {7, 1, 80}}) {
    CAPTURE(head_dim);
    const AttentionShape shape{heads, kv_heads, head_dim, 1 / std::sqrt(static_cast<double>(head_dim))};
    const auto differs = [&](const auto& m) {
      return parity::difference<B>(ops::Attention<std::decay_t<decltype(m)>>{s, m, shape},
                                   {{n, (heads + kv_heads) * head_dim}, {n, kv_heads * head_dim}});
    };
    CHECK(differs(mask::Bidirectional{}) < bound);
    CHECK(differs(mask::Causal{}) < bound);
    CHECK(differs(mask::Window{130, 20}) < bound);
    CHECK(differs(EveryThird{}) < bound);
  }
}

TEST_CASE("ops: shapes that do not fit are named") {
  using B = eigen::Backend;
  const B be(1);
  Eval<B> cx(be);
  const auto x = parity::random_tensor<B, float>(cx.lane(), {3, 8}, 1),
             w = parity::random_tensor<B, float>(cx.lane(), {1, 7}, 2);
  CHECK_THROWS_WITH_AS(cx.apply(ops::RmsNorm{}, x, w), "[rms_norm] x (3, 8) should be (n, 7)", ShapeError);
  CHECK_THROWS_AS(cx.apply(ops::LayerNorm{}, x, w, w), ShapeError);
  CHECK_THROWS_WITH_AS(cx.apply(ops::Matmul{true}, x, w), "[matmul] (3, 8) does not fit (1, 7) transposed", ShapeError);
  CHECK_THROWS_AS(cx.apply(ops::Gated{}, w), ShapeError);
  CHECK_THROWS_AS(cx.apply(ops::Softmax{3}, x), ShapeError);
  CHECK_THROWS_AS(cx.apply(ops::Add{}, x, w), ShapeError);
  CHECK_THROWS_WITH_AS(cx.apply(ops::GatherRows{{3}}, x), "[gather_rows] row 3 of x (3, 8)", ShapeError);
  CHECK_THROWS_AS(cx.apply(ops::SegmentMean{segments({4})}, x), ShapeError);
  CHECK_THROWS_AS((cx.apply(ops::Attention<mask::Causal>{segments({3}), {}, {4, 2, 16, 1}}, x, x)), ShapeError);
  CHECK_THROWS_AS((cx.apply(ops::Attention<mask::Causal>{segments({3}), {}, {3, 2, 1, 1}}, x, x)), ShapeError);
  CHECK_THROWS_AS((cx.apply(ops::LatentCrossAttention{2, 4, 1}, x, x)), ShapeError);
}

namespace {

/// Sees itself and claims more keys than there are; hides everything from token 2 where asked.
struct Odd {
  bool blind = false;
  NVEMBED_HD bool allows(Index q, Index k, const Segment&) const { return q == k && !(blind && q == 2); }
  NVEMBED_HD Range keys(Range, const Segment& s) const { return {-7, s.size + 9}; }
};

}  // namespace

TEST_CASE_TEMPLATE("ops: attention stays inside the text whatever a mask says, and names a query that sees nothing", B,
                   NVEMBED_TEST_BACKENDS) {
  const B be(1);
  std::vector<float> values(4 * 3);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  Eval<B> cx(be);
  auto& lane = cx.lane();
  const auto v = Tensor<B, float>::from_host(lane, {4, 3}, values);
  const AttentionShape shape{1, 1, 1, 1};
  const auto y = cx.apply(ops::Attention<Odd>{segments({4}), {}, shape}, v, v).to_host(cx.lane());
  for (std::size_t i = 0; i < 4; ++i) CHECK(y[i] == values[i * 3 + 2]);  // its own value
  CHECK_THROWS_WITH_AS((cx.apply(ops::Attention<Odd>{segments({4}), {true}, shape}, v, v)),
                       doctest::Contains("token 2 of text 0"), InputError);
  // Scores beyond float are no matter of the mask: they are to be seen in what comes out.
  const auto large = Tensor<B, float>::from_host(lane, {1, 3}, std::vector<float>{1e30f, -1e30f, 1});
  const auto beyond =
      cx.apply(ops::Attention<mask::Bidirectional>{segments({1}), {}, shape}, large, large).to_host(cx.lane());
  CHECK(std::isnan(beyond[0]));
}

TEST_CASE("ops: what is saved is owned and complete") {
  using B = eigen::Backend;
  const B be(1);
  auto lane = be.make_lane();
  const auto w = Tensor<B, double>::from_host(lane, {1, 2}, std::vector<double>{2, 1});
  ops::RmsNorm::Saved<B, double> norm;
  ops::Attention<mask::Causal>::Saved<B, double> attention;
  {
    const auto x = Tensor<B, double>::from_host(lane, {1, 2}, std::vector<double>{3, 4});
    ops::RmsNorm{0}.forward(be, lane, &norm, x, w);
    const auto qkv = parity::random_tensor<B, double>(lane, {3, 6}, 5);
    ops::Attention<mask::Causal>{segments({3}), {}, {1, 1, 2, 1}}.forward(be, lane, &attention, qkv, qkv);
  }
  CHECK(norm.x.to_host(lane) == std::vector<double>{3, 4});
  CHECK(norm.rstd.to_host(lane)[0] == doctest::Approx(1 / std::sqrt(12.5)).epsilon(1e-15));
  const auto qkv = attention.qk.to_host(lane);
  const double self = qkv[0] * qkv[2] + qkv[1] * qkv[3];  // the first token sees itself alone
  CHECK(attention.lse.to_host(lane)[0] == doctest::Approx(self).epsilon(1e-14));
}

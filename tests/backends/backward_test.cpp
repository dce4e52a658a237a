#include <doctest/doctest.h>

#include <nvembed/autograd/tape.hpp>
#include <nvembed/core/trainable_backend.hpp>
#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/mask/causal.hpp>
#include <nvembed/mask/window.hpp>
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
#include <nvembed/ops/rope.hpp>
#include <nvembed/ops/segment_mean.hpp>
#include <nvembed/ops/segment_weighted_mean.hpp>
#include <nvembed/ops/softmax.hpp>
#include <support/backends.hpp>
#include <support/parity.hpp>
#include <tuple>

using namespace nvembed;

#if defined(NVEMBED_WITH_ONEDNN)
#define NVEMBED_TEST_TRAINABLE_BACKENDS eigen::Backend, onednn::Backend
#else
#define NVEMBED_TEST_TRAINABLE_BACKENDS eigen::Backend
#endif

namespace {

/// All gradients of an op on back end B in float: f(cx, inputs...) of random inputs, for a random seed.
template <class B, class T, std::size_t n, class F>
std::vector<std::vector<double>> gradients(F&& f, const Shape (&shapes)[n], Index threads) {
  const B be(threads);
  const Trainable none;
  Tape<B, T> tape(be, none);
  std::vector<std::shared_ptr<Tensor<B, T>>> found;
  std::vector<TapeVar<B, T>> in;
  for (std::size_t i = 0; i < n; ++i) {
    found.push_back(std::make_shared<Tensor<B, T>>());
    std::vector<T> values;
    for (const float x : parity::random<float>(shapes[i].size(), 500 + i)) values.push_back(static_cast<T>(x));
    in.push_back(tape.input(Tensor<B, T>::from_host(tape.lane(), shapes[i], values), found.back()));
  }
  const auto y = [&]<std::size_t... i>(std::index_sequence<i...>) { return f(tape, in[i]...); }
  (std::make_index_sequence<n>{});
  std::vector<T> seed;
  for (const float x : parity::random<float>(y.value.size(), 77)) seed.push_back(static_cast<T>(x));
  std::move(tape).backward(y, Tensor<B, T>::from_host(tape.lane(), y.value.shape(), seed));
  std::vector<std::vector<double>> all;
  for (const auto& g : found) {
    REQUIRE(*g);
    const std::vector<T> host = g->to_host(tape.lane());
    all.emplace_back(host.begin(), host.end());
  }
  return all;
}

/// Those of B against the reference's in double, relative to the largest of each input; and the same bits on one thread
/// as on three.
template <class B, std::size_t n, class F>
void check(F&& f, const Shape (&shapes)[n], double bound = 3e-6) {
  const auto ours = gradients<B, float>(f, shapes, 3), expected = gradients<eigen::Backend, double>(f, shapes, 2);
  CHECK(gradients<B, float>(f, shapes, 1) == ours);
  for (std::size_t i = 0; i < n; ++i) {
    CAPTURE(i);
    double largest = 0;
    for (const double x : expected[i]) largest = std::max(largest, std::abs(x));
    CHECK(largest > 0);
    CHECK(max_abs_difference(ours[i], expected[i]) < bound * largest);
  }
}

std::shared_ptr<const std::vector<Segment>> texts() {
  return std::make_shared<const std::vector<Segment>>(
      std::vector<Segment>{{0, 150, 7, 7, 0}, {150, 1, 0, 0, 1}, {151, 67, 3, 5, 2}});
}
constexpr Index tokens = 218;

template <class Var>
struct Of;
template <class B, class T>
struct Of<TapeVar<B, T>> {
  using back_end = B;
  using scalar = T;
};

}  // namespace

TEST_CASE_TEMPLATE("backward kernels agree with the reference", B, NVEMBED_TEST_TRAINABLE_BACKENDS) {
  for (const Index d : {1, 7, 16, 67, 576}) {
    CAPTURE(d);
    check<B>([](auto& cx, auto& x, auto& w) { return cx.apply(ops::RmsNorm{1e-6}, x, w); }, {{131, d}, {1, d}});
    check<B>([](auto& cx, auto& x) { return cx.apply(ops::L2Normalize{}, x); }, {{9, d + 1}});
    for (const Gate gate : {Gate::swiglu, Gate::geglu})
      check<B>([gate](auto& cx, auto& x) { return cx.apply(ops::Gated{gate}, x); }, {{5, 2 * d}});
    if (d > 1)
      check<B>([](auto& cx, auto& x, auto& w, auto& b) { return cx.apply(ops::LayerNorm{1e-5}, x, w, b); },
               {{131, d}, {1, d}, {1, d}});
    check<B>([](auto& cx, auto& a, auto& b) { return cx.apply(ops::Matmul{true, 0.5}, a, b); }, {{70, d}, {33, d}});
    check<B>([](auto& cx, auto& a, auto& b) { return cx.apply(ops::Matmul{false, 2}, a, b); }, {{70, d}, {d, 33}});
  }
  check<B>([](auto& cx, auto& x) { return cx.apply(ops::Softmax{19, 1.7}, x); }, {{70, 57}});
  check<B>(
      [](auto& cx, auto& qkv, auto& q, auto& k) {
        return cx.apply(ops::HeadRmsNorm{3, 1, 20, 1e-6}, qkv, q, k);
      },
      {{70, 100}, {1, 20}, {1, 20}});
  check<B>(
      [](auto& cx, auto& q, auto& kv) {
        return cx.apply(ops::LatentCrossAttention{2, 24, 0.2}, q, kv);
      },
      {{70, 48}, {19, 96}});
  check<B>([](auto& cx, auto& x) { return cx.apply(ops::SegmentMean{texts()}, x); }, {{tokens, 33}});
  check<B>([](auto& cx, auto& x) { return cx.apply(ops::SegmentWeightedMean{texts()}, x); }, {{tokens, 33}});
  check<B>([](auto& cx, auto& x) { return cx.apply(ops::GatherRows{{3, 1, 3, 0}}, x); }, {{70, 33}});
}

TEST_CASE_TEMPLATE("backward of attention agrees with the reference", B, NVEMBED_TEST_TRAINABLE_BACKENDS) {
  const auto attention = [](auto mask, AttentionShape shape) {
    const Index q = shape.heads * shape.head_dim, kv = shape.kv_heads * shape.head_dim;
    check<B>(
        [&](auto& cx, auto& qkv) {
          return cx.apply(ops::Attention<decltype(mask)>{texts(), mask, shape}, qkv, qkv);
        },
        {{tokens, q + 2 * kv}}, 1e-5);
  };
  for (const AttentionShape shape :
       {AttentionShape{4, 2, 16, 0.25}, AttentionShape{3, 3, 20, 0.5}, AttentionShape{9, 3, 64, 0.125}}) {
    attention(mask::Bidirectional{}, shape);
    attention(mask::Causal{}, shape);
    attention(mask::Window{9, 3}, shape);
  }
  check<B>(
      [](auto& cx, auto& x) {
        using V = std::remove_cvref_t<decltype(x)>;
        using Back = typename Of<V>::back_end;
        using T = typename Of<V>::scalar;
        const auto table = [&](std::uint64_t seed) {
          const auto values = parity::random<float>(150 * 8, seed);
          return Tensor<Back, T>::from_host(cx.lane(), {150, 8}, std::vector<T>(values.begin(), values.end()));
        };
        return cx.apply(ops::Rope<Back, T>{texts(), table(1), table(2), 3}, x);
      },
      {{tokens, 64}});
}

#include <doctest/doctest.h>

#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/mask/causal.hpp>
#include <nvembed/mask/window.hpp>
#include <nvembed/ops/add.hpp>
#include <nvembed/ops/attention.hpp>
#include <nvembed/ops/cast.hpp>
#include <nvembed/ops/dense_linear.hpp>
#include <nvembed/ops/gated.hpp>
#include <nvembed/ops/gated_linear.hpp>
#include <nvembed/ops/gather_rows.hpp>
#include <nvembed/ops/head_rms_norm.hpp>
#include <nvembed/ops/l2_normalize.hpp>
#include <nvembed/ops/latent_cross_attention.hpp>
#include <nvembed/ops/layer_norm.hpp>
#include <nvembed/ops/linear.hpp>
#include <nvembed/ops/lora.hpp>
#include <nvembed/ops/matmul.hpp>
#include <nvembed/ops/rms_norm.hpp>
#include <nvembed/ops/rope.hpp>
#include <nvembed/ops/segment_mean.hpp>
#include <nvembed/ops/segment_weighted_mean.hpp>
#include <nvembed/ops/softmax.hpp>
#include <support/complex_step.hpp>
#include <type_traits>

using namespace nvembed;
using complex_step::B;
using complex_step::check;

namespace {

/// Scalar of what a context computes with.
template <class Var>
struct ScalarOf;
template <class T>
struct ScalarOf<Tensor<B, T>> {
  using type = T;
};
template <class T>
struct ScalarOf<TapeVar<B, T>> {
  using type = T;
};
template <class Var>
using scalar_of = typename ScalarOf<std::remove_cvref_t<Var>>::type;

/// A frozen weight of random values.
template <class T>
typename B::template Packed<T> frozen(Index rows, Index cols) {
  const auto values = std::make_shared<std::vector<double>>(parity::random<double>(rows * cols, 9));
  const RawWeight raw{std::as_bytes(std::span<const double>(*values)), DType::f64, rows, cols, {}, values, "w"};
  return B(1).pack<T>(std::span<const RawWeight>(&raw, 1), Precision::f32, Use::both);
}

/// Three texts with instructions of different lengths, one of a single token.
std::shared_ptr<const std::vector<Segment>> three_texts() {
  return std::make_shared<const std::vector<Segment>>(
      std::vector<Segment>{{0, 5, 2, 2, 0}, {5, 1, 0, 0, 1}, {6, 4, 1, 3, 2}});
}
constexpr Index tokens = 10;

}  // namespace

TEST_CASE("backward of products: linear, gated linear, matmul") {
  check(
      [](auto& cx, auto& x, auto& bias, auto& residual) {
        return cx.apply(ops::Linear<B, scalar_of<decltype(x)>>{frozen<scalar_of<decltype(x)>>(5, 7)}, x, bias,
                        residual);
      },
      {{3, 7}, {1, 5}, {3, 5}});
  check(
      [](auto& cx, auto& x) {
        return cx.apply(ops::Linear<B, scalar_of<decltype(x)>>{frozen<scalar_of<decltype(x)>>(5, 7)}, x);
      },
      {{65, 7}});
  for (const Gate gate : {Gate::swiglu, Gate::geglu}) {
    check(
        [gate](auto& cx, auto& x, auto& bias) {
          return cx.apply(ops::GatedLinear<B, scalar_of<decltype(x)>>{frozen<scalar_of<decltype(x)>>(6, 4), gate}, x,
                          bias);
        },
        {{3, 4}, {1, 6}});
    check([gate](auto& cx, auto& x) { return cx.apply(ops::Gated{gate}, x); }, {{4, 6}});
  }
  check([](auto& cx, auto& a, auto& b) { return cx.apply(ops::Matmul{false, 1.5}, a, b); }, {{3, 4}, {4, 5}});
  check([](auto& cx, auto& a, auto& b) { return cx.apply(ops::Matmul{true, -0.7}, a, b); }, {{3, 4}, {5, 4}});
}

TEST_CASE("backward of a dense linear, and of what LoRA adds") {
  check([](auto& cx, auto& x, auto& w, auto& bias,
           auto& residual) { return cx.apply(ops::DenseLinear{}, x, w, bias, residual); },
        {{3, 7}, {5, 7}, {1, 5}, {3, 5}});
  check([](auto& cx, auto& x, auto& w) { return cx.apply(ops::DenseLinear{}, x, w); }, {{65, 7}, {5, 7}});
  // q and v of a stack of q (4), k (2), v (2); then all of one matrix.
  const std::vector<ops::LoraPart> some{{0, 4, 2.5}, {6, 2, -0.5}};
  const Dropout dropout{CounterRng(3),
                        std::make_shared<std::vector<std::uint64_t>>(std::vector<std::uint64_t>{4, 9, 1}), 0.3};
  for (const Dropout& d : {Dropout{}, dropout}) {
    check(
        [&](auto& cx, auto& x, auto& a, auto& b, auto& residual) {
          return cx.apply(ops::Lora{9, some, d}, x, a, b, residual);
        },
        {{3, 7}, {4, 7}, {6, 2}, {3, 9}});
    check(
        [&](auto& cx, auto& x, auto& a, auto& b) {
          return cx.apply(ops::Lora{5, {{0, 5, 1.5}}, d}, x, a, b);
        },
        {{3, 7}, {1, 7}, {5, 1}});
  }
}

TEST_CASE("backward of norms") {
  check([](auto& cx, auto& x, auto& w) { return cx.apply(ops::RmsNorm{1e-3}, x, w); }, {{3, 7}, {1, 7}});
  check([](auto& cx, auto& x, auto& w, auto& b) { return cx.apply(ops::LayerNorm{1e-3}, x, w, b); },
        {{3, 7}, {1, 7}, {1, 7}});
  check(
      [](auto& cx, auto& qkv, auto& q, auto& k) {
        return cx.apply(ops::HeadRmsNorm{3, 1, 4, 1e-3}, qkv, q, k);
      },
      {{3, 20}, {1, 4}, {1, 4}});
  check([](auto& cx, auto& x) { return cx.apply(ops::L2Normalize{}, x); }, {{3, 5}});
}

TEST_CASE("backward of attention and its rotation") {
  const AttentionShape shape{4, 2, 3, 0.6};
  const auto attention = [&](auto mask) {
    check(
        [&](auto& cx, auto& qk, auto& v) {
          return cx.apply(ops::Attention<decltype(mask)>{three_texts(), mask, shape}, qk, v);
        },
        {{tokens, 18}, {tokens, 6}});
    check(
        [&](auto& cx, auto& qkv) {  // one matrix holds all three
          return cx.apply(ops::Attention<decltype(mask)>{three_texts(), mask, shape}, qkv, qkv);
        },
        {{tokens, 24}});
  };
  attention(mask::Bidirectional{});
  attention(mask::Causal{});
  attention(mask::Window{1, 1});
  attention(mask::Any(mask::Causal{}));
  check(
      [](auto& cx, auto& x) {
        using T = scalar_of<decltype(x)>;
        const auto table = [&](std::uint64_t seed) {
          const auto values = parity::random<double>(5 * 2, seed);
          return Tensor<B, T>::from_host(cx.lane(), {5, 2}, std::vector<T>(values.begin(), values.end()));
        };
        return cx.apply(ops::Rope<B, T>{three_texts(), table(1), table(2), 3}, x);
      },
      {{tokens, 16}});
  check(
      [](auto& cx, auto& q, auto& kv) {
        return cx.apply(ops::LatentCrossAttention{2, 3, 0.6}, q, kv);
      },
      {{5, 6}, {4, 12}});
  check([](auto& cx, auto& x) { return cx.apply(ops::Softmax{3, 1.7}, x); }, {{4, 6}});
}

TEST_CASE("backward of pooling and of what moves rows") {
  check([](auto& cx, auto& x) { return cx.apply(ops::SegmentMean{three_texts()}, x); }, {{tokens, 3}});
  check([](auto& cx, auto& x) { return cx.apply(ops::SegmentWeightedMean{three_texts()}, x); }, {{tokens, 3}});
  check([](auto& cx, auto& x) { return cx.apply(ops::GatherRows{{3, 1, 3, 0}}, x); }, {{5, 3}});
  check([](auto& cx, auto& a, auto& b) { return cx.apply(ops::Add{}, a, b); }, {{3, 4}, {3, 4}});
  check([](auto& cx, auto& x) { return cx.apply(ops::Cast{}, x); }, {{3, 4}});
}

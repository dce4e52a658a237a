#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/core/tensor.hpp>
#include <nvembed/cuda/backend.hpp>
#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/mask/causal.hpp>
#include <nvembed/mask/window.hpp>
#include <support/random.hpp>
#include <utility>
#include <vector>

using namespace nvembed;
using B = cuda::Backend;

namespace {

/// Products of rows alone, in parts of a batch and among all have the same bits.
template <class T>
void check_row_bits(const B& be, Precision p) {
  CAPTURE(name(p));
  auto lane = be.make_lane();
#if defined(NVEMBED_CUDA_EMULATED)
  const std::vector<std::pair<Index, Index>> shapes{{96, 64}, {34, 56}};
  const Index most = 200;
#else  // those of SmolLM2 and Mistral
  const std::vector<std::pair<Index, Index>> shapes{{96, 64},     {960, 576},   {3072, 576},   {576, 1536},
                                                    {6144, 4096}, {4096, 4096}, {28672, 4096}, {4096, 14336}};
  const Index most = 5000;
#endif
  for (const auto& [out, in] : shapes) {
    CAPTURE(out);
    CAPTURE(in);
    const auto values = random(out * in, 1);
    const RawWeight raw{std::as_bytes(std::span(values)), DType::f32, out, in, {}, nullptr, "test"};
    const auto w = be.pack<T>(std::span(&raw, 1), p, Use::forward);
    std::vector<T> rows;
    for (const float v : random(most * in, 2)) rows.push_back(static_cast<T>(v));
    const auto x = Tensor<B, T>::from_host(lane, {most, in}, rows);
    const auto product = [&](Index first, Index n) {
      Tensor<B, T> y(lane, {n, out});
      be.linear(lane, x.mat().block(first, n), w, LinearExtras<T>{}, y.mat());
      return y.to_host(lane);
    };
    const auto all = product(0, most);
    for (const Index n : {1, 7, 16, 33, 64, 100, 128, 190, 300, 600, 1100}) {
      if (n > most) continue;
      CAPTURE(n);
      const Index first = most - n;  // elsewhere in the batch, too
      const auto some = product(first, n);
      CHECK(std::memcmp(some.data(), all.data() + first * out, some.size() * sizeof(T)) == 0);
    }
  }
}

}  // namespace

TEST_CASE("cuda: a row's bits do not depend on how many rows are multiplied") {
  const B be(1);
  check_row_bits<float>(be, Precision::f32);
  check_row_bits<Float16>(be, Precision::f16);
  check_row_bits<BFloat16>(be, Precision::bf16);
}

TEST_CASE("cuda: a row's bits in products of 8 bits do not depend on how many rows are multiplied") {
  check_row_bits<Float16>(B(1), Precision::fp8);
  check_row_bits<Float16>(B(1, {.int8_products = true}), Precision::int8);
}

namespace {

/// Attention over texts of these lengths, whose values are `rows` from their first on, in that order.
template <class T, class M>
std::vector<T> attended(const B& be, cuda::Lane& lane, const std::vector<T>& rows, const std::vector<Index>& lengths,
                        Index head_dim, const M& mask) {
  const Index heads = 4, kv_heads = 2, width = (heads + 2 * kv_heads) * head_dim;
  std::vector<Segment> segments;
  Index n = 0;
  for (const Index length : lengths) {
    segments.push_back({n, length, 0, 0, static_cast<Index>(segments.size())});
    n += length;
  }
  const auto x = Tensor<B, T>::from_host(
      lane, {n, width}, std::vector<T>(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(n * width)));
  Tensor<B, T> y(lane, {n, heads * head_dim});
  be.attention(lane, x.mat().columns(0, heads * head_dim), x.mat().columns(heads * head_dim, kv_heads * head_dim),
               x.mat().columns((heads + kv_heads) * head_dim, kv_heads * head_dim), std::span<const Segment>(segments),
               mask, {heads, kv_heads, head_dim, 1 / std::sqrt(static_cast<double>(head_dim))}, y.mat(),
               VecView<float>{});
  return y.to_host(lane);
}

/// The first text of many batches has the same bits in all of them.
template <class T>
void check_text_bits(const B& be) {
  auto lane = be.make_lane();
#if defined(NVEMBED_CUDA_EMULATED)
  const Index longest = 200, many = 9;
  const std::vector<Index> head_dims{64};
#else
  const Index longest = 4096, many = 64;
  const std::vector<Index> head_dims{64, 128};
#endif
  for (const Index head_dim : head_dims) {
    CAPTURE(head_dim);
    std::vector<T> rows;
    for (const float v : random((2 * longest + many * 70) * 8 * head_dim, 3)) rows.push_back(static_cast<T>(v));
    const auto check = [&](const auto& mask) {
      for (const Index length : {Index{1}, Index{7}, Index{64}, Index{129}, longest}) {
        CAPTURE(length);
        const auto alone = attended(be, lane, rows, {length}, head_dim, mask);
        for (const std::vector<Index>& others :
             {std::vector<Index>{1}, {longest}, std::vector<Index>(static_cast<std::size_t>(many), 70), {3, 128, 2}}) {
          std::vector<Index> lengths{length};
          lengths.insert(lengths.end(), others.begin(), others.end());
          const auto among = attended(be, lane, rows, lengths, head_dim, mask);
          CHECK(std::memcmp(among.data(), alone.data(), alone.size() * sizeof(T)) == 0);
        }
      }
    };
    check(mask::Bidirectional{});
    check(mask::Causal{});
    check(mask::Window{40, 9});
  }
}

}  // namespace

TEST_CASE_TEMPLATE("cuda: the bits of a text's attention do not depend on its batch", T, Float16, BFloat16) {
  check_text_bits<T>(B(1));
}

#if defined(NVEMBED_WITH_CUDNN)
TEST_CASE_TEMPLATE("cuda: the bits of a text's attention by cuDNN do not depend on its batch", T, Float16, BFloat16) {
  const B be(1, {.cudnn_attention = true});
  check_text_bits<T>(be);
  CHECK(be.cudnn_attentions() > 0);
}
#endif

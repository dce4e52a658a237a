#include <doctest/doctest.h>

#include <cstring>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/core/tensor.hpp>
#include <nvembed/cuda/backend.hpp>
#include <support/random.hpp>
#include <utility>
#include <vector>

using namespace nvembed;
using B = cuda::Backend;

TEST_CASE_TEMPLATE("cuda: a row's bits do not depend on how many rows are multiplied", T, float, Float16, BFloat16) {
  const B be(1);
  auto lane = be.make_lane();
#if defined(NVEMBED_CUDA_EMULATED)
  const std::vector<std::pair<Index, Index>> shapes{{96, 64}, {34, 56}};
  const Index most = 200;
#else  // those of SmolLM2 and Mistral
  const std::vector<std::pair<Index, Index>> shapes{{96, 64},     {960, 576},   {3072, 576},   {576, 1536},
                                                    {6144, 4096}, {4096, 4096}, {28672, 4096}, {4096, 14336}};
  const Index most = 2500;
#endif
  for (const auto& [out, in] : shapes) {
    CAPTURE(out);
    CAPTURE(in);
    const auto values = random(out * in, 1);
    const RawWeight raw{std::as_bytes(std::span(values)), DType::f32, out, in, {}, nullptr, "test"};
    constexpr Precision p = sizeof(T) == 4               ? Precision::f32
                            : std::is_same_v<T, Float16> ? Precision::f16
                                                         : Precision::bf16;
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

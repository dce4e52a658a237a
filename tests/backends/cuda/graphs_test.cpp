#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <nvembed/core/tensor.hpp>
#include <nvembed/cuda/backend.hpp>
#include <nvembed/embed/load.hpp>
#include <support/golden.hpp>
#include <thread>
#include <utility>
#include <vector>
#if defined(NVEMBED_CUDA_EMULATED)
#include <cuda_emulator/emulator.hpp>
#endif

using namespace nvembed;

namespace {

using B = cuda::Backend;
using Values = std::vector<float>;

/// Values that went through `steps` additions of what was uploaded first, on a pass of their own.
Values pass(const B& be, cuda::Lane& lane, const Values& values, int steps, Index rows = 4) {
  const Shape shape{rows, static_cast<Index>(values.size()) / rows};
  const auto x = Tensor<B, float>::from_host(lane, shape, values);
  Tensor<B, float> y = x;
  for (int i = 0; i < steps; ++i) {
    Tensor<B, float> sum(lane, shape);
    be.add(lane, std::as_const(x).mat(), std::as_const(y).mat(), sum.mat());
    y = sum;
  }
  return y.to_host(lane);
}

Values numbers(float first) {
  Values v(64);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = first + static_cast<float>(i);
  return v;
}

Values times(Values v, float factor) {
  for (float& x : v) x *= factor;
  return v;
}

std::size_t graph_launches() {
#if defined(NVEMBED_CUDA_EMULATED)
  return static_cast<std::size_t>(emulator::statistics().graph_launches);
#else
  return 0;
#endif
}
#if defined(NVEMBED_CUDA_EMULATED)
constexpr bool counted = true;
#else
constexpr bool counted = false;
#endif

}  // namespace

TEST_CASE("cuda: a pass that comes again goes out as one graph, with its own values") {
  const B be(1);
  cuda::Lane lane = be.make_lane();
  const std::size_t before = graph_launches();
  for (int i = 0; i < 8; ++i)
    CHECK(pass(be, lane, numbers(static_cast<float>(i)), 12) == times(numbers(static_cast<float>(i)), 13));
  if (counted) CHECK(graph_launches() - before >= 5);  // seen, seen again in settled memory, and from then on
}

TEST_CASE("cuda: a model's pass becomes a graph, and takes no new memory") {
  for (const char* precision : {"f32", "f16"}) {
    CAPTURE(precision);
    const auto be = std::make_shared<const B>(1);
    const auto model = load<B>(be, golden::path("nvembed_tiny"), {.precision = precision});
    const auto vectors = [&](const char* text) {
      return model.encode({text, "who keeps an old machine running?"}).values;
    };
    const auto first = vectors("the sea");
    for (int i = 0; i < 3; ++i) CHECK(vectors("the sea") == first);
#if defined(NVEMBED_CUDA_EMULATED)
    const auto before = emulator::statistics();
#endif
    const auto other = vectors("the sun");  // as many tokens
    CHECK(vectors("the sea") == first);
    CHECK(vectors("the sun") == other);
    CHECK(other != first);
#if defined(NVEMBED_CUDA_EMULATED)
    CHECK(emulator::statistics().graph_launches >= before.graph_launches + 3);
    CHECK(emulator::statistics().allocations == before.allocations);
#endif
  }
}

TEST_CASE("cuda: passes that begin alike are told apart, whatever their order") {
  const B be(1);
  cuda::Lane lane = be.make_lane();
  std::size_t before = 0;
  for (int round = 0; round < 6; ++round) {
    before = graph_launches();
    for (const int steps : {12, 20, 15, 9}) {  // the first nine additions are the same
      const Values v = numbers(static_cast<float>(round * 31 + steps));
      CHECK(pass(be, lane, v, steps) == times(v, static_cast<float>(steps + 1)));
      CHECK(pass(be, lane, v, steps, 8) == times(v, static_cast<float>(steps + 1)));
    }
  }
  if (counted) CHECK(graph_launches() - before == 8);  // the one that another begins with among them
}

TEST_CASE("cuda: a later lane finds the graphs of an earlier one") {
  const B be(1);
  for (int i = 0; i < 3; ++i) {
    cuda::Lane lane = be.make_lane();
    pass(be, lane, numbers(1), 12);
  }
  const std::size_t before = graph_launches();
  cuda::Lane lane = be.make_lane();
  CHECK(pass(be, lane, numbers(2), 12) == times(numbers(2), 13));
  if (counted) CHECK(graph_launches() == before + 1);
}

TEST_CASE("cuda: work that was held back is done when another stream's user, a wait or the lane's end asks for it") {
  const B be(1);
  Tensor<B, float> y;
  const Values v = numbers(3);
  {
    cuda::Lane lane = be.make_lane();
    for (int i = 0; i < 4; ++i) pass(be, lane, v, 12);
    const auto x = Tensor<B, float>::from_host(lane, {4, 16}, v);
    y = Tensor<B, float>(lane, {4, 16});
    be.add(lane, std::as_const(x).mat(), std::as_const(x).mat(), y.mat());
  }  // nobody waited: the lane does
  cuda::Lane other = be.make_lane();
  CHECK(y.to_host(other) == times(v, 2));
}

TEST_CASE("cuda: a pass with much to upload is not held back") {
  const B be(1);
  cuda::Lane lane = be.make_lane();
  const std::size_t before = graph_launches();
  for (int i = 0; i < 4; ++i) {
    const Values v(40000, static_cast<float>(i));
    CHECK(pass(be, lane, v, 12) == times(v, 13));
  }
  if (counted) CHECK(graph_launches() == before);
}

TEST_CASE("cuda: an upload larger than all pinned memory gets there") {
  const B be(1);
  cuda::Lane lane = be.make_lane();
  Values v(10'000'000);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i % 65521);
  const auto x = Tensor<B, float>::from_host(lane, {1000, 10000}, v);
  CHECK((x.to_host(lane) == v));
}

TEST_CASE("cuda: threads with a lane each have graphs of their own") {
  const B be(1);
  std::vector<int> right(3, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < right.size(); ++t)
    threads.emplace_back([&, t] {
      for (int turn = 0; turn < 2; ++turn) {
        cuda::Lane lane = be.make_lane();
        for (int i = 0; i < 12; ++i) {
          const Values v = numbers(static_cast<float>(100 * t) + static_cast<float>(i));
          right[t] += pass(be, lane, v, 12 + i % 2) == times(v, static_cast<float>(13 + i % 2));
        }
      }
    });
  for (auto& t : threads) t.join();
  CHECK(right == std::vector<int>(3, 24));
}

#if defined(NVEMBED_CUDA_EMULATED)
TEST_CASE("cuda: a lane that lost what was held back serves no longer, and the next one begins anew") {
  const B be(1);
  const Values v = numbers(5);
  {
    cuda::Lane lane = be.make_lane();
    for (int i = 0; i < 4; ++i) pass(be, lane, v, 12);
    const auto x = Tensor<B, float>::from_host(lane, {4, 16}, v);
    Tensor<B, float> y(lane, {4, 16});
    be.add(lane, std::as_const(x).mat(), std::as_const(x).mat(), y.mat());
    emulator::device().lose();
    CHECK_THROWS_AS(lane.synchronize(), DeviceError);
    emulator::device().restore();
    CHECK_THROWS_WITH_AS(lane.synchronize(), doctest::Contains("a new lane is needed"), DeviceError);
    CHECK_THROWS_AS(be.add(lane, std::as_const(x).mat(), std::as_const(x).mat(), y.mat()), DeviceError);
  }
  cuda::Lane lane = be.make_lane();
  for (int i = 0; i < 4; ++i) CHECK(pass(be, lane, v, 12) == times(v, 13));
}
#endif

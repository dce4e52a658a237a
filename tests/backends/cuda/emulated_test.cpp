// What only an emulated device can show: other thread schedules, memory that the host must not touch, a lost device.
#include <doctest/doctest.h>

#include <cuda_emulator/emulator.hpp>
#include <memory>
#include <nvembed/core/tensor.hpp>
#include <nvembed/cuda/backend.hpp>
#include <nvembed/embed/load.hpp>
#include <nvembed/ops/attention.hpp>
#include <nvembed/ops/l2_normalize.hpp>
#include <nvembed/ops/layer_norm.hpp>
#include <nvembed/ops/rms_norm.hpp>
#include <nvembed/ops/segment_mean.hpp>
#include <nvembed/ops/softmax.hpp>
#include <span>
#include <support/golden.hpp>
#include <support/parity.hpp>
#include <support/segments.hpp>
#include <utility>
#include <vector>

using namespace nvembed;
using B = cuda::Backend;

namespace {

/// The device as it was, at the end of a test.
struct Restored {
  ~Restored() { emulator::reset(); }
};

template <class T, class Op>
std::vector<T> results(const Op& op, const std::vector<Shape>& shapes) {
  const B be(1);
  Eval<B> cx(be);
  std::vector<Tensor<B, T>> in;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    in.push_back(parity::random_tensor<B, T>(cx.lane(), shapes[i], 100 + i));
  if constexpr (requires { op.forward(be, cx.lane(), nullptr, in[0], in[0], in[0]); })
    return cx.apply(op, in[0], in[1], in[2]).to_host(cx.lane());
  else if constexpr (requires { op.forward(be, cx.lane(), nullptr, in[0], in[0]); })
    return cx.apply(op, in[0], in[1]).to_host(cx.lane());
  else
    return cx.apply(op, in[0]).to_host(cx.lane());
}

/// A kernel whose threads race gives other bits when they take turns in another order.
template <class T, class Op>
void check_schedules(const Op& op, const std::vector<Shape>& shapes) {
  emulator::set_schedule(emulator::Schedule::forward);
  const auto expected = results<T>(op, shapes);
  const auto same = [&] {
    const auto again = results<T>(op, shapes);
    return again.size() == expected.size() && std::memcmp(again.data(), expected.data(), again.size() * sizeof(T)) == 0;
  };
  emulator::set_schedule(emulator::Schedule::backward);
  CHECK(same());
  for (const std::uint64_t seed : {1, 2}) {
    emulator::set_schedule(emulator::Schedule::shuffled, seed);
    CHECK(same());
  }
  emulator::set_schedule(emulator::Schedule::forward);
}

const std::string tiny = golden::path("nvembed_tiny");

}  // namespace

TEST_CASE_TEMPLATE("cuda: the order of threads changes no bit", T, float, Float16) {
  const auto s = segments({70, 1, 129});
  check_schedules<T>(ops::RmsNorm{1e-5}, {{5, 600}, {1, 600}});
  check_schedules<T>(ops::LayerNorm{1e-5}, {{5, 600}, {1, 600}, {1, 600}});
  check_schedules<T>(ops::L2Normalize{}, {{5, 600}});
  check_schedules<T>(ops::Softmax{40, 2.0}, {{5, 120}});
  check_schedules<T>(ops::SegmentMean{s}, {{200, 40}});
  for (const Index head_dim : {32, 20})
    check_schedules<T>(ops::Attention<mask::Causal>{s, {}, {2, 1, head_dim, 0.2}},
                       {{200, 3 * head_dim}, {200, head_dim}});
}

TEST_CASE("cuda: the order of threads changes no bit of products in 8 bits") {
  for (const Precision precision : {Precision::fp8, Precision::int8}) {
    const B be(1, {.int8_products = true});
    const auto values = parity::random<float>(48 * 208, 1);
    const RawWeight raw{std::as_bytes(std::span(values)), DType::f32, 48, 208, {}, nullptr, "test"};
    const auto results = [&] {  // rounding of weights and rows, sums, and the other direction
      auto lane = be.make_lane();
      const auto w = be.pack<Float16>(std::span(&raw, 1), precision, Use::both);
      REQUIRE(w.eight_bit() != cuda::EightBit::none);
      const auto x = parity::random_tensor<B, Float16>(lane, {9, 208}, 2);
      Tensor<B, Float16> y(lane, {9, 48}), dx(lane, {9, 208});
      be.linear(lane, x.mat(), w, LinearExtras<Float16>{}, y.mat());
      be.linear_dx(lane, std::as_const(y).mat(), w, dx.mat());
      std::vector<float> all;
      for (const auto& part : {y.to_host(lane), dx.to_host(lane)})
        for (const Float16 v : part) all.push_back(static_cast<float>(v));
      return all;
    };
    emulator::set_schedule(emulator::Schedule::forward);
    const auto expected = results();
    emulator::set_schedule(emulator::Schedule::backward);
    CHECK(results() == expected);
    for (const std::uint64_t seed : {1, 2}) {
      emulator::set_schedule(emulator::Schedule::shuffled, seed);
      CHECK(results() == expected);
    }
    emulator::set_schedule(emulator::Schedule::forward);
  }
}

TEST_CASE_TEMPLATE("cuda: attention over 4,097 tokens", T, float, Float16) {
  const auto s = segments({4097});
  const ops::Attention<mask::Bidirectional> op{s, {}, {1, 1, 16, 0.25}};
  CHECK(parity::difference<B, T>(op, {{4097, 32}, {4097, 16}}) < (sizeof(T) == 4 ? 1e-5 : 4e-3));
}

TEST_CASE("cuda: the host touches no memory of the device, and waits for nothing inside a forward pass") {
  emulator::protect(true);
  {
    const auto be = std::make_shared<const B>(1);
    const auto model = load<B>(be, tiny);
    const Embeddings e = model.encode({"the sea", "who keeps an old machine running?"}, {.instruction = "Find it"});
    CHECK(e.rows == 2);
    Eval<B> cx(*be);
    const Packed batch(std::vector<TokenizedText>{{{1, 5, 9, 200, 7}, 0, 0}, {{1, 44, 3}, 1, 1}});
    model.visit([&](const auto& m) {
      m(cx, batch);  // finds algorithms
      cx.lane().synchronize();
      const auto before = emulator::statistics();
      m(cx, batch);
      CHECK(emulator::statistics().kernels > before.kernels + 10);
      CHECK(emulator::statistics().products > before.products + 10);
      CHECK(emulator::statistics().host_waits == before.host_waits);
    });
  }
  emulator::protect(false);
}

TEST_CASE("cuda: what is wrong with the device is said, and where a CPU would do") {
  const Restored restored;
  auto& device = emulator::device();
  device.count = 0;
  CHECK_THROWS_WITH_AS(B(1), "[cuda] this machine has no NVIDIA GPU; another back end runs on the CPU", DeviceError);
  emulator::reset();
  device.driver_version = 0;
  CHECK_THROWS_WITH_AS(B(1), doctest::Contains("no NVIDIA driver is installed"), DeviceError);
  device.driver_version = 12040;
  CHECK_THROWS_WITH_AS(B(1), doctest::Contains("the NVIDIA driver serves CUDA 12.4, this program needs 13.0"),
                       DeviceError);
  emulator::reset();
  CHECK_THROWS_WITH_AS(B(1, {.device = 3}), "[cuda] there is no device 3, the last is 0", DeviceError);
  device.major = 7, device.minor = 5;
  CHECK_THROWS_WITH_AS(B(1), doctest::Contains("has compute capability 7.5; 8.0 or later is needed"), DeviceError);
}

TEST_CASE("cuda: a model larger than the device is refused with both numbers, before anything is allocated") {
  const Restored restored;
  emulator::device().total_memory = std::size_t{1} << 20;
  emulator::reset_statistics();
  const auto before = emulator::statistics().peak_bytes;
  CHECK_THROWS_WITH_AS(load<B>(tiny), doctest::Contains("MiB of memory in f16, 1 MiB is available"), MemoryError);
  CHECK(emulator::statistics().peak_bytes == before);
  // Where it runs out later, the numbers are the device's.
  emulator::reset();
  const B be(1);
  auto lane = be.make_lane();
  CHECK_THROWS_WITH_AS(lane.allocate(std::size_t{90} << 30), doctest::Contains("MiB free"), MemoryError);
  CHECK(lane.allocate(1 << 20) != nullptr);  // and the lane goes on
}

TEST_CASE("cuda: a lost device and a head that no kernel serves are errors") {
  const B be(1);
  {
    Eval<B> cx(be);
    const auto x = parity::random_tensor<B, float>(cx.lane(), {3, 600}, 1);
    CHECK_THROWS_WITH_AS((cx.apply(ops::Attention<mask::Causal>{segments({3}), {}, {1, 1, 300, 1}}, x, x)),
                         doctest::Contains("heads of 300 are wider"), DeviceError);
  }
  const Restored restored;
  const auto model = load<B>(tiny);
  emulator::device().lose();
  CHECK_THROWS_WITH_AS(model.encode({"the sea"}), doctest::Contains("device 0 ("), DeviceError);
}

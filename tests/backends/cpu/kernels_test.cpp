#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/core/weight_rounding.hpp>
#include <nvembed/cpu/kernels.hpp>
#include <support/golden.hpp>
#include <vector>

using namespace nvembed;

namespace {

/// f(kernels) for every instruction set of this machine.
template <class F>
void each_isa(F&& f) {
  for (const cpu::Isa isa : {cpu::Isa::plain, cpu::Isa::avx2, cpu::Isa::avx512}) {
    if (isa > cpu::best_isa()) continue;
    CAPTURE(cpu::name(isa));
    f(cpu::kernels(isa));
  }
}

}  // namespace

TEST_CASE("kernels: dequantisation gives the values of its definition, for every type and instruction set") {
  const Safetensors file(golden::path("quant/blocks.safetensors"));
  const std::pair<const char*, DType> types[] = {{"f16", DType::f16},   {"bf16", DType::bf16}, {"q8_0", DType::q8_0},
                                                 {"q4_0", DType::q4_0}, {"q4_1", DType::q4_1}, {"q5_0", DType::q5_0},
                                                 {"q5_1", DType::q5_1}, {"q4_k", DType::q4_k}, {"q5_k", DType::q5_k},
                                                 {"q6_k", DType::q6_k}, {"q8_0", DType::q8_m}};
  each_isa([&](const cpu::Kernels& k) {
    for (const auto& [name, type] : types) {
      CAPTURE(name);
      const auto& raw = file.at(std::string(name) + ".bytes");
      const Index cols = raw.shape[1] / info(type).bytes * info(type).block;
      std::vector<float> expected(static_cast<std::size_t>(cols)), y(expected);
      for (Index r = 0; r < raw.shape[0]; ++r) {
        dequantize(type, raw.bytes.data() + r * raw.shape[1], cols, expected.data());
        k.dequantize(type, raw.bytes.data() + r * raw.shape[1], cols, y.data());
        Index differ = 0;  // NaN is a value here: Q8_M reads bytes that were not made for it
        for (std::size_t i = 0; i < y.size(); ++i)
          differ += y[i] != expected[i] && !(std::isnan(y[i]) && std::isnan(expected[i]));
        CHECK(differ == 0);
      }
    }
  });
}

TEST_CASE("kernels: rows of fp8 have the values of their definition, subnormal ones too") {
  std::vector<float> x, expected(256), y(256);
  for (int i = 0; i < 256; ++i) x.push_back(std::sin(static_cast<float>(i * i)) * std::ldexp(1.0f, -(i % 24)));
  std::vector<std::byte> blocks(8 * 36);
  for (const float spread : {1.0f, 1e-37f, 1e37f}) {
    std::vector<float> row(x);
    for (float& v : row) v *= spread;
    quantize_f8_r(row.data(), 256, blocks.data());
    dequantize(DType::f8_r, blocks.data(), 256, expected.data());
    CHECK(std::count(expected.begin(), expected.end(), 0.0f) < 200);
    each_isa([&](const cpu::Kernels& k) {
      k.dequantize(DType::f8_r, blocks.data(), 256, y.data());
      CHECK(y == expected);
    });
  }
}

TEST_CASE("kernels: 16-bit floats there and back, with tails") {
  std::vector<float> x{0,     -0.0f, 1,  -1, 65504, 6e-8f, 1e-7f,  3.14159f, 2049,  2051, 1e-5f,    0.1f,
                       -0.3f, 1e4f,  7,  8,  9,     10.5f, 11.25f, 12,       13,    14,   15.0625f, 16,
                       17,    18,    19, 20, 21,    22,    23,     24,       25.3f, 26,   27.7f};
  each_isa([&](const cpu::Kernels& k) {
    const auto n = static_cast<Index>(x.size());
    std::vector<std::uint16_t> half(x.size()), brain(x.size());
    std::vector<float> from_half(x.size()), from_brain(x.size());
    k.narrow_f16(x.data(), n, half.data());
    k.narrow_bf16(x.data(), n, brain.data());
    k.widen_f16(half.data(), n, from_half.data());
    k.widen_bf16(brain.data(), n, from_brain.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      CAPTURE(x[i]);
      CHECK(half[i] == Float16(x[i]).bits);
      CHECK(brain[i] == BFloat16(x[i]).bits);
      CHECK(from_half[i] == static_cast<float>(Float16(x[i])));
      CHECK(from_brain[i] == static_cast<float>(BFloat16(x[i])));
    }
  });
}

TEST_CASE("kernels: Q8_M blocks are those of the definition") {
  std::vector<float> x;
  for (int i = 0; i < 160; ++i) x.push_back(i < 32 ? 0.0f : i < 64 ? -2.5f : std::sin(static_cast<float>(i * i)) * 3);
  std::vector<std::byte> expected(5 * 36), blocks(expected);
  quantize_q8_m(x.data(), 160, expected.data());
  each_isa([&](const cpu::Kernels& k) {
    k.quantize_q8_m(x.data(), 160, blocks.data());
    CHECK(blocks == expected);
  });
}

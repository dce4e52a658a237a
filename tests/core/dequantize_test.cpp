#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <support/compare.hpp>
#include <support/golden.hpp>

using namespace nvembed;

TEST_CASE("dequantize: every type agrees with the gguf package") {
  const Safetensors file(golden::path("quant/blocks.safetensors"));
  const std::pair<const char*, DType> types[] = {{"f16", DType::f16},   {"bf16", DType::bf16}, {"q8_0", DType::q8_0},
                                                 {"q4_0", DType::q4_0}, {"q4_1", DType::q4_1}, {"q5_0", DType::q5_0},
                                                 {"q5_1", DType::q5_1}, {"q4_k", DType::q4_k}, {"q5_k", DType::q5_k},
                                                 {"q6_k", DType::q6_k}};
  for (const auto& [name, type] : types) {
    CAPTURE(std::string(name));
    const auto& raw = file.at(std::string(name) + ".bytes");
    const auto expected = golden::values(file, std::string(name) + ".f32");
    const Index rows = raw.shape[0], row_bytes = raw.shape[1];
    const Index cols = row_bytes / info(type).bytes * info(type).block;
    REQUIRE(rows * cols == static_cast<Index>(expected.size()));
    std::vector<float> row(static_cast<std::size_t>(cols));
    for (Index r = 0; r < rows; ++r) {
      dequantize(type, raw.bytes.data() + r * row_bytes, cols, row.data());
      double worst = 0, largest = 0;
      for (Index c = 0; c < cols; ++c) {
        const double e = expected[static_cast<std::size_t>(r * cols + c)];
        worst = std::max(worst, std::fabs(static_cast<double>(row[static_cast<std::size_t>(c)]) - e));
        largest = std::max(largest, std::fabs(e));
      }
      CHECK(worst <= largest * 1e-6);  // a fused multiply-add may round the last bit otherwise
    }
  }
}

TEST_CASE("row map: llama.cpp's interleaved halves are undone") {
  const RowMap map{6};  // stored 0 3 1 4 2 5 of each head
  const Index expected[] = {0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11};
  for (Index r = 0; r < 12; ++r) CHECK(map.stored(r) == expected[r]);
  CHECK(RowMap{}.stored(7) == 7);
}

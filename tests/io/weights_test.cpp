#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/io/weights.hpp>
#include <support/golden.hpp>

namespace fs = std::filesystem;
using namespace nvembed;

TEST_CASE("Weights: a sharded folder under our keys; what is missing or of another shape is named") {
  const std::string folder = golden::path("nvembed_tiny");
  const Weights w(folder);
  CHECK(w.gguf() == nullptr);
  REQUIRE(w.safetensors() != nullptr);
  CHECK(w.key_map().decoder_prefix() == "embedding_model.");
  const auto keys = w.keys();
  for (const char* key : {"embed_tokens.weight", "latents", "cross_attend_blocks.0.fn.to_q.weight"})
    CHECK(std::find(keys.begin(), keys.end(), key) != keys.end());
  const RawWeight norm = w.get("norm.weight", 1, 64);
  CHECK(norm.rows == 1);
  CHECK_THROWS_WITH_AS(w.get("norm.weight", 1, 65), doctest::Contains("(1, 65)"), FileError);
  CHECK_THROWS_WITH_AS(w.get("norm.bias", 1, 64), doctest::Contains("norm.bias"), FileError);
  Index bytes = 0;
  for (const auto& [name, entry] : w.safetensors()->entries()) bytes += static_cast<Index>(entry.bytes.size());
  CHECK(w.total_bytes() == bytes);

  CHECK(w.paths().size() == 4);  // the index and three shards
  CHECK(Weights(folder + "/model.safetensors.index.json").digest() == w.digest());
  CHECK_THROWS_WITH_AS(Weights(golden::path("tokenizers")), doctest::Contains("model.safetensors"), FileError);
}

TEST_CASE("Weights: the digest tells apart models that differ in one weight, and does not depend on the path") {
  const fs::path copy = fs::temp_directory_path() / ("nvembed_weights_" + std::to_string(::getpid()) + ".gguf");
  const std::string path = golden::path("quant/llama.gguf");
  fs::copy_file(path, copy, fs::copy_options::overwrite_existing);
  const Weights a(path);
  CHECK(Weights(copy).digest() == a.digest());
  // The middle of a matrix.
  const auto& tensors = a.gguf()->tensors();
  const auto bytes = tensors.begin()->second.bytes;
  const auto at = static_cast<std::size_t>(bytes.data() - a.gguf()->file().bytes().data()) + bytes.size() / 2;
  std::FILE* f = std::fopen(copy.c_str(), "r+b");
  REQUIRE(f);
  std::fseek(f, static_cast<long>(at), SEEK_SET);
  std::fputc(static_cast<int>(std::to_integer<unsigned char>(bytes[bytes.size() / 2]) ^ 1), f);
  std::fclose(f);
  CHECK(Weights(copy).digest() != a.digest());
  fs::remove(copy);
}

TEST_CASE("Weights: llama.cpp's row order of q and k is undone, nothing else's") {
  const Weights w(golden::path("quant/llama.gguf"));
  REQUIRE(w.gguf() != nullptr);
  const RawWeight stored = w.gguf()->weight("blk.0.attn_q.weight");
  const RawWeight q = w.get("layers.0.self_attn.q_proj.weight", stored.rows, stored.cols);
  const Index d = q.row_map.head_dim;
  REQUIRE(d > 0);
  // Stored: for each head the pairs (r, r + d/2) side by side.
  for (Index head = 0; head < stored.rows / d; ++head)
    for (Index r = 0; r < d; ++r) {
      const Index pair = r % (d / 2), half = r / (d / 2);
      CHECK(q.row_map.stored(head * d + r) == head * d + 2 * pair + half);
    }
  const RawWeight v = w.gguf()->weight("blk.0.attn_v.weight");
  CHECK(w.get("layers.0.self_attn.v_proj.weight", v.rows, v.cols).row_map.head_dim == 0);
}

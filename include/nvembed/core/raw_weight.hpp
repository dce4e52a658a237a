#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nvembed/core/shape.hpp>
#include <span>
#include <string>
#include <string_view>

namespace nvembed {

/// How the elements of a stored tensor are written. The `q` types are GGUF blocks, but for two that no file has.
/// `q8_m`: an f16 step d, an f16 minimum m and 32 bytes q, each d q + m. Its step is never coarser than Q8_0's, and it
/// holds blocks of 4 and 5 bits with a minimum almost exactly. `f8_r`: a float step, that of the whole row, and 32 E4M3
/// values (`Float8`), each step times value.
enum class DType : std::uint8_t { f32, f16, bf16, f64, q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k, q8_m, f8_r };

struct DTypeInfo {
  std::string_view name;
  Index block;  ///< elements in one block (1 for plain types)
  Index bytes;  ///< bytes of one block
};

inline DTypeInfo info(DType t) {
  static constexpr std::array<DTypeInfo, 14> table{{{"F32", 1, 4},
                                                    {"F16", 1, 2},
                                                    {"BF16", 1, 2},
                                                    {"F64", 1, 8},
                                                    {"Q4_0", 32, 18},
                                                    {"Q4_1", 32, 20},
                                                    {"Q5_0", 32, 22},
                                                    {"Q5_1", 32, 24},
                                                    {"Q8_0", 32, 34},
                                                    {"Q4_K", 256, 144},
                                                    {"Q5_K", 256, 176},
                                                    {"Q6_K", 256, 210},
                                                    {"Q8_M", 32, 36},
                                                    {"F8_R", 32, 36}}};
  return table[static_cast<std::size_t>(t)];
}

/// Bytes of a row of `cols` elements, whole blocks.
inline Index row_bytes(DType t, Index cols) { return cols / info(t).block * info(t).bytes; }

/// Where logical row r of a matrix lies in the stored one. llama.cpp stores the q and k rows of llama-type models with
/// each head's two halves interleaved, so that neighbouring pairs are rotated; this undoes it.
struct RowMap {
  Index head_dim = 0;  ///< 0: rows are stored in order
  Index stored(Index r) const {
    if (head_dim == 0) return r;
    const Index head = r / head_dim, i = r % head_dim, half = head_dim / 2;
    return head * head_dim + 2 * (i % half) + i / half;
  }
};

/// A matrix (or vector: one row) as it lies in a file: bytes that somebody else keeps alive, never touched before it is
/// packed. `bytes.size()` is checked against rows, cols and dtype by whoever makes it.
struct RawWeight {
  std::span<const std::byte> bytes;
  DType dtype = DType::f32;
  Index rows = 0, cols = 0;  // (out, in)
  RowMap row_map{};
  std::shared_ptr<const void> owner;  ///< keeps the bytes alive
  std::string name;                   ///< file and key, for messages
  bool mapped = false;                ///< the bytes are pages of a file, which can be given back

  Index row_bytes() const { return nvembed::row_bytes(dtype, cols); }
  /// Bytes of logical row r.
  const std::byte* row(Index r) const { return bytes.data() + row_map.stored(r) * row_bytes(); }
};

}  // namespace nvembed

#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/core/weight_rounding.hpp>
#include <nvembed/cpu/kernels.hpp>

namespace nvembed::onednn {

/// Logical row `from` of a stored matrix, held as `held` (`held_as`), to `to`. `decoded` has room for a row.
inline void hold_row(DType held, const RawWeight& raw, Index from, const cpu::Kernels& kernel, float* decoded,
                     std::byte* to) {
  if (raw.dtype == held) {
    std::copy_n(raw.row(from), raw.row_bytes(), to);
    return;
  }
  kernel.dequantize(raw.dtype, raw.row(from), raw.cols, decoded);
  check_fits(held, decoded, raw.cols, raw.name);
  if (held == DType::f16)
    kernel.narrow_f16(decoded, raw.cols, reinterpret_cast<std::uint16_t*>(to));
  else if (held == DType::bf16)
    kernel.narrow_bf16(decoded, raw.cols, reinterpret_cast<std::uint16_t*>(to));
  else if (held == DType::q8_m)
    kernel.quantize_q8_m(decoded, raw.cols, to);
  else if (held == DType::q4_0)
    quantize_q4_0(decoded, raw.cols, to);
  else if (held == DType::f8_r)
    quantize_f8_r(decoded, raw.cols, to);
  else
    std::copy_n(reinterpret_cast<const std::byte*>(decoded), raw.cols * 4, to);
}

/// Rows that are looked up, all of one type. Copies share them.
class Table {
 public:
  Table() = default;
  /// Room for the rows; `set_row` fills it.
  Table(Index rows, Index cols, DType held)
      : rows_(rows),
        cols_(cols),
        held_(held),
        values_(std::make_shared_for_overwrite<std::byte[]>(static_cast<std::size_t>(bytes()))) {}

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index bytes() const { return rows_ * row_bytes(held_, cols_); }

  /// Row r from the same row of a stored matrix. `decoded` has room for a row.
  void set_row(Index r, const RawWeight& raw, const cpu::Kernels& kernel, float* decoded) {
    hold_row(held_, raw, r, kernel, decoded, values_.get() + r * row_bytes(held_, cols_));
  }
  void row(Index r, const cpu::Kernels& kernel, float* out) const {
    kernel.dequantize(held_, values_.get() + r * row_bytes(held_, cols_), cols_, out);
  }

 private:
  Index rows_ = 0, cols_ = 0;
  DType held_ = DType::f32;
  std::shared_ptr<std::byte[]> values_;
};

}  // namespace nvembed::onednn

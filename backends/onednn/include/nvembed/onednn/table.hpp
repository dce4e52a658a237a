#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/precision.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/core/weight_rounding.hpp>
#include <nvembed/cpu/kernels.hpp>
#include <span>
#include <vector>

namespace nvembed::onednn {

/// Logical row `from` of a stored matrix, held as `held` (`held_as`), to `to`. `decoded` has room for a row.
inline void hold_row(DType held, const RawWeight& raw, Index from, const cpu::Kernels& kernel, float* decoded,
                     std::byte* to) {
  if (raw.dtype == held) {
    std::copy_n(raw.row(from), raw.row_bytes(), to);
    return;
  }
  dequantize_row(raw, from, decoded);
  check_fits(held, decoded, raw.cols, raw.name);
  if (held == DType::f16)
    kernel.narrow_f16(decoded, raw.cols, reinterpret_cast<std::uint16_t*>(to));
  else if (held == DType::bf16)
    kernel.narrow_bf16(decoded, raw.cols, reinterpret_cast<std::uint16_t*>(to));
  else if (held == DType::q4_0)
    quantize_q4_0(decoded, raw.cols, to);
  else
    std::copy_n(reinterpret_cast<const std::byte*>(decoded), raw.cols * 4, to);
}

/// Rows that are looked up, held as the precision says: one type for all of them, int8 with one scale a row.
class Table {
 public:
  Table() = default;
  /// Room for the rows; `set_row` fills it. `stored` is the type of the file's rows.
  Table(Index rows, Index cols, Precision precision, DType stored)
      : rows_(rows), cols_(cols), int8_(precision == Precision::int8), dtype_(held_as(precision, stored, cols)) {
    width_ = int8_ ? cols : row_bytes(dtype_, cols);
    bytes_ = std::make_shared_for_overwrite<std::byte[]>(static_cast<std::size_t>(rows * width_));
    if (int8_) scales_ = std::make_shared<std::vector<float>>(static_cast<std::size_t>(rows));
  }

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index bytes() const { return rows_ * (width_ + (int8_ ? 4 : 0)); }

  /// Row r from logical row `from` of a stored matrix. `decoded` has room for a row.
  void set_row(Index r, const RawWeight& raw, Index from, const cpu::Kernels& kernel, float* decoded) {
    std::byte* to = bytes_.get() + r * width_;
    if (!int8_) return hold_row(dtype_, raw, from, kernel, decoded, to);
    dequantize_row(raw, from, decoded);
    (*scales_)[static_cast<std::size_t>(r)] = quantize_int8(decoded, cols_, reinterpret_cast<std::int8_t*>(to));
  }
  void row(Index r, const cpu::Kernels& kernel, float* out) const {
    const std::byte* from = bytes_.get() + r * width_;
    if (!int8_) return dequantize(dtype_, from, cols_, out);
    kernel.widen_int8(reinterpret_cast<const std::int8_t*>(from), cols_, out);
    kernel.scale(out, cols_, (*scales_)[static_cast<std::size_t>(r)], out);
  }

 private:
  Index rows_ = 0, cols_ = 0, width_ = 0;
  bool int8_ = false;
  DType dtype_ = DType::f32;
  std::shared_ptr<std::byte[]> bytes_;
  std::shared_ptr<std::vector<float>> scales_;
};

}  // namespace nvembed::onednn

#pragma once

#include <cstddef>
#include <memory>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/cuda/eight_bit.hpp>
#include <utility>
#include <vector>

namespace nvembed::cuda {

/// A frozen matrix in device memory, row-major, its rows stacked of parts that may differ in type. Copies share it.
class DeviceWeight {
 public:
  struct Part {
    DType held = DType::f32;
    Index rows = 0;
    const std::byte* data = nullptr;      // on the device
    EightBit eight_bit = EightBit::none;  // rows of that type, contiguous: `held` means nothing then
    const float* steps = nullptr;         // of them, (rows)

    Index row_bytes(Index cols) const { return eight_bit == EightBit::none ? nvembed::row_bytes(held, cols) : cols; }
  };

  DeviceWeight() = default;
  DeviceWeight(Index cols, std::vector<Part> parts, std::shared_ptr<std::byte> storage)
      : cols_(cols), parts_(std::move(parts)), storage_(std::move(storage)) {
    for (const Part& p : parts_) rows_ += p.rows, bytes_ += p.rows * (p.row_bytes(cols_) + (p.steps ? 4 : 0));
  }

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index bytes() const { return bytes_; }
  const std::vector<Part>& parts() const { return parts_; }
  /// Whether all rows lie one behind the other as elements of that type.
  bool is_dense(DType type) const { return parts_.size() == 1 && parts_[0].held == type && !parts_[0].steps; }
  /// What products with it are computed in, if not in the activations' type.
  EightBit eight_bit() const { return parts_.size() == 1 ? parts_[0].eight_bit : EightBit::none; }

 private:
  Index rows_ = 0, cols_ = 0, bytes_ = 0;
  std::vector<Part> parts_;
  std::shared_ptr<std::byte> storage_;
};

}  // namespace nvembed::cuda

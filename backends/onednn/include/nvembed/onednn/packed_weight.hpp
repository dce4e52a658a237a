#pragma once

#include <cstddef>
#include <memory>
#include <nvembed/core/shape.hpp>
#include <nvembed/onednn/product.hpp>
#include <vector>

namespace nvembed::onednn {

/// A frozen matrix in panels of output rows, each packed for its own primitive. Both halves of the rows are cut alike,
/// so that the panels of a gate and of what it gates meet. Copies share the panels.
class PackedWeight {
 public:
  struct Panel {
    Index begin = 0, rows = 0;  // output rows
    std::shared_ptr<const Product> product;
    std::shared_ptr<std::byte> packed;
  };

  PackedWeight() = default;
  PackedWeight(Index rows, Index cols, std::vector<Panel> panels)
      : rows_(rows), cols_(cols), panels_(std::make_shared<const std::vector<Panel>>(std::move(panels))) {}

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index bytes() const {
    Index n = 0;
    if (panels_)
      for (const Panel& p : *panels_) n += p.product->packed_bytes();
    return n;
  }
  const std::vector<Panel>& panels() const { return *panels_; }

  /// Where a matrix of `rows` rows is cut: in two equal halves where it can be, each in equal panels of at most `most`.
  static std::vector<std::pair<Index, Index>> cuts(Index rows, Index most = 512) {
    const Index halves = rows % 2 == 0 ? 2 : 1, half = rows / halves;
    const Index count = (half + most - 1) / most;
    std::vector<std::pair<Index, Index>> out;  // (begin, rows)
    for (Index h = 0; h < halves; ++h)
      for (Index i = 0; i < count; ++i) {
        const Index begin = h * half + i * half / count;
        out.emplace_back(begin, h * half + (i + 1) * half / count - begin);
      }
    return out;
  }

 private:
  Index rows_ = 0, cols_ = 0;
  std::shared_ptr<const std::vector<Panel>> panels_;
};

/// Rows that are looked up, f32.
class Table {
 public:
  Table() = default;
  Table(Index rows, Index cols, std::shared_ptr<std::byte> values)
      : rows_(rows), cols_(cols), values_(std::move(values)) {}
  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index bytes() const { return rows_ * cols_ * static_cast<Index>(sizeof(float)); }
  const float* row(Index r) const { return reinterpret_cast<const float*>(values_.get()) + r * cols_; }

 private:
  Index rows_ = 0, cols_ = 0;
  std::shared_ptr<std::byte> values_;
};

}  // namespace nvembed::onednn

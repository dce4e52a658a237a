#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/cpu/kernels.hpp>
#include <nvembed/onednn/product.hpp>
#include <utility>
#include <vector>

namespace nvembed::onednn {

/// A frozen matrix in panels of output rows. Both halves of the rows are cut alike, so that the panels of a gate and of
/// what it gates meet. In f32 a panel lies in the layout of its primitive. In f16 and bf16 it lies in the same order,
/// narrowed element by element, so that one pass over it in cache gives the primitive's f32 back whatever that layout
/// is. Blocks lie by rows, as in a file. Copies share everything.
class PackedWeight {
 public:
  enum class Form : std::uint8_t { f32, f16, bf16, blocks };

  /// Rows of one type that follow each other, as a file has them.
  struct Rows {
    DType dtype = DType::f32;
    Index count = 0;
    const std::byte* bytes = nullptr;
  };
  struct Panel {
    Index begin = 0, rows = 0;  // output rows
    std::shared_ptr<const Product> product;
    const std::byte* data = nullptr;
    std::vector<Rows> blocks;
  };

  PackedWeight() = default;
  PackedWeight(Index rows, Index cols, Form form, std::vector<Panel> panels, std::shared_ptr<const void> owner,
               Index bytes)
      : rows_(rows),
        cols_(cols),
        bytes_(bytes),
        form_(form),
        panels_(std::make_shared<const std::vector<Panel>>(std::move(panels))),
        owner_(std::move(owner)) {}

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index bytes() const { return bytes_; }
  Form form() const { return form_; }
  const std::vector<Panel>& panels() const { return *panels_; }

  /// How many row tiles one task multiplies with a panel: widening it is paid once for all of them.
  Index tiles_a_task() const { return form_ == Form::f32 ? 1 : 8; }

  /// Bytes of memory that `unpacked` wants for a panel, a multiple of 64.
  Index scratch_bytes(const Panel& p) const {
    if (form_ == Form::f32) return 0;
    return align(p.product->packed_bytes()) + (form_ == Form::blocks ? align(p.rows * cols_ * 4) : 0);
  }
  /// The panel in its primitive's f32 layout: as it lies, or widened into `scratch`.
  const std::byte* unpacked(const Panel& p, const cpu::Kernels& kernel, std::byte* scratch) const {
    auto* out = reinterpret_cast<float*>(scratch);
    const Index n = p.product->packed_bytes() / 4;
    switch (form_) {
      case Form::f32:
        return p.data;
      case Form::f16:
        kernel.widen_f16(reinterpret_cast<const std::uint16_t*>(p.data), n, out);
        break;
      case Form::bf16:
        kernel.widen_bf16(reinterpret_cast<const std::uint16_t*>(p.data), n, out);
        break;
      case Form::blocks: {
        auto* decoded = reinterpret_cast<float*>(scratch + align(p.product->packed_bytes()));
        float* row = decoded;
        for (const Rows& part : p.blocks) {
          const Index width = row_bytes(part.dtype, cols_);
          for (Index r = 0; r < part.count; ++r, row += cols_)
            kernel.dequantize(part.dtype, part.bytes + r * width, cols_, row);
        }
        p.product->pack(decoded, scratch);
      }
    }
    return scratch;
  }

  static Index align(Index bytes) { return (bytes + 63) / 64 * 64; }

  /// Most rows of a panel. One in f32 is read as it lies, through all caches; one that is widened should stay in the
  /// second-level cache while its tiles pass: a megabyte.
  static Index most_rows(Form form, Index cols) {
    constexpr Index most = 512, least = 64, cache = Index{1} << 20;
    return form == Form::f32 ? most : std::clamp(cache / (4 * cols) / 64 * 64, least, most);
  }
  /// Where a matrix of `rows` rows is cut: in two equal halves where it can be, each in equal panels of at most `most`.
  static std::vector<std::pair<Index, Index>> cuts(Index rows, Index most) {
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
  Index rows_ = 0, cols_ = 0, bytes_ = 0;
  Form form_ = Form::f32;
  std::shared_ptr<const std::vector<Panel>> panels_;
  std::shared_ptr<const void> owner_;  // of what the panels point into
};

}  // namespace nvembed::onednn

#pragma once

#include <algorithm>
#include <cstring>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/core/thread_pool.hpp>
#include <nvembed/core/weight_rounding.hpp>
#include <nvembed/cuda/check.hpp>
#include <nvembed/cuda/dequantize.cuh>
#include <nvembed/cuda/device_weight.hpp>
#include <nvembed/cuda/finite.cuh>
#include <nvembed/cuda/lane.hpp>
#include <span>
#include <utility>
#include <vector>

namespace nvembed::cuda {

/// Brings stored matrices to the device. What a file holds in another type crosses over as it is and is converted
/// there; only quantisation, which files seldom ask for, is done on the host.
class Packer {
 public:
  Packer(Lane& lane, ThreadPool& threads) : lane_(lane), threads_(threads) {}

  DeviceWeight pack(std::span<const RawWeight> raw, Precision precision) {
    require<ShapeError>(!raw.empty(), "pack", "no matrix to pack");
    const Index cols = raw[0].cols;
    std::vector<DeviceWeight::Part> parts;
    std::vector<Index> offsets;
    Index bytes = 0;
    for (const RawWeight& r : raw) {
      require<ShapeError>(r.cols == cols, "pack", r.name, " has ", r.cols, " columns, ", raw[0].name, " has ", cols);
      const DType held = held_as(precision, r.dtype, cols);
      const bool joins = !parts.empty() && parts.back().held == held;  // q, k, v in one product
      if (!joins) bytes = (bytes + alignment - 1) / alignment * alignment;
      offsets.push_back(bytes);
      if (joins)
        parts.back().rows += r.rows;
      else
        parts.push_back({held, r.rows, nullptr});
      bytes += r.rows * row_bytes(held, cols);
    }
    auto storage = lane_.allocate(static_cast<std::size_t>(std::max<Index>(bytes, 1)));
    Index part_bytes = 0;
    for (DeviceWeight::Part& p : parts) {
      part_bytes = (part_bytes + alignment - 1) / alignment * alignment;
      p.data = storage.get() + part_bytes;
      part_bytes += p.rows * row_bytes(p.held, cols);
    }
    for (std::size_t i = 0; i < raw.size(); ++i)
      fill(raw[i], held_as(precision, raw[i].dtype, cols), storage.get() + offsets[i]);
    lane_.synchronize();  // whoever asked may let the bytes go, and other lanes may use the weight
    return {cols, std::move(parts), std::move(storage)};
  }

 private:
  static constexpr Index alignment = 256;
  static constexpr Index block_bytes = Index{64} << 20;  // crosses over at once, where it is converted

  void fill(const RawWeight& raw, DType held, std::byte* to) {
    const bool plain = info(held).block == 1;
    if (raw.dtype == held) {
      upload_rows(raw, 0, raw.rows, to);
    } else if (plain && raw.dtype != DType::f64) {
      const Index stored = std::max<Index>(raw.row_bytes(), 1), most = std::max<Index>(block_bytes / stored, 1);
      for (Index first = 0; first < raw.rows; first += most) {
        const Index n = std::min(most, raw.rows - first);
        const auto block = lane_.allocate(static_cast<std::size_t>(n * stored));
        upload_rows(raw, first, n, block.get());
        with_type(held, to + first * row_bytes(held, raw.cols), [&]<class T>(T* rows) {
          kernels::dequantize<T>(lane_.queue(), raw.dtype, block.get(), n, raw.cols,
                                 MatView<T>{rows, n, raw.cols, raw.cols});
        });
      }
    } else {
      convert_on_host(raw, held, to);
    }
    if (plain && held != DType::f32) refuse_not_finite(raw, held, to);
  }

  /// Logical rows [first, first + n), as the file has them.
  void upload_rows(const RawWeight& raw, Index first, Index n, std::byte* to) {
    const Index bytes = raw.row_bytes();
    if (raw.row_map.head_dim == 0) {
      lane_.upload(to, raw.row(first), static_cast<std::size_t>(n * bytes));
      return;
    }
    std::vector<std::byte> ordered(static_cast<std::size_t>(n * bytes));
    for (Index i = 0; i < n; ++i)
      std::memcpy(ordered.data() + i * bytes, raw.row(first + i), static_cast<std::size_t>(bytes));
    lane_.upload(to, ordered.data(), ordered.size());
  }

  void convert_on_host(const RawWeight& raw, DType held, std::byte* to) {
    const Index bytes = row_bytes(held, raw.cols), most = std::max<Index>(block_bytes / std::max<Index>(bytes, 1), 1);
    constexpr Index step = 16;
    Worker self;
    for (Index first = 0; first < raw.rows; first += most) {
      const Index n = std::min(most, raw.rows - first);
      std::vector<std::byte> block(static_cast<std::size_t>(n * bytes));
      threads_.run((n + step - 1) / step, self, [&](Index t, Worker& worker) {
        float* decoded = worker.scratch_as<float>(raw.cols);
        for (Index i = t * step; i < std::min(n, (t + 1) * step); ++i) {
          dequantize_row(raw, first + i, decoded);
          check_fits(held, decoded, raw.cols, raw.name);
          std::byte* row = block.data() + i * bytes;
          if (held == DType::q8_m)
            quantize_q8_m(decoded, raw.cols, row);
          else if (held == DType::q4_0)
            quantize_q4_0(decoded, raw.cols, row);
          else
            for (Index j = 0; j < raw.cols; ++j) {
              const std::uint16_t bits = held == DType::f16 ? Float16(decoded[j]).bits : BFloat16(decoded[j]).bits;
              if (held == DType::f32)
                std::memcpy(row + 4 * j, decoded + j, 4);
              else
                std::memcpy(row + 2 * j, &bits, 2);
            }
        }
      });
      lane_.upload(to + first * bytes, block.data(), block.size());
    }
  }

  void refuse_not_finite(const RawWeight& raw, DType held, std::byte* at) {
    const auto found = lane_.allocate(sizeof(int));
    int bad = 0;
    lane_.upload(found.get(), &bad, sizeof bad);
    with_type(held, at, [&]<class T>(T* x) {
      kernels::find_not_finite(lane_.queue(), x, raw.rows * raw.cols, reinterpret_cast<int*>(found.get()));
    });
    lane_.download(&bad, found.get(), sizeof bad);
    if (!bad) return;
    // Which value it is, the host finds out, and says it as other back ends do.
    std::vector<float> row(static_cast<std::size_t>(raw.cols));
    for (Index r = 0; r < raw.rows; ++r) {
      dequantize_row(raw, r, row.data());
      check_fits(held, row.data(), raw.cols, raw.name);
    }
  }

  template <class F>
  static void with_type(DType type, std::byte* at, F&& f) {
    if (type == DType::f32) f(reinterpret_cast<float*>(at));
    if (type == DType::f16) f(reinterpret_cast<Float16*>(at));
    if (type == DType::bf16) f(reinterpret_cast<BFloat16*>(at));
  }

  Lane& lane_;
  ThreadPool& threads_;
};

}  // namespace nvembed::cuda

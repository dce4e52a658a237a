#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/core/thread_pool.hpp>
#include <nvembed/core/weight_rounding.hpp>
#include <nvembed/cuda/backend.hpp>
#include <nvembed/cuda/check.hpp>
#include <nvembed/cuda/dequantize.cuh>
#include <nvembed/cuda/device.hpp>
#include <nvembed/cuda/device_weight.hpp>
#include <nvembed/cuda/eight_bit_linear.cuh>
#include <nvembed/cuda/finite.cuh>
#include <nvembed/cuda/lane.hpp>
#include <nvembed/cuda/quantize.cuh>
#include <span>
#include <utility>
#include <vector>

namespace nvembed::cuda {

/// Brings stored matrices to the device. What a file holds in another type crosses over as it is and is converted
/// there; only quantisation in blocks, which files seldom ask for, is done on the host.
class Packer {
 public:
  Packer(Lane& lane, ThreadPool& threads) : lane_(lane), threads_(threads) {}

  /// `eight_bit`: what products with it are to be computed in, where the device can.
  DeviceWeight pack(std::span<const RawWeight> raw, Precision precision, EightBit eight_bit) {
    require<ShapeError>(!raw.empty(), "pack", "no matrix to pack");
    const Index cols = raw[0].cols;
    for (const RawWeight& r : raw)
      require<ShapeError>(r.cols == cols, "pack", r.name, " has ", r.cols, " columns, ", raw[0].name, " has ", cols);
    if (eight_bit == EightBit::e4m3 && multiplies<EightBit::e4m3>(raw)) return pack_rows<EightBit::e4m3>(raw);
    if (eight_bit == EightBit::int8 && multiplies<EightBit::int8>(raw)) return pack_rows<EightBit::int8>(raw);
    std::vector<DeviceWeight::Part> parts;
    std::vector<Index> offsets;
    Index bytes = 0;
    for (const RawWeight& r : raw) {
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
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const DType held = held_as(precision, raw[i].dtype, cols);
      std::byte* const at = storage.get() + offsets[i];
      fill(raw[i], 0, raw[i].rows, held, at);
      if (info(held).block == 1 && held != DType::f32)
        with_type(held, at, [&](auto* x) { refuse_not_finite(raw[i], held, x, raw[i].rows * cols); });
    }
    lane_.synchronize();  // whoever asked may let the bytes go, and other lanes may use the weight
    return {cols, std::move(parts), std::move(storage)};
  }

 private:
  static constexpr Index alignment = 256;
  static constexpr Index block_bytes = Index{64} << 20;  // crosses over at once, where it is converted

  template <EightBit type>
  bool multiplies(std::span<const RawWeight> raw) const {
    constexpr Index unit = 16;  // bytes that matrices of 8-bit products are made of
    Index rows = 0;
    for (const RawWeight& r : raw) rows += r.rows;
    const Index cols = raw[0].cols;
    if (rows == 0 || rows % unit != 0 || cols == 0 || cols % unit != 0) return false;
    constexpr Index most_sum = std::numeric_limits<std::int32_t>::max(), largest = 127;
    if (type == EightBit::int8 && cols > most_sum / (largest * largest)) return false;
    for (Index n = 16; n <= Backend::batch_tokens; n *= 2) {
      const Index panel = eight_bit_panel(n, rows), rest = rows % panel;
      for (const Index m : {panel, rest ? rest : panel})
        if (!lane_.device().products().has(eight_bit_product(type, n, m, cols))) return false;
    }
    return true;
  }

  /// Rows in 8 bits, quantised on the device from floats.
  template <EightBit type>
  DeviceWeight pack_rows(std::span<const RawWeight> raw) {
    const Index cols = raw[0].cols;
    Index rows = 0;
    for (const RawWeight& r : raw) rows += r.rows;
    const Index steps_at = (rows * cols + alignment - 1) / alignment * alignment;
    auto storage = lane_.allocate(static_cast<std::size_t>(steps_at) + static_cast<std::size_t>(rows) * sizeof(float));
    auto* q = reinterpret_cast<std::uint8_t*>(storage.get());
    auto* steps = reinterpret_cast<float*>(storage.get() + steps_at);
    const DeviceWeight::Part part{DType::f32, rows, storage.get(), type, steps};
    const Index most = std::max<Index>(block_bytes / (cols * static_cast<Index>(sizeof(float))), 1);
    for (const RawWeight& r : raw) {
      for (Index first = 0; first < r.rows; first += most) {
        const Index n = std::min(most, r.rows - first);
        const auto wide = lane_.allocate(static_cast<std::size_t>(n * cols) * sizeof(float));
        fill(r, first, first + n, DType::f32, wide.get());
        kernels::quantize_rows<type, float>(
            lane_.queue(), MatView<const float>{reinterpret_cast<const float*>(wide.get()), n, cols, cols},
            q + first * cols, steps + first);
      }
      refuse_not_finite(r, DType::f32, steps, r.rows);
      q += r.rows * cols, steps += r.rows;
    }
    lane_.synchronize();
    return {cols, {part}, std::move(storage)};
  }

  /// Logical rows [begin, end) of `raw`, held as `held`.
  void fill(const RawWeight& raw, Index begin, Index end, DType held, std::byte* to) {
    if (raw.dtype == held) {
      upload_rows(raw, begin, end - begin, to);
    } else if (info(held).block == 1 && raw.dtype != DType::f64) {
      const Index stored = std::max<Index>(raw.row_bytes(), 1), most = std::max<Index>(block_bytes / stored, 1);
      for (Index first = begin; first < end; first += most) {
        const Index n = std::min(most, end - first);
        const auto block = lane_.allocate(static_cast<std::size_t>(n * stored));
        upload_rows(raw, first, n, block.get());
        with_type(held, to + (first - begin) * row_bytes(held, raw.cols), [&]<class T>(T* rows) {
          kernels::dequantize<T>(lane_.queue(), raw.dtype, block.get(), n, raw.cols,
                                 MatView<T>{rows, n, raw.cols, raw.cols});
        });
      }
    } else {
      convert_on_host(raw, begin, end, held, to);
    }
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

  void convert_on_host(const RawWeight& raw, Index begin, Index end, DType held, std::byte* to) {
    const Index bytes = row_bytes(held, raw.cols), most = std::max<Index>(block_bytes / std::max<Index>(bytes, 1), 1);
    constexpr Index step = 16;
    Worker self;
    for (Index first = begin; first < end; first += most) {
      const Index n = std::min(most, end - first);
      std::vector<std::byte> block(static_cast<std::size_t>(n * bytes));
      threads_.run((n + step - 1) / step, self, [&](Index t, Worker& worker) {
        float* decoded = worker.scratch_as<float>(raw.cols);
        for (Index i = t * step; i < std::min(n, (t + 1) * step); ++i) {
          dequantize_row(raw, first + i, decoded);
          check_fits(held, decoded, raw.cols, raw.name);
          encode_row(held, decoded, raw.cols, block.data() + i * bytes);
        }
      });
      lane_.upload(to + (first - begin) * bytes, block.data(), block.size());
    }
  }

  /// `x`: what was made of it, on the device.
  template <class T>
  void refuse_not_finite(const RawWeight& raw, DType held, const T* x, Index n) {
    const auto found = lane_.allocate(sizeof(int));
    int bad = 0;
    lane_.upload(found.get(), &bad, sizeof bad);
    kernels::find_not_finite(lane_.queue(), x, n, reinterpret_cast<int*>(found.get()));
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

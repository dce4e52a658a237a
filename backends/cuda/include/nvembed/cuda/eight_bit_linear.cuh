#pragma once

#include <cublasLt.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nvembed/core/kernel_args.hpp>
#include <nvembed/core/view.hpp>
#include <nvembed/cuda/device.hpp>
#include <nvembed/cuda/device_weight.hpp>
#include <nvembed/cuda/eight_bit.hpp>
#include <nvembed/cuda/lane.hpp>
#include <nvembed/cuda/products.hpp>
#include <nvembed/cuda/quantize.cuh>
#include <type_traits>

namespace nvembed::cuda {

/// The product of a panel's sums: x (n, k) and the weight's rows, both in 8 bits.
inline ProductArgs eight_bit_product(EightBit type, Index n, Index panel, Index k) {
  ProductArgs a{.type = type == EightBit::e4m3 ? CUDA_R_32F : CUDA_R_32I, .n = n, .m = panel, .k = k};
  a.a_stride = k, a.b_stride = k, a.y_stride = panel;
  a.input_type = type == EightBit::e4m3 ? CUDA_R_8F_E4M3 : CUDA_R_8I, a.transpose_b = 1;
  return a;
}

/// y = x W^T + bias + residual, W in 8 bits, x rounded to the same type row by row.
template <EightBit type, Element T>
void eight_bit_linear(Lane& lane, MatView<const T> x, const DeviceWeight& w, LinearExtras<T> extras, MatView<T> y) {
  using Sum = std::conditional_t<type == EightBit::e4m3, float, std::int32_t>;
  if (x.rows == 0) return;
  const DeviceWeight::Part& part = w.parts()[0];
  const Index panel = eight_bit_panel(x.rows, w.rows());
  const auto q = lane.allocate(static_cast<std::size_t>(x.rows * x.cols));
  const auto steps = lane.allocate(static_cast<std::size_t>(x.rows) * sizeof(float));
  const auto sums = lane.allocate(static_cast<std::size_t>(x.rows * panel) * sizeof(Sum));
  auto* const row_steps = reinterpret_cast<float*>(steps.get());
  kernels::quantize_rows<type, T>(lane.queue(), x, reinterpret_cast<std::uint8_t*>(q.get()), row_steps);
  for (Index first = 0; first < w.rows(); first += panel) {
    const Index rows = std::min(panel, w.rows() - first);
    ProductArgs a = eight_bit_product(type, x.rows, rows, x.cols);
    a.a = q.get(), a.b = part.data + first * x.cols, a.y = sums.get();
    lane.device().products().run(lane, a);
    const auto columns = [&]<class V>(V* data, Index stride) {
      return MatView<V>{data ? data + first : nullptr, x.rows, rows, stride};
    };
    kernels::finish_product<Sum, T>(
        lane.queue(), reinterpret_cast<const Sum*>(sums.get()), row_steps, part.steps + first,
        extras.bias.data ? VecView<const T>{extras.bias.data + first, rows} : VecView<const T>{},
        columns(extras.residual.data, extras.residual.stride), columns(y.data, y.stride));
  }
}

}  // namespace nvembed::cuda

#pragma once

#include <algorithm>
#include <nvembed/cuda/attention.cuh>
#include <nvembed/cuda/backend.hpp>
#include <nvembed/cuda/band.hpp>
#include <nvembed/cuda/batches.hpp>
#include <nvembed/cuda/cudnn_attention.hpp>
#include <nvembed/cuda/device.hpp>
#include <nvembed/cuda/eight_bit_linear.cuh>
#include <nvembed/cuda/element.hpp>
#include <nvembed/cuda/elementwise.cuh>
#include <nvembed/cuda/gather.cuh>
#include <nvembed/cuda/norm.cuh>
#include <nvembed/cuda/pack.cuh>
#include <nvembed/cuda/pool.cuh>
#include <nvembed/cuda/products.hpp>
#include <nvembed/cuda/queue.hpp>
#include <nvembed/cuda/rope.cuh>
#include <nvembed/cuda/softmax.cuh>
#include <optional>

/// The kernels of `cuda::Backend`: for `.cu` files, where any mask may be used with them.

namespace nvembed::cuda {
namespace detail {

/// A small array on the device, for work of this lane.
template <class T>
class OnDevice {
 public:
  OnDevice(Lane& lane, std::span<const T> values) : buffer_(lane.allocate(values.size_bytes())) {
    lane.upload(buffer_.get(), values.data(), values.size_bytes());
  }
  const T* data() const { return reinterpret_cast<const T*>(buffer_.get()); }

 private:
  std::shared_ptr<std::byte> buffer_;
};

template <class T>
void widen(Lane& lane, EightBit type, const std::byte* rows, const float* steps, MatView<T> y) {
  const auto* q = reinterpret_cast<const std::uint8_t*>(rows);
  if (type == EightBit::e4m3)
    kernels::widen_rows<EightBit::e4m3, T>(lane.queue(), q, steps, y);
  else
    kernels::widen_rows<EightBit::int8, T>(lane.queue(), q, steps, y);
}

/// f(first row, rows, pointer to them as T) for all rows of a weight: at once where they are of that type, else in
/// panels that are widened one after the other.
template <class T, class F>
void each_panel(Lane& lane, const DeviceWeight& w, F&& f) {
  if (w.is_dense(dtype<T>)) return f(Index{0}, w.rows(), reinterpret_cast<const T*>(w.parts()[0].data));
  constexpr Index most_bytes = Index{128} << 20;
  const Index row = w.cols() * static_cast<Index>(sizeof(T)),
              fit = std::max<Index>(most_bytes / std::max<Index>(row, 1), 1);
  const Index panels = (w.rows() + fit - 1) / fit;
  constexpr Index step = 64;  // rows are counted in these
  const Index rows = std::min(w.rows(), ((w.rows() + panels - 1) / panels + step - 1) / step * step);
  const auto buffer = lane.allocate(static_cast<std::size_t>(rows * row));
  auto* panel = reinterpret_cast<T*>(buffer.get());
  for (Index first = 0; first < w.rows(); first += rows) {
    const Index count = std::min(rows, w.rows() - first);
    Index part_first = 0;
    for (const DeviceWeight::Part& p : w.parts()) {
      const Index from = std::max(first, part_first), to = std::min(first + count, part_first + p.rows);
      const std::byte* rows_at = p.data + (from - part_first) * p.row_bytes(w.cols());
      const MatView<T> wide{panel + (from - first) * w.cols(), to - from, w.cols(), w.cols()};
      if (from < to && p.steps)
        widen(lane, p.eight_bit, rows_at, p.steps + (from - part_first), wide);
      else if (from < to)
        kernels::dequantize<T>(lane.queue(), p.held, rows_at, to - from, w.cols(), wide);
      part_first += p.rows;
    }
    f(first, count, static_cast<const T*>(panel));
  }
}

#if defined(NVEMBED_WITH_CUDNN)
/// Whether cuDNN was asked for, and does it.
template <class T, class M>
bool cudnn_attention(Lane& lane, MatView<const T> q, MatView<const T> k, MatView<const T> v,
                     std::span<const Segment> segments, const M& mask, const AttentionShape& shape, MatView<T> y,
                     VecView<float> lse) {
  const std::optional<Band> seen = band(mask);
  if (!lane.device().asks_cudnn() || lse.data || !seen) return false;
  CudnnAttentionArgs a;
  a.type = data_type<T>;
  a.q = q.data, a.k = k.data, a.v = v.data, a.y = y.data, a.rows = q.rows;
  a.q_stride = q.stride, a.k_stride = k.stride, a.v_stride = v.stride, a.y_stride = y.stride;
  a.heads = shape.heads, a.kv_heads = shape.kv_heads, a.head_dim = shape.head_dim;
  a.scale = static_cast<float>(shape.scale), a.band = *seen;
  return lane.cudnn().run(lane, segments, a);
}
#endif

}  // namespace detail

template <class T>
DeviceWeight Backend::pack(std::span<const RawWeight> raw, Precision precision, Use) const {
  Lane lane = make_lane();
  return Packer(lane, *pool_).pack(raw, precision, sizeof(T) == 2 ? device_->eight_bit(precision) : EightBit::none);
}

template <class T>
DeviceWeight Backend::pack_table(std::span<const RawWeight> raw, Precision precision) const {
  Lane lane = make_lane();
  return Packer(lane, *pool_).pack(raw, precision, EightBit::none);
}

template <class T>
void Backend::embedding(Lane& lane, std::span<const TokenId> ids, const DeviceWeight& table, MatView<T> y) const {
  require<ShapeError>(table.parts().size() == 1, "embedding", "a table is one matrix");
  const detail::OnDevice<TokenId> on_device(lane, ids);
  const DeviceWeight::Part& part = table.parts()[0];
  kernels::embedding<T>(lane.queue(), on_device.data(), part.data, part.held, table.cols(), y);
}

template <class T>
void Backend::linear(Lane& lane, MatView<const T> x, const DeviceWeight& w, LinearExtras<T> extras,
                     MatView<T> y) const {
  if constexpr (sizeof(T) == 2) {
    if (w.eight_bit() == EightBit::e4m3) return eight_bit_linear<EightBit::e4m3>(lane, x, w, extras, y);
    if (w.eight_bit() == EightBit::int8) return eight_bit_linear<EightBit::int8>(lane, x, w, extras, y);
  }
  detail::each_panel<T>(lane, w, [&](Index first, Index rows, const T* panel) {
    ProductArgs a{.type = data_type<T>, .n = x.rows, .m = rows, .k = w.cols()};
    a.input_type = data_type<T>;
    a.a = x.data, a.a_stride = x.stride;
    a.b = panel, a.b_stride = w.cols(), a.transpose_b = true;
    if (extras.bias.data) a.bias = extras.bias.data + first;
    if (extras.residual.data) a.residual = extras.residual.data + first, a.residual_stride = extras.residual.stride;
    a.y = y.data + first, a.y_stride = y.stride;
    device_->products().run(lane, a);
  });
}

template <class T>
void Backend::linear_dx(Lane& lane, MatView<const T> dy, const DeviceWeight& w, MatView<T> dx) const {
  detail::each_panel<T>(lane, w, [&](Index first, Index rows, const T* panel) {
    ProductArgs a{.type = data_type<T>, .n = dy.rows, .m = w.cols(), .k = rows};
    a.input_type = data_type<T>;
    a.a = dy.data + first, a.a_stride = dy.stride;
    a.b = panel, a.b_stride = w.cols();
    if (first) a.residual = dx.data, a.residual_stride = dx.stride;
    a.y = dx.data, a.y_stride = dx.stride;
    device_->products().run(lane, a);
  });
}

template <class T>
void Backend::gated_linear(Lane& lane, MatView<const T> x, const DeviceWeight& w, VecView<const T> bias, Gate gate,
                           MatView<T> y) const {
  const auto buffer = lane.allocate(static_cast<std::size_t>(x.rows * w.rows()) * sizeof(T));
  const MatView<T> both{reinterpret_cast<T*>(buffer.get()), x.rows, w.rows(), w.rows()};
  linear<T>(lane, x, w, {}, both);
  kernels::gated<T>(lane.queue(), both, bias, gate, y);
}

template <class T>
void Backend::matmul(Lane& lane, MatView<const T> a, bool transpose_a, MatView<const T> b, bool transpose_b, T alpha,
                     MatView<T> y) const {
  ProductArgs p{.type = data_type<T>, .n = y.rows, .m = y.cols, .k = transpose_a ? a.rows : a.cols};
  p.input_type = data_type<T>;
  p.a = a.data, p.a_stride = a.stride, p.transpose_a = transpose_a;
  p.b = b.data, p.b_stride = b.stride, p.transpose_b = transpose_b;
  p.alpha = static_cast<float>(alpha);
  p.y = y.data, p.y_stride = y.stride;
  device_->products().run(lane, p);
}

template <class T>
void Backend::gated(Lane& lane, MatView<const T> x, Gate gate, MatView<T> y) const {
  kernels::gated<T>(lane.queue(), x, {}, gate, y);
}

template <class T>
void Backend::add(Lane& lane, MatView<const T> a, MatView<const T> b, MatView<T> y) const {
  kernels::add<T>(lane.queue(), a, b, y);
}

template <class T>
void Backend::cast(Lane& lane, MatView<const T> x, MatView<float> y) const {
  kernels::cast<T, float>(lane.queue(), x, y);
}

template <class T>
void Backend::rms_norm(Lane& lane, MatView<const T> x, VecView<const T> w, double eps, MatView<T> y,
                       VecView<float> rstd) const {
  kernels::rms_norm<T>(lane.queue(), x, w, static_cast<float>(eps), y, rstd);
}

template <class T>
void Backend::head_rms_norm(Lane& lane, MatView<const T> x, VecView<const T> w, double eps, MatView<T> y) const {
  kernels::head_rms_norm<T>(lane.queue(), x, w, static_cast<float>(eps), y);
}

template <class T>
void Backend::layer_norm(Lane& lane, MatView<const T> x, VecView<const T> w, VecView<const T> b, double eps,
                         MatView<T> y, VecView<float> mean, VecView<float> rstd) const {
  kernels::layer_norm<T>(lane.queue(), x, w, b, static_cast<float>(eps), y, mean, rstd);
}

template <class T>
void Backend::rope(Lane& lane, MatView<const T> x, std::span<const Segment> segments, MatView<const float> cos,
                   MatView<const float> sin, MatView<T> y) const {
  kernels::rope<T>(lane.queue(), x, lane.batches().layout(lane, segments, x.rows), cos, sin, y);
}

template <class T, Mask M>
void Backend::attention(Lane& lane, MatView<const T> q, MatView<const T> k, MatView<const T> v,
                        std::span<const Segment> segments, const M& mask, AttentionShape shape, MatView<T> y,
                        VecView<float> lse) const {
#if defined(NVEMBED_WITH_CUDNN)
  if constexpr (sizeof(T) == 2 && is_band<M>)
    if (detail::cudnn_attention<T>(lane, q, k, v, segments, mask, shape, y, lse)) return;
#endif
  const BatchLayout layout = lane.batches().layout(lane, segments, q.rows);
  const AttentionPlan plan = lane.batches().plan(lane, segments, q.rows, mask);
  AttentionArgs<T> a{};
  a.q = q.data, a.k = k.data, a.v = v.data, a.y = y.data, a.lse = lse.data;
  a.q_stride = q.stride, a.k_stride = k.stride, a.v_stride = v.stride, a.y_stride = y.stride;
  a.heads = static_cast<int>(shape.heads), a.kv_heads = static_cast<int>(shape.kv_heads);
  a.head_dim = static_cast<int>(shape.head_dim), a.scale = static_cast<float>(shape.scale);
  a.segments = layout.segments, a.tiles = plan.tiles, a.tile_count = plan.tile_count, a.ranges = plan.ranges;
  if constexpr (exact_keys<M>)
    cuda::attention<T>(a, RangeSight{}, lane.queue());
  else
    cuda::attention<T>(a, MaskSight<M>{mask}, lane.queue());
}

template <class T>
void Backend::softmax(Lane& lane, MatView<const T> x, Index group, double scale, MatView<T> y) const {
  kernels::softmax<T>(lane.queue(), x, group, static_cast<float>(scale), y);
}

template <class T>
void Backend::gather_rows(Lane& lane, MatView<const T> x, std::span<const Index> from, MatView<T> y) const {
  const detail::OnDevice<Index> on_device(lane, from);
  kernels::gather_rows<T>(lane.queue(), x, on_device.data(), y);
}

template <class T>
void Backend::segment_mean(Lane& lane, MatView<const T> x, std::span<const Segment> segments, MatView<T> y) const {
  kernels::segment_mean<T>(lane.queue(), x, lane.batches().layout(lane, segments, x.rows), y);
}

template <class T>
void Backend::segment_weighted_mean(Lane& lane, MatView<const T> x, std::span<const Segment> segments,
                                    MatView<T> y) const {
  kernels::segment_weighted_mean<T>(lane.queue(), x, lane.batches().layout(lane, segments, x.rows), y);
}

template <class T>
void Backend::l2_normalize(Lane& lane, MatView<const T> x, MatView<T> y, VecView<float> norm) const {
  kernels::l2_normalize<T>(lane.queue(), x, y, norm);
}

}  // namespace nvembed::cuda

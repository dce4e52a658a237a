#pragma once

#include <cstdint>
#include <memory>
#include <nvembed/core/backend.hpp>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/cpu_count.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/core/thread_pool.hpp>
#include <nvembed/cuda/device_weight.hpp>
#include <nvembed/cuda/lane.hpp>
#include <nvembed/cuda/options.hpp>
#include <nvembed/mask/mask.hpp>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

namespace nvembed::cuda {

/// An NVIDIA GPU: products by cuBLASLt, everything else by the kernels of this folder. Activations are float, or, for
/// weights held in 16 bits or less, 16-bit values; all arithmetic is done in f32.
///
/// This header is plain C++: what stands here is compiled in `nvembed::cuda_compiled`, for the scalars below and the
/// masks of `mask::Any`. For masks of one's own, include `nvembed/cuda/backend.cuh` in a `.cu` file.
class Backend {
 public:
  using Lane = cuda::Lane;
  template <class T>
  using Packed = DeviceWeight;
  template <class T>
  using Table = DeviceWeight;
  using Scalars = std::tuple<float, Float16, BFloat16>;
  /// Which of them serves weights of a precision.
  static constexpr std::size_t scalar(Precision p) { return p == Precision::f32 ? 0 : p == Precision::bf16 ? 2 : 1; }

  static constexpr Index batch_tokens = 16384;

  /// `threads` host threads prepare weights. Throws DeviceError where the device cannot be used, and says why.
  explicit Backend(Index threads = cpu_count(), const Options& options = {})
      : device_(open(options)), pool_(std::make_shared<ThreadPool>(threads)) {}

  std::string_view name() const { return "cuda"; }
  /// `NVIDIA H100 80GB HBM3`
  NVEMBED_INLINE std::string device_name() const;
  NVEMBED_INLINE Index free_memory() const;
  /// Attentions that cuDNN has taken on (`Options::cudnn_attention`); the others were ours.
  NVEMBED_INLINE std::uint64_t cudnn_attentions() const;
  Lane make_lane() const { return Lane(device_); }

  /// Streams the stacked rows of `raw` to the device, a part at a time through pinned memory, and holds them in the
  /// precision; what is not of the activations' own type is widened panel by panel when it is multiplied. fp8 under
  /// 16-bit activations is multiplied as it is where the device (8.9 or later) and the sizes (multiples of 16) allow,
  /// as is int8 where Options ask for it. Throws FileError naming the matrix where a value does not fit.
  template <class T>
  DeviceWeight pack(std::span<const RawWeight> raw, Precision precision, Use use) const;
  template <class T>
  DeviceWeight pack_table(std::span<const RawWeight> raw, Precision precision) const;

  template <class T>
  void embedding(Lane& lane, std::span<const TokenId> ids, const DeviceWeight& table, MatView<T> y) const;
  template <class T>
  void linear(Lane& lane, MatView<const T> x, const DeviceWeight& w, LinearExtras<T> extras, MatView<T> y) const;
  template <class T>
  void linear_dx(Lane& lane, MatView<const T> dy, const DeviceWeight& w, MatView<T> dx) const;
  template <class T>
  void gated_linear(Lane& lane, MatView<const T> x, const DeviceWeight& w, VecView<const T> bias, Gate gate,
                    MatView<T> y) const;
  template <class T>
  void matmul(Lane& lane, MatView<const T> a, bool transpose_a, MatView<const T> b, bool transpose_b, T alpha,
              MatView<T> y) const;
  template <class T>
  void gated(Lane& lane, MatView<const T> x, Gate gate, MatView<T> y) const;
  template <class T>
  void add(Lane& lane, MatView<const T> a, MatView<const T> b, MatView<T> y) const;
  template <class T>
  void cast(Lane& lane, MatView<const T> x, MatView<float> y) const;
  template <class T>
  void rms_norm(Lane& lane, MatView<const T> x, VecView<const T> w, double eps, MatView<T> y,
                VecView<float> rstd) const;
  template <class T>
  void head_rms_norm(Lane& lane, MatView<const T> x, VecView<const T> w, double eps, MatView<T> y) const;
  template <class T>
  void layer_norm(Lane& lane, MatView<const T> x, VecView<const T> w, VecView<const T> b, double eps, MatView<T> y,
                  VecView<float> mean, VecView<float> rstd) const;
  template <class T>
  void rope(Lane& lane, MatView<const T> x, std::span<const Segment> segments, MatView<const float> cos,
            MatView<const float> sin, MatView<T> y) const;
  template <class T, Mask M>
  void attention(Lane& lane, MatView<const T> q, MatView<const T> k, MatView<const T> v,
                 std::span<const Segment> segments, const M& mask, AttentionShape shape, MatView<T> y,
                 VecView<float> lse) const;
  template <class T>
  void softmax(Lane& lane, MatView<const T> x, Index group, double scale, MatView<T> y) const;
  template <class T>
  void gather_rows(Lane& lane, MatView<const T> x, std::span<const Index> from, MatView<T> y) const;
  template <class T>
  void segment_mean(Lane& lane, MatView<const T> x, std::span<const Segment> segments, MatView<T> y) const;
  template <class T>
  void segment_weighted_mean(Lane& lane, MatView<const T> x, std::span<const Segment> segments, MatView<T> y) const;
  template <class T>
  void l2_normalize(Lane& lane, MatView<const T> x, MatView<T> y, VecView<float> norm) const;

 private:
  NVEMBED_INLINE static std::shared_ptr<const Device> open(const Options& options);

  std::shared_ptr<const Device> device_;
  std::shared_ptr<ThreadPool> pool_;
};

}  // namespace nvembed::cuda

#if !defined(NVEMBED_COMPILED)
#include <nvembed/cuda/backend.inl>
#endif

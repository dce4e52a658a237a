#include <doctest/doctest.h>

#include <complex>
#include <nvembed/core/trainable_backend.hpp>
#include <string>
#include <support/backends.hpp>

using namespace nvembed;

namespace {

/// Everything of the reference but what a `using` line leaves out.
class WithoutKernel : eigen::Backend {
 public:
  using Lane = eigen::Backend::Lane;
  template <class T>
  using Packed = eigen::DenseWeight<T>;
  template <class T>
  using Table = eigen::DenseWeight<T>;
  using eigen::Backend::add, eigen::Backend::attention, eigen::Backend::batch_tokens, eigen::Backend::embedding,
      eigen::Backend::free_memory, eigen::Backend::gated, eigen::Backend::linear_dx, eigen::Backend::gated_linear,
      eigen::Backend::gather_rows, eigen::Backend::head_rms_norm, eigen::Backend::l2_normalize,
      eigen::Backend::layer_norm, eigen::Backend::make_lane, eigen::Backend::matmul, eigen::Backend::name,
      eigen::Backend::pack, eigen::Backend::pack_table, eigen::Backend::rms_norm, eigen::Backend::rope,
      eigen::Backend::segment_mean, eigen::Backend::segment_weighted_mean, eigen::Backend::softmax;
};
class WithKernel : public WithoutKernel {
 public:
  using Lane = WithoutKernel::Lane;
  template <class T>
  using Packed = WithoutKernel::Packed<T>;
  template <class T>
  using Table = WithoutKernel::Table<T>;
  using WithoutKernel::add, WithoutKernel::attention, WithoutKernel::batch_tokens, WithoutKernel::embedding,
      WithoutKernel::free_memory, WithoutKernel::gated, WithoutKernel::linear_dx, WithoutKernel::gated_linear,
      WithoutKernel::gather_rows, WithoutKernel::head_rms_norm, WithoutKernel::l2_normalize, WithoutKernel::layer_norm,
      WithoutKernel::make_lane, WithoutKernel::matmul, WithoutKernel::name, WithoutKernel::pack,
      WithoutKernel::pack_table, WithoutKernel::rms_norm, WithoutKernel::rope, WithoutKernel::segment_mean,
      WithoutKernel::segment_weighted_mean, WithoutKernel::softmax;
  template <class... A>
  void linear(A&&...) const {}
};

/// A kernel of its own, the rest inherited.
struct OwnAdd : eigen::Backend {
  template <class T>
  void add(Lane&, MatView<const T>, MatView<const T>, MatView<T>) const {}
};
/// One overload hides the inherited template: float is there, double is gone.
struct HidesLinear : eigen::Backend {
  void linear(Lane&, MatView<const float>, const Packed<float>&, LinearExtras<float>, MatView<float>) const {}
};
struct KeepsLinear : HidesLinear {
  using eigen::Backend::linear;
  using HidesLinear::linear;
};

struct LaneOnOtherTerms : eigen::Backend {
  int make_lane() const { return 0; }
};

}  // namespace

TEST_CASE("back ends") {
  static_assert(Backend<eigen::Backend>);
  static_assert(Backend<eigen::Backend, double>);
  static_assert(Backend<eigen::Backend, std::complex<double>>);
#if defined(NVEMBED_WITH_ONEDNN)
  static_assert(Backend<onednn::Backend> && TrainableBackend<onednn::Backend>);
#endif
#if defined(NVEMBED_WITH_CUDA)
  static_assert(Backend<cuda::Backend> && Backend<cuda::Backend, Float16> && Backend<cuda::Backend, BFloat16>);
  static_assert(!Backend<cuda::Backend, double>);
#endif
  static_assert(TrainableBackend<eigen::Backend> && TrainableBackend<eigen::Backend, double>);
  static_assert(Backend<OwnAdd>);
  static_assert(Backend<WithKernel>);
  static_assert(Backend<HidesLinear> && Backend<KeepsLinear, double>);
}

TEST_CASE("no back ends") {
  static_assert(!Backend<int>);
  static_assert(!Backend<WithoutKernel>);
  static_assert(!Backend<HidesLinear, double>);
  static_assert(!Backend<LaneOnOtherTerms>);
  static_assert(!TrainableBackend<WithKernel>);  // its forward kernels alone are there
}

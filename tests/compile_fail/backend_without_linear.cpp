// A back end must have every kernel; the missing one is named.
// gcc: the required expression 'be.linear.lane, x, w, extras, y.' is invalid
// clang: 'be.linear.lane, x, w, extras, y.' would be invalid: 'linear' is a private member
#include <nvembed/eigen/backend.hpp>
using namespace nvembed;

class Own : eigen::Backend {
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
#if defined(FIXED)
  using eigen::Backend::linear;
#endif
};
static_assert(Backend<Own>);

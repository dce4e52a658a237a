#include <complex>
#include <nvembed/eigen/product.tpp>

namespace nvembed::eigen::detail {
// NOLINTBEGIN(bugprone-macro-parentheses): a type
#define NVEMBED_PRODUCT(T) \
  template void product(const T*, Index, Index, Index, const T*, Index, Index, bool, T, T*, Index);
// NOLINTEND(bugprone-macro-parentheses)
NVEMBED_PRODUCT(float)
NVEMBED_PRODUCT(double)
NVEMBED_PRODUCT(std::complex<double>)
#undef NVEMBED_PRODUCT
}  // namespace nvembed::eigen::detail

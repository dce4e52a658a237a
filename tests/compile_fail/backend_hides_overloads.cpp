// A derived back end's own `linear` for float hides the inherited template: its double is gone until a using line.
// gcc: the required expression 'be.linear.lane, x, w, extras, y.' is invalid
// clang: 'be.linear.lane, x, w, extras, y.' would be invalid: no viable conversion
#include <nvembed/eigen/backend.hpp>
using namespace nvembed;

struct Own : eigen::Backend {
#if defined(FIXED)
  using eigen::Backend::linear;
#endif
  void linear(Lane&, MatView<const float>, const Packed<float>&, LinearExtras<float>, MatView<float>) const {}
};
static_assert(Backend<Own, float>);
static_assert(Backend<Own, double>);

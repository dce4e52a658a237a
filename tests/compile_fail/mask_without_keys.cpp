// A mask that says what it allows, but not where kernels must look.
// gcc: the required expression 'm.keys.queries, s.' is invalid
// clang: 'm.keys.queries, s.' would be invalid: no member named 'keys'
#include <nvembed/mask/mask.hpp>
using namespace nvembed;

struct EveryOther {
  bool allows(Index q, Index k, const Segment&) const { return (q - k) % 2 == 0; }
#if defined(FIXED)
  Range keys(Range, const Segment& s) const { return {0, s.size}; }
#endif
};
static_assert(Mask<EveryOther>);

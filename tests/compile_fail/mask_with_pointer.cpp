// A mask goes to other devices as it is: what it owns elsewhere cannot follow.
// gcc: is_trivially_copyable_v<M> .*Table.* evaluated to 'false'
// clang: is_trivially_copyable_v<Table>' evaluated to false
#include <nvembed/mask/mask.hpp>
#include <vector>
using namespace nvembed;

struct Table {
#if !defined(FIXED)
  std::vector<bool> table;
#endif
  bool allows(Index, Index, const Segment&) const { return true; }
  Range keys(Range, const Segment& s) const { return {0, s.size}; }
};
static_assert(Mask<Table>);

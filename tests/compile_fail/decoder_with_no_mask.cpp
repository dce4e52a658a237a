// A decoder whose mask is none.
// gcc: no type named|constraints not satisfied|template constraint failure
// clang: constraints not satisfied for class template 'Decoder'
#include <nvembed/eigen/backend.hpp>
#include <nvembed/model/decoder.hpp>
using namespace nvembed;

struct EveryOther {
  bool allows(Index q, Index k, const Segment&) const { return (q - k) % 2 == 0; }
#if defined(FIXED)
  Range keys(Range, const Segment& s) const { return {0, s.size}; }
#endif
};
Decoder<eigen::Backend, EveryOther> decoder;

#include <doctest/doctest.h>

#include <memory>
#include <nvembed/mask/any.hpp>

using namespace nvembed;

namespace {

struct EveryOther {
  bool allows(Index q, Index k, const Segment&) const { return (q - k) % 2 == 0; }
  Range keys(Range, const Segment& s) const { return {0, s.size}; }
};
struct NoKeys {
  bool allows(Index, Index, const Segment&) const { return true; }
};
struct NoAllows {
  Range keys(Range, const Segment& s) const { return {0, s.size}; }
};
struct Score : EveryOther {
  float allows(Index, Index, const Segment&) const { return 0; }
};
struct Shared : EveryOther {
  std::shared_ptr<int> table;
};
struct Changing : EveryOther {
  bool allows(Index, Index, const Segment&);
};
struct Exact : EveryOther {
  static constexpr bool exact_keys = true;
};

}  // namespace

TEST_CASE("masks") {
  static_assert(Mask<EveryOther>);
  static_assert(Mask<mask::Bidirectional> && Mask<mask::Causal> && Mask<mask::Window> && Mask<mask::Prefix>);
  static_assert(!Mask<mask::Any>);  // dispatched once a kernel call by `visit`, never asked key by key
  static_assert(Mask<decltype(mask::Causal{} & mask::Window{255, 0})>);
  static_assert(exact_keys<Exact> && !exact_keys<EveryOther>);
}

TEST_CASE("keys outside the text do not count") {
  const Segment s{0, 10, 0, 0, 0};
  const mask::Window w{100, 100};
  CHECK(keys_within(w, {0, 1}, s).end == 10);
  struct Wild {
    bool allows(Index, Index, const Segment&) const { return true; }
    Range keys(Range, const Segment& s) const { return {-5, s.size + 5}; }
  };
  CHECK(keys_within(Wild{}, {0, 1}, s).begin == 0);
  CHECK(keys_within(Wild{}, {0, 1}, s).end == 10);
}

TEST_CASE("no masks") {
  static_assert(!Mask<NoKeys>);
  static_assert(!Mask<NoAllows>);
  static_assert(!Mask<Score>);
  static_assert(!Mask<Shared>);
  static_assert(!Mask<Changing>);
  static_assert(!Mask<int>);
}

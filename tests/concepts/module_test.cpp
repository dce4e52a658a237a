#include <doctest/doctest.h>

#include <nvembed/embed/embedder.hpp>
#include <nvembed/mask/any.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/pool/any.hpp>
#include <support/backends.hpp>

using namespace nvembed;

namespace {

using B = eigen::Backend;
struct Two {
  int a = 0, b = 0;
  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("a", s.a);
    visit("b", s.b);
  }
};
struct NoReflect {
  int a = 0;
};
struct OnlyMutable {
  template <class V>
  static void reflect(OnlyMutable&, V&&) {}
};
struct MemberReflect {
  template <class V>
  void reflect(V&&) {}
};

}  // namespace

TEST_CASE("modules") {
  static_assert(Module<Two>);
  static_assert(Module<Decoder<B, mask::Any>>);
  static_assert(Module<Embedder<Decoder<B, mask::Bidirectional>, pool::Mean>>);
  static_assert(Module<pool::LatentAttention<B>> && Module<nn::Linear<B, float>>);
}

TEST_CASE("no modules") {
  static_assert(!Module<NoReflect>);
  static_assert(!Module<OnlyMutable>);
  static_assert(!Module<MemberReflect>);
}

#include <doctest/doctest.h>

#include <nvembed/autograd/eval.hpp>
#include <nvembed/pool/any.hpp>
#include <support/backends.hpp>

using namespace nvembed;

namespace {

using B = eigen::Backend;
using C = Eval<B>;
using Vectors = C::Var<float>;

struct First {
  template <class Self, class V>
  static void reflect(Self&, V&&) {}
  Vectors operator()(C&, const Vectors& hidden, const Packed&) const { return hidden; }
};
struct NotAModule {
  Vectors operator()(C&, const Vectors& hidden, const Packed&) const { return hidden; }
};
struct NotConst : First {
  Vectors operator()(C&, const Vectors& hidden, const Packed&) { return hidden; }
};
struct GivesNumber : First {
  float operator()(C&, const Vectors&, const Packed&) const { return 0; }
};
struct NoBatch : First {
  Vectors operator()(C&, const Vectors& hidden) const { return hidden; }
};

}  // namespace

TEST_CASE("poolers") {
  static_assert(Pooler<First, C>);
  static_assert(Pooler<pool::Mean, C> && Pooler<pool::LastToken, C> && Pooler<pool::WeightedMean, C>);
  static_assert(Pooler<pool::LatentAttention<B>, C> && Pooler<pool::SelfAttention<B>, C>);
  static_assert(Pooler<pool::FoldedLatentAttention<B>, C> && Pooler<pool::Any<B>, C>);
}

TEST_CASE("no poolers") {
  static_assert(!Pooler<NotAModule, C>);
  static_assert(!Pooler<NotConst, C>);
  static_assert(!Pooler<GivesNumber, C>);
  static_assert(!Pooler<NoBatch, C>);
  static_assert(!Pooler<pool::Mean, B>);
}

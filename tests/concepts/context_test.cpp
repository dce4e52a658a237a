#include <doctest/doctest.h>

#include <nvembed/autograd/eval.hpp>
#include <support/backends.hpp>

using namespace nvembed;

namespace {

using B = eigen::Backend;
struct NoConstant : Eval<B> {
  void constant() = delete;
};
struct CopiesLane : Eval<B> {
  B::Lane lane();
};
struct NoBackend {
  template <class T>
  using Var = Tensor<B, T>;
};

}  // namespace

TEST_CASE("contexts") {
  static_assert(Context<Eval<B>>);
#if defined(NVEMBED_WITH_ONEDNN)
  static_assert(Context<Eval<onednn::Backend>>);
#endif
}

TEST_CASE("no contexts") {
  static_assert(!Context<NoConstant>);
  static_assert(!Context<CopiesLane>);
  static_assert(!Context<NoBackend>);
  static_assert(!Context<B>);
}

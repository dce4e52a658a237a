#include <doctest/doctest.h>

#include <nvembed/autograd/eval.hpp>
#include <nvembed/autograd/tape.hpp>
#include <nvembed/loss/cosent.hpp>
#include <nvembed/loss/cosine_mse.hpp>
#include <nvembed/loss/embedding_distillation.hpp>
#include <nvembed/loss/info_nce.hpp>
#include <nvembed/loss/loss.hpp>
#include <nvembed/loss/matryoshka.hpp>
#include <nvembed/loss/score_distillation.hpp>
#include <nvembed/loss/triplet.hpp>
#include <support/backends.hpp>

using namespace nvembed;

namespace {

using B = eigen::Backend;
using C = Eval<B>;
using Vectors = C::Var<float>;

struct Nothing {
  struct Targets {};
  Vectors operator()(C&, const Vectors& a, const Vectors&, const Targets&) const { return a; }
};
struct NoTargets {
  Vectors operator()(C&, const Vectors& a, const Vectors&, int) const { return a; }
};
struct NotConst : Nothing {
  Vectors operator()(C&, const Vectors& a, const Vectors&, const Targets&) { return a; }
};
struct GivesNumber : Nothing {
  float operator()(C&, const Vectors&, const Vectors&, const Targets&) const { return 0; }
};

template <class Context>
constexpr bool all_losses() {
  return Loss<loss::InfoNce, Context> && Loss<loss::Triplet, Context> && Loss<loss::Cosent, Context> &&
         Loss<loss::CosineMse, Context> && Loss<loss::ScoreDistillation, Context> &&
         Loss<loss::EmbeddingDistillation, Context> && Loss<loss::Matryoshka<loss::InfoNce>, Context>;
}

}  // namespace

TEST_CASE("losses") {
  static_assert(Loss<Nothing, C>);
  static_assert(all_losses<Eval<B>>());
  static_assert(all_losses<Tape<B>>());
}

TEST_CASE("no losses") {
  static_assert(!Loss<NoTargets, C>);
  static_assert(!Loss<NotConst, C>);
  static_assert(!Loss<GivesNumber, C>);
  static_assert(!Loss<loss::InfoNce, B>);
}

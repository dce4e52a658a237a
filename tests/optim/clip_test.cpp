#include <doctest/doctest.h>

#include <cmath>
#include <nvembed/optim/clip.hpp>
#include <nvembed/optim/step_guard.hpp>

#include "support.hpp"

using namespace trained;
using optim::clip_gradient_norm;

namespace {

Gradients<B, float> pair(const B& be, std::vector<float> a, std::vector<float> b) {
  auto lane = be.make_lane();
  Gradients<B, float> g;
  g.add(be, lane, "a", Tensor<B, float>::from_host(lane, {1, static_cast<Index>(a.size())}, a));
  g.add(be, lane, "b", Tensor<B, float>::from_host(lane, {1, static_cast<Index>(b.size())}, b));
  return g;
}

}  // namespace

TEST_CASE("clip: the norm over all gradients, and the scale only where it is too long") {
  const B be(2);
  auto lane = be.make_lane();
  const auto g = pair(be, {3, 0}, {0, -4, 12});
  CHECK(clip_gradient_norm(lane, g).norm == 13);
  CHECK(clip_gradient_norm(lane, g).scale == 1);
  CHECK(clip_gradient_norm(lane, g, 14).scale == 1);
  CHECK(clip_gradient_norm(lane, g, 6.5).scale == 6.5 / (13 + 1e-6));
  CHECK(clip_gradient_norm(lane, g, 13).scale == 13 / (13 + 1e-6));  // as torch: a norm at the limit is scaled a little
  CHECK(clip_gradient_norm(lane, Gradients<B, float>(), 1).norm == 0);
  CHECK(clip_gradient_norm(lane, Gradients<B, float>(), 1).scale == 1);
  CHECK(clip_gradient_norm(lane, pair(be, {3e30f}, {4e30f}), 1).norm == doctest::Approx(5e30));  // squares beyond float
  CHECK_THROWS_AS(clip_gradient_norm(lane, g, 0), InputError);
  CHECK_THROWS_AS(clip_gradient_norm(lane, g, NAN), InputError);
}

TEST_CASE("clip: gradients that are not finite are told, and no step takes their scale") {
  const B be(1);
  auto lane = be.make_lane();
  for (const float bad : {INFINITY, -INFINITY, NAN}) {
    const auto n = clip_gradient_norm(lane, pair(be, {1, 2}, {bad}), 1);
    CHECK(!n.finite());
    CHECK(std::isnan(n.scale));
  }
}

TEST_CASE("step guard: skips, counts, and ends a run that has nothing else left") {
  optim::StepGuard guard(3);
  CHECK(guard.admit(1, 1));
  CHECK(!guard.admit(NAN, 1));
  CHECK(!guard.admit(1, INFINITY));
  CHECK(guard.counts() == optim::StepGuard::Counts{2, 2});
  CHECK(guard.admit(0, 0));
  CHECK(guard.counts() == optim::StepGuard::Counts{2, 0});
  CHECK(!guard.admit(-INFINITY, 1));
  CHECK(!guard.admit(1, NAN));
  optim::StepGuard resumed(3, guard.counts());
  for (optim::StepGuard* g : {&guard, &resumed}) {
    CHECK_THROWS_WITH_AS(g->admit(NAN, 2), doctest::Contains("[step_guard] 3 steps in a row"), Error);
    CHECK(g->counts() == optim::StepGuard::Counts{5, 3});
  }
  CHECK_THROWS_AS(optim::StepGuard(1).admit(NAN, 1), Error);
  CHECK_THROWS_AS(optim::StepGuard(0), InputError);
}

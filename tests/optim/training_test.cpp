#include <doctest/doctest.h>

#include <nvembed/autograd/tape.hpp>
#include <nvembed/ops/matmul.hpp>
#include <nvembed/optim/clip.hpp>
#include <nvembed/optim/cosine_schedule.hpp>
#include <nvembed/optim/name_pattern.hpp>
#include <nvembed/optim/step_guard.hpp>

#include "support.hpp"

using namespace trained;

namespace {

struct Products {
  Parameter<B, float> weight{Parts(4, 6), {}};
  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("weight", s.weight);
  }
};

}  // namespace

TEST_CASE("optim: a tape, a schedule, clipping, a guard and AdamW find the weights that made the targets") {
  const B be(2);
  auto lane = be.make_lane();
  const auto x = parity::random_tensor<B, float>(lane, {32, 6}, 1);
  const auto wanted = parity::random_tensor<B, float>(lane, {4, 6}, 2);
  Tensor<B, float> targets(lane, {32, 4});
  be.matmul(lane, x.mat(), false, wanted.mat(), true, 1.0f, targets.mat());
  Products model;
  model.weight.value = parity::random_tensor<B, float>(lane, {4, 6}, 3);
  const Trainable trainable = all_of(model);
  std::vector<double> losses;
  constexpr Index total = 300;

  // [train]
  optim::AdamOptions options;
  options.weight_decay = 1e-4;
  options.groups.push_back({optim::NamePattern("*weight"), 0.5});  // half the learning rate
  optim::AdamW<B> optimizer(be, model, trainable, options);
  const optim::CosineSchedule schedule{20, total};  // 20 steps of warm-up
  optim::StepGuard guard(5);
  for (Index step = 0; step < total; ++step) {
    Tape<B> tape(be, trainable);
    const auto y = tape.apply(ops::Matmul{true}, tape.constant(x), tape.leaf(model.weight));
    Tensor<B, float> error(lane, y.value.shape());  // gradient of the loss, sum (y - target)^2 / 2
    double loss = 0;
    for (Index i = 0; i < error.size(); ++i) {
      error.data()[i] = y.value.data()[i] - targets.data()[i];
      loss += 0.5 * error.data()[i] * error.data()[i];
    }
    const auto gradients = std::move(tape).backward(y, error);
    const auto [norm, scale] = optim::clip_gradient_norm(lane, gradients, 1.0);
    if (guard.admit(loss, norm)) optimizer.step(gradients, 0.1 * schedule(step), scale);
    losses.push_back(loss);
  }
  // [train]

  CHECK(guard.counts().skipped == 0);
  CHECK(losses.back() < 1e-4 * losses.front());
  CHECK(max_abs_difference(model.weight.value.to_host(lane), wanted.to_host(lane)) < 0.01);
}

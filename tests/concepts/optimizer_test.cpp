#include <doctest/doctest.h>

#include <functional>
#include <nvembed/optim/adam.hpp>
#include <nvembed/optim/adamw.hpp>
#include <nvembed/optim/constant_schedule.hpp>
#include <nvembed/optim/cosine_schedule.hpp>
#include <nvembed/optim/linear_schedule.hpp>
#include <nvembed/optim/optimizer.hpp>
#include <support/backends.hpp>

using namespace nvembed;

namespace {

using B = eigen::Backend;

/// Plain gradient descent keeps nothing.
struct Descent {
  void step(const Gradients<B>&, double, double) {}
  template <class F>
  void for_each_state(F&&) const {}
  template <class F>
  void load_state(F&&) {}
  Index state_bytes() const { return 0; }
};
struct WithoutState {
  void step(const Gradients<B>&, double, double) {}
};
struct Counting {  // not a function of the step alone
  double operator()(Index) { return 1; }
};

}  // namespace

TEST_CASE("optimizers and schedules") {
  static_assert(Optimizer<optim::AdamW<B>, B> && Optimizer<optim::Adam<B>, B>);
  static_assert(Optimizer<optim::AdamW<B, double>, B, double>);
  static_assert(Optimizer<Descent, B>);
  static_assert(Schedule<optim::ConstantSchedule> && Schedule<optim::LinearSchedule> &&
                Schedule<optim::CosineSchedule> && Schedule<std::function<double(Index)>>);
  static_assert(HostMemory<B>);
}

TEST_CASE("no optimizers and schedules") {
  static_assert(!Optimizer<WithoutState, B>);
  static_assert(!Optimizer<optim::AdamW<B, double>, B, float>);
  static_assert(!Schedule<Counting> && !Schedule<double>);
#if defined(NVEMBED_WITH_CUDA)
  static_assert(!HostMemory<cuda::Backend>);
#endif
}

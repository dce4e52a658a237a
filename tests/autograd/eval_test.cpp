#include <doctest/doctest.h>

#include <nvembed/autograd/eval.hpp>
#include <support/backends.hpp>
#include <type_traits>
#include <vector>

using namespace nvembed;

namespace {

template <class B>
Tensor<B, float> row(Eval<B>& cx, const std::vector<float>& values) {
  return Tensor<B, float>::from_host(cx.lane(), {1, static_cast<Index>(values.size())}, values);
}

/// 10 a + b, telling what it was called with.
struct Spy {
  template <class B, class T>
  struct Saved {};
  struct Call {
    const void *be = nullptr, *lane = nullptr;
    bool saves = false;
  };
  Call* call;

  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, std::type_identity_t<Saved<B, T>>* saved,
                       const Tensor<B, T>& a, const Tensor<B, T>& b) const {
    *call = {&be, &lane, saved != nullptr};
    Tensor<B, T> y(lane, a.shape());
    auto sum = b.to_host(lane);
    const auto tens = a.to_host(lane);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += 10 * tens[i];
    lane.upload(y.data(), sum.data(), sum.size() * sizeof(T));
    return y;
  }
};

}  // namespace

TEST_CASE_TEMPLATE("eval: an op runs on the context's own back end and lane, inputs in order, nothing saved", B,
                   NVEMBED_TEST_BACKENDS) {
  const B be(1);
  Eval<B> cx(be);
  CHECK(&cx.be() == &be);
  const auto a = row(cx, {1, 2, 3}), b = row(cx, {4, 5, 6});
  Spy::Call call{nullptr, nullptr, true};
  const auto y = cx.apply(Spy{&call}, a, b);
  CHECK(y.to_host(cx.lane()) == std::vector<float>{14, 25, 36});
  CHECK(call.be == &be);
  CHECK(call.lane == &cx.lane());
  CHECK_FALSE(call.saves);
  CHECK(a.to_host(cx.lane()) == std::vector<float>{1, 2, 3});
}

TEST_CASE_TEMPLATE("eval: a leaf is the parameter, a constant and a value the tensor, without a copy", B,
                   NVEMBED_TEST_BACKENDS) {
  const B be(1);
  Eval<B> cx(be);
  Parameter<B, float> p{Parts{1, 2}, row(cx, {7, 8})};
  CHECK(&cx.leaf(p) == &p.value);
  const auto t = row(cx, {9});
  CHECK(cx.constant(t).data() == t.data());
  CHECK(&Eval<B>::value(t) == &t);
  CHECK_FALSE(cx.constant(Tensor<B, float>{}));  // an input that is left out stays left out
}

TEST_CASE_TEMPLATE("eval: each has a lane of its own, and what it made outlives it", B, NVEMBED_TEST_BACKENDS) {
  const B be(2);
  Tensor<B, float> kept;
  const float* released = nullptr;
  {
    Eval<B> first(be), second(be);
    CHECK(&first.lane() != &second.lane());
    released = row(first, {1, 2}).data();    // goes back to the first lane's store
    const auto other = row(second, {3, 4});  // and is no memory of the second's
    CHECK(other.data() != released);
    kept = row(first, {5, 6});
    CHECK(kept.data() == released);
  }
  Eval<B> later(be);
  CHECK(kept.to_host(later.lane()) == std::vector<float>{5, 6});
}

#include <doctest/doctest.h>

#include <nvembed/autograd/tape.hpp>
#include <nvembed/ops/add.hpp>
#include <nvembed/ops/dense_linear.hpp>
#include <nvembed/ops/gated.hpp>
#include <nvembed/ops/layer_norm.hpp>
#include <nvembed/ops/matmul.hpp>
#include <nvembed/ops/rms_norm.hpp>
#include <nvembed/ops/softmax.hpp>
#include <support/complex_step.hpp>

using namespace nvembed;
using complex_step::B;
using Var = TapeVar<B, double>;

static_assert(Context<Tape<B>>);

namespace {

Parameter<B, double> parameter(const B& be, Index rows, Index cols, std::uint64_t seed) {
  auto lane = be.make_lane();
  return {Parts(rows, cols), parity::random_tensor<B, double>(lane, {rows, cols}, seed)};
}

/// Counts how often it runs forward and backward.
struct Counted {
  std::shared_ptr<std::array<int, 2>> runs;
  using Saved = ops::SavesNothing;
  template <class T>
  Tensor<B, T> forward(const B&, HostLane&, ops::SavedArg<Saved>, const Tensor<B, T>& x) const {
    ++(*runs)[0];
    return x;
  }
  template <class T>
  std::array<Tensor<B, T>, 1> backward(const B&, HostLane&, const Saved&, const Tensor<B, T>& dy, Need) const {
    ++(*runs)[1];
    return {dy};
  }
};

}  // namespace

TEST_CASE("tape: a value used in several places, a parameter used twice") {
  // One buffer goes to both inputs of an op, and is used again: sums must not be written into it.
  complex_step::check(
      [](auto& cx, auto& x) {
        const auto twice = cx.apply(ops::Add{}, x, x);
        const auto square = cx.apply(ops::Matmul{true, 1}, twice, x);
        return cx.apply(ops::Add{}, square, cx.apply(ops::Softmax{3, 1}, square));
      },
      {{3, 3}});

  const B be(1);
  const auto w = parameter(be, 3, 3, 1);
  Trainable trainable;
  trainable.add("layer.w", w);
  const auto gradient = [&](bool both) {
    Tape<B, double> tape(be, trainable);
    const auto x = tape.constant(parity::random_tensor<B, double>(tape.lane(), {2, 3}, 2));
    const Var once = tape.apply(ops::Matmul{}, x, tape.leaf(w));
    const Var y = both ? tape.apply(ops::Add{}, once, tape.apply(ops::Matmul{}, x, tape.leaf(w))) : once;
    const auto seed = parity::random_tensor<B, double>(tape.lane(), {2, 3}, 3);
    const auto g = std::move(tape).backward(y, seed);
    REQUIRE(g.size() == 1);
    return g.at("layer.w").to_host(tape.lane());
  };
  const auto one = gradient(false), two = gradient(true);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(two[i] == 2 * one[i]);
}

TEST_CASE("tape: nothing is computed that nobody asked for") {
  const B be(1);
  const auto frozen = parameter(be, 3, 3, 1), w = parameter(be, 3, 3, 2);
  Trainable trainable;
  trainable.add("w", w);
  const auto below = std::make_shared<std::array<int, 2>>(), above = std::make_shared<std::array<int, 2>>(),
             beside = std::make_shared<std::array<int, 2>>();
  Tape<B, double> tape(be, trainable);
  const auto x = tape.constant(parity::random_tensor<B, double>(tape.lane(), {2, 3}, 3));
  const auto h = tape.apply(Counted{below}, tape.apply(ops::Matmul{}, x, tape.leaf(frozen)));
  CHECK(h.node < 0);
  const auto unused = tape.apply(Counted{beside}, tape.apply(ops::Matmul{}, h, tape.leaf(w)));
  const auto y = tape.apply(Counted{above}, tape.apply(ops::Matmul{}, h, tape.leaf(w)));
  CHECK(unused.node >= 0);
  const auto g = std::move(tape).backward(y, parity::random_tensor<B, double>(tape.lane(), {2, 3}, 4));
  CHECK((*below)[1] == 0);   // below the lowest trainable parameter
  CHECK((*beside)[1] == 0);  // not on the way to y
  CHECK((*above)[1] == 1);
  CHECK(g.contains("w"));
  CHECK_THROWS_AS(g.at("frozen"), InputError);

  Tape<B, double> other(be, trainable);
  const auto z = other.apply(ops::Matmul{}, other.constant(x.value), other.leaf(w));
  CHECK_THROWS_AS(std::move(other).backward(z, Tensor<B, double>(other.lane(), {3, 2})), ShapeError);
}

TEST_CASE("tape: a block that is computed again gives the same bits, and keeps nothing") {
  const B be(1);
  const auto w = parameter(be, 4, 4, 1), norm = parameter(be, 1, 4, 2);
  Trainable trainable;
  trainable.add("w", w);
  trainable.add("norm", norm);
  const auto run = [&](bool again, const std::shared_ptr<std::array<int, 2>>& runs, bool input_wanted) {
    Tape<B, double> tape(be, trainable);
    const auto dx = std::make_shared<Tensor<B, double>>();
    const auto value = parity::random_tensor<B, double>(tape.lane(), {5, 4}, 3);
    Var x = input_wanted ? tape.input(value, dx) : tape.constant(value);
    const auto block = [&w, &norm, runs](auto& cx, const auto& in) {
      const auto h = cx.apply(ops::RmsNorm{1e-6}, cx.apply(ops::Matmul{}, in, cx.leaf(w)), cx.leaf(norm));
      return cx.apply(ops::Add{}, in, cx.apply(Counted{runs}, cx.apply(ops::Softmax{2, 1}, h)));
    };
    for (int layer = 0; layer < 3; ++layer) x = again ? tape.recompute(block, x) : block(tape, x);
    const auto g = std::move(tape).backward(x, parity::random_tensor<B, double>(tape.lane(), {5, 4}, 4));
    std::vector<std::vector<double>> all{g.at("w").to_host(tape.lane()), g.at("norm").to_host(tape.lane())};
    if (input_wanted) all.push_back(dx->to_host(tape.lane()));
    return all;
  };
  for (const bool input_wanted : {true, false}) {
    const auto plain_runs = std::make_shared<std::array<int, 2>>(), runs = std::make_shared<std::array<int, 2>>();
    CHECK(run(false, plain_runs, input_wanted) == run(true, runs, input_wanted));
    CHECK((*plain_runs)[0] == 3);
    CHECK((*runs)[0] == 6);
    CHECK((*runs)[1] == 3);
  }
}

TEST_CASE("gradients add up by name") {
  const B be(1);
  auto lane = be.make_lane();
  Gradients<B, double> a, b;
  const auto x = parity::random_tensor<B, double>(lane, {2, 2}, 1),
             y = parity::random_tensor<B, double>(lane, {2, 2}, 2);
  a.add(be, lane, "x", x);
  b.add(be, lane, "x", y);
  b.add(be, lane, "y", y);
  a.add(be, lane, b);
  CHECK(a.size() == 2);
  for (std::size_t i = 0; i < 4; ++i) CHECK(a.at("x").to_host(lane)[i] == x.to_host(lane)[i] + y.to_host(lane)[i]);
  CHECK(x.to_host(lane) == parity::random_tensor<B, double>(lane, {2, 2}, 1).to_host(lane));  // not written into
  CHECK_THROWS_AS(a.add(be, lane, "x", Tensor<B, double>(lane, {1, 4})), ShapeError);
}

namespace {

/// What an op does, without the right to make its result anew.
template <class Op>
struct Keeping {
  Op op;
  template <class T>
  struct SavedOf {
    using type = typename Op::template Saved<B, T>;
  };
  template <class, class T>
  using Saved = typename SavedOf<T>::type;
  template <class T, class... X>
  Tensor<B, T> forward(const B& be, HostLane& lane, ops::SavedArg<Saved<B, T>> saved, const Tensor<B, T>& x,
                       const X&... more) const {
    return op.forward(be, lane, saved, x, more...);
  }
  template <class S, class T>
  auto backward(const B& be, HostLane& lane, const S& saved, const Tensor<B, T>& dy, Need need) const {
    return op.backward(be, lane, saved, dy, need);
  }
};

}  // namespace

TEST_CASE("tape: what is cheap to make anew is not kept for its readers, and changes no bit") {
  const B be(1);
  const auto w = parameter(be, 5, 6, 1), norm = parameter(be, 1, 6, 2), bias = parameter(be, 1, 6, 3);
  Trainable trainable;
  trainable.add("w", w);
  trainable.add("norm", norm);
  const auto gradients = [&](auto&& made, bool let_go) {
    Tape<B, double> tape(be, trainable);
    Var y;
    {
      Var value = made(tape);
      y = tape.apply(ops::DenseLinear{}, value, tape.leaf(w), Var{}, Var{});
      if (let_go) {  // a buffer that nobody holds is what the next one of its size is given
        const auto* before = std::as_const(value.value).data();
        const Shape shape = value.value.shape();
        value.value = {};
        CHECK(Tensor<B, double>(tape.lane(), shape).data() == before);
      }
    }
    const auto seed = parity::random_tensor<B, double>(tape.lane(), y.value.shape(), 9);
    auto lane = be.make_lane();
    std::map<std::string, std::vector<double>> all;
    for (const auto& [name, g] : std::move(tape).backward(y, seed)) all[name] = g.to_host(lane);
    return all;
  };
  const auto x = [&](auto& tape, Index cols) {
    return tape.constant(parity::random_tensor<B, double>(tape.lane(), {4, cols}, 5));
  };
  const auto both = [&](auto op, auto&& inputs) {
    const auto remade = gradients([&](auto& tape) { return inputs(tape, op); }, true);
    const auto held = gradients([&](auto& tape) { return inputs(tape, Keeping<decltype(op)>{op}); }, false);
    CHECK(remade == held);
    CHECK(remade.size() == 2);
  };
  both(ops::RmsNorm{1e-5}, [&](auto& tape, const auto& op) { return tape.apply(op, x(tape, 6), tape.leaf(norm)); });
  both(ops::LayerNorm{1e-5},
       [&](auto& tape, const auto& op) { return tape.apply(op, x(tape, 6), tape.leaf(norm), tape.leaf(bias)); });
  both(ops::Gated{}, [&](auto& tape, const auto& op) {
    const auto wide = tape.apply(ops::Matmul{true, 1}, x(tape, 6), tape.leaf(norm));  // (4, 1)
    return tape.apply(
        op, tape.apply(ops::Matmul{}, wide, tape.constant(parity::random_tensor<B, double>(tape.lane(), {1, 12}, 6))));
  });
}

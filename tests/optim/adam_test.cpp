#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <nvembed/optim/clip.hpp>
#include <nvembed/optim/linear_schedule.hpp>
#include <nvembed/optim/name_pattern.hpp>
#include <support/golden.hpp>

#include "support.hpp"

using namespace trained;
using optim::AdamOptions;
using optim::Moments;
using optim::NamePattern;

namespace {

constexpr double peak = 0.03125;

template <class T>
constexpr double within = std::is_same_v<T, float> ? tolerance::optim : tolerance::exact;

/// Runs an optimizer beside a trajectory of PyTorch.
template <template <class, class> class Optimizer, class T, class Back = B>
void follow(const std::string& name, const AdamOptions& options, bool clip = false, bool scheduled = false) {
  CAPTURE(name);
  const Json expected = golden::json("optim/expected.json").at("cases").at(name);
  const Back be(2);
  Model<T, Back> model;
  fill(be, model);
  const Trainable trainable = all_of(model);
  Optimizer<Back, T> optimizer(be, model, trainable, options);
  auto lane = be.make_lane();
  const optim::LinearSchedule schedule{10, 60};
  auto state = expected.at("states").begin();
  double worst = 0;
  for (Index t = 0; t < 50; ++t) {
    const auto g = gradients<T>(be, model, t + 1);
    double scale = 1;
    if (clip) {
      const optim::GradientNorm norm = optim::clip_gradient_norm(lane, g, 1.5);
      CHECK(norm.norm == doctest::Approx(expected.at("norms").at(t).get<double>()).epsilon(within<T>));
      scale = norm.scale;
    }
    optimizer.step(g, peak * (scheduled ? schedule(t) : 1), scale);
    if (state->at("step").template get<Index>() != t + 1) continue;
    for (const auto& [parameter, values] : weights(model)) {
      const auto target = state->at(parameter).template get<std::vector<double>>();
      double size = 0;
      for (const double w : target) size = std::max(size, std::abs(w));
      for (std::size_t i = 0; i < values.size(); ++i) worst = std::max(worst, std::abs(values[i] - target[i]) / size);
    }
    ++state;
  }
  CHECK(state == expected.at("states").end());
  CHECK(worst <= within<T>);
}

AdamOptions decaying() {
  AdamOptions o;
  o.weight_decay = 0.1;
  return o;
}

AdamOptions in_groups() {
  AdamOptions o = decaying();
  o.beta1 = 0.8, o.beta2 = 0.95, o.eps = 1e-6;
  o.groups.push_back({NamePattern("*bias"), 0.5, 0.25});
  o.groups.push_back({[](std::string_view name) { return name.find("norm") != std::string_view::npos; }, 2});
  return o;
}

/// A parameter of n numbers alone.
template <class T>
struct One {
  Parameter<B, T> w{Parts(2, 0), {}};
  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("w", s.w);
  }
  One(const B& be, Index n, float value) {
    auto lane = be.make_lane();
    w.declared.cols = n / 2;
    w.value = Tensor<B, T>::from_host(lane, {2, n / 2}, std::vector<T>(static_cast<std::size_t>(n), T(value)));
  }
};

Gradients<B, float> constant(const B& be, Index n, float value) {
  auto lane = be.make_lane();
  Gradients<B, float> g;
  g.add(be, lane, "w",
        Tensor<B, float>::from_host(lane, {2, n / 2}, std::vector<float>(static_cast<std::size_t>(n), value)));
  return g;
}

/// A copy of an optimizer's state, as a checkpoint holds it.
struct Saved {
  struct Array {
    std::string role;
    DType dtype;
    Shape shape;
    std::vector<std::byte> bytes;
  };
  struct Named {
    Index steps;
    std::vector<Array> arrays;
  };
  std::map<std::string, Named> states;

  template <class O>
  explicit Saved(const O& optimizer) {
    optimizer.for_each_state([&](const std::string& name, const optim::ParameterState& s) {
      Named n{s.steps, {}};
      for (const auto& a : s.arrays)
        n.arrays.push_back({std::string(a.role), a.dtype, a.shape, {a.bytes.begin(), a.bytes.end()}});
      states[name] = n;
    });
  }
  std::optional<optim::ParameterState> operator()(const std::string& name) const {
    const auto found = states.find(name);
    if (found == states.end()) return {};
    optim::ParameterState s{found->second.steps, {}};
    for (const auto& a : found->second.arrays) s.arrays.push_back({a.role, a.dtype, a.shape, a.bytes});
    return s;
  }
  std::size_t bytes() const {
    std::size_t n = 0;
    for (const auto& [name, s] : states)
      for (const auto& a : s.arrays) n += a.bytes.size();
    return n;
  }
};

}  // namespace

TEST_CASE_TEMPLATE("optim: 50 steps beside PyTorch, back ends in f32", Back, eigen::Backend NVEMBED_TEST_ONEDNN) {
  follow<optim::AdamW, float, Back>("adamw.f32", decaying());
  follow<optim::Adam, float, Back>("adam.f32", decaying());
  follow<optim::AdamW, float, Back>("adamw.groups.clipped.scheduled.f32", in_groups(), true, true);
}

TEST_CASE("optim: 50 steps beside PyTorch, double") {
  follow<optim::AdamW, double>("adamw.f64", decaying());
  follow<optim::Adam, double>("adam.f64", decaying());
  follow<optim::AdamW, double>("adamw.groups.clipped.scheduled.f64", in_groups(), true, true);
}

TEST_CASE_TEMPLATE("optim: 16-bit parameters follow masters in float", P, BFloat16, Float16) {
  const B be(2);
  Model<P> narrow;
  fill(be, narrow);
  Model<float> wide;  // begins at the rounded weights
  fill(be, wide);
  each(wide, [&](Index k, const std::string&, auto& p) {
    each(narrow, [&](Index j, const std::string&, auto& q) {
      if (k == j)
        for (Index i = 0; i < p.value.size(); ++i) p.value.data()[i] = static_cast<float>(q.value.data()[i]);
    });
  });
  const Trainable of_narrow = all_of(narrow), of_wide = all_of(wide);
  optim::AdamW<B> a(be, narrow, of_narrow, decaying()), b(be, wide, of_wide, decaying());
  for (Index t = 1; t <= 20; ++t) {
    a.step(gradients<float>(be, narrow, t), peak);
    b.step(gradients<float>(be, wide, t), peak);
    auto rounded = weights(wide);
    for (auto& [name, values] : rounded)
      for (double& w : values) w = static_cast<float>(P(static_cast<float>(w)));
    CHECK(weights(narrow) == rounded);
  }
}

TEST_CASE("optim: steps far below a bf16 parameter's precision add up") {
  const B be(1);
  One<BFloat16> one(be, 4, 1.0f);
  const Trainable trainable = all_of(one);
  optim::AdamW<B> optimizer(be, one, trainable, {});
  constexpr float lr = 1e-4f;  // a step; the next lower bf16 is 1 - 2^-8
  CHECK(static_cast<float>(BFloat16(1.0f - lr)) == 1.0f);
  for (int t = 0; t < 1000; ++t) optimizer.step(constant(be, 4, 0.5f), lr);
  const auto all = weights(one);
  for (const double w : all.at("w")) CHECK(w == doctest::Approx(0.9).epsilon(0.004));
}

TEST_CASE("optim: moments in bf16 take half and end in the same place") {
  const B be(2);
  constexpr Index n = 20'000;  // several tasks
  One<float> wide(be, n, 1), narrow(be, n, 1);
  const Trainable of_wide = all_of(wide), of_narrow = all_of(narrow);
  AdamOptions options;
  optim::AdamW<B> a(be, wide, of_wide, options);
  options.moments = Moments::bf16;
  optim::AdamW<B> b(be, narrow, of_narrow, options);
  CHECK(a.state_bytes() == 8 * n);
  CHECK(b.state_bytes() == 4 * n);
  // A large gradient once, then small ones: the second moment falls by a thousandth a step, which rounding to nearest
  // would never let it do.
  for (int t = 0; t < 1000; ++t) {
    const auto g = constant(be, n, t == 0 ? 1.0f : 0.01f);
    a.step(g, 1e-3);
    b.step(g, 1e-3);
  }
  const auto mean = [](const auto& optimizer) {  // of the second moments
    double sum = 0;
    optimizer.for_each_state([&](const std::string&, const optim::ParameterState& s) {
      const auto& v = s.arrays.at(1);
      CHECK(v.role == "exp_avg_sq");
      for (Index i = 0; i < v.shape.size(); ++i) {
        float x = 0;  // a bf16 is the upper half of a float, little-endian
        const std::size_t size = static_cast<std::size_t>(info(v.dtype).bytes);
        std::memcpy(reinterpret_cast<char*>(&x) + 4 - size, v.bytes.data() + static_cast<std::size_t>(i) * size, size);
        sum += x;
      }
    });
    return sum / n;
  };
  CHECK(mean(b) == doctest::Approx(mean(a)).epsilon(1e-3));
  const auto all = weights(narrow);
  double sum = 0;
  for (const double w : all.at("w")) sum += w;
  CHECK(sum / n == doctest::Approx(weights(wide).at("w").front()).epsilon(1e-3));
}

TEST_CASE("optim: the same bits for any number of threads") {
  constexpr Index n = 100'002;
  const auto run = [&](Index threads, Moments moments, auto type) {
    using P = typename decltype(type)::type;
    const B be(threads);
    One<P> one(be, n, 1);
    const Trainable trainable = all_of(one);
    AdamOptions options = decaying();
    options.moments = moments;
    optim::AdamW<B> optimizer(be, one, trainable, options);
    auto lane = be.make_lane();
    std::vector<double> norms;
    for (Index t = 0; t < 3; ++t) {
      Gradients<B, float> g;
      g.add(be, lane, "w", parity::random_tensor<B, float>(lane, {2, n / 2}, 7 + static_cast<std::uint64_t>(t)));
      norms.push_back(optim::clip_gradient_norm(lane, g, 1).norm);
      optimizer.step(g, 1e-2, 0.5);
    }
    return std::pair(weights(one), norms);
  };
  for (const Moments moments : {Moments::wide, Moments::bf16}) {
    CHECK(run(1, moments, std::type_identity<float>{}) == run(3, moments, std::type_identity<float>{}));
    CHECK(run(1, moments, std::type_identity<BFloat16>{}) == run(4, moments, std::type_identity<BFloat16>{}));
  }
}

TEST_CASE_TEMPLATE("optim: a run that goes on from its state goes on to the same bits", P, float, BFloat16) {
  const B be(2);
  for (const Moments moments : {Moments::wide, Moments::bf16}) {
    AdamOptions options = decaying();
    options.moments = moments;
    Model<P> model;
    fill(be, model);
    const Trainable trainable = all_of(model);
    optim::AdamW<B> whole(be, model, trainable, options);
    for (Index t = 1; t <= 7; ++t) whole.step(gradients<float>(be, model, t), peak);
    const Saved saved(whole);
    CHECK(saved.bytes() == static_cast<std::size_t>(whole.state_bytes()));
    CHECK(saved.states.size() == 3);
    CHECK(saved.states.at("layer.weight").steps == 7);

    Model<P> again;
    fill(be, again);
    const Trainable of_again = all_of(again);
    optim::AdamW<B> rest(be, again, of_again, options);
    if constexpr (std::is_same_v<P, float>)  // such weights are the checkpoint's to load
      each(again, [&](Index k, const std::string&, auto& p) {
        each(model, [&](Index j, const std::string&, auto& q) {
          if (k == j) std::copy_n(q.value.data(), q.value.size(), p.value.data());
        });
      });
    rest.load_state(saved);
    CHECK(weights(again) == weights(model));
    for (Index t = 8; t <= 15; ++t) {
      whole.step(gradients<float>(be, model, t), peak);
      rest.step(gradients<float>(be, again, t), peak);
    }
    CHECK(weights(again) == weights(model));
    Saved x(whole), y(rest);
    for (const auto& [name, s] : x.states) {
      CHECK(y.states.at(name).steps == s.steps);
      for (std::size_t i = 0; i < s.arrays.size(); ++i) CHECK(y.states.at(name).arrays[i].bytes == s.arrays[i].bytes);
    }
  }
}

TEST_CASE("optim: a state that does not fit is refused and changes nothing") {
  const B be(1);
  Model<float> model;
  fill(be, model);
  const Trainable trainable = all_of(model);
  optim::AdamW<B> optimizer(be, model, trainable, {});
  optimizer.step(gradients<float>(be, model, 1), peak);
  const Saved good(optimizer);
  optimizer.step(gradients<float>(be, model, 2), peak);
  const Saved now(optimizer);
  const auto refuses = [&](const Saved& bad, const char* message) {
    CHECK_THROWS_WITH_AS(optimizer.load_state(bad), doctest::Contains(message), Error);
    const Saved after(optimizer);
    for (const auto& [name, s] : now.states) {
      CHECK(after.states.at(name).steps == s.steps);
      for (std::size_t i = 0; i < s.arrays.size(); ++i)
        CHECK(after.states.at(name).arrays[i].bytes == s.arrays[i].bytes);
    }
  };
  Saved bad = good;
  bad.states.erase("layer.weight");
  refuses(bad, "no state of layer.weight");
  bad = good;
  bad.states.at("layer.weight").arrays.pop_back();
  refuses(bad, "has no exp_avg_sq");
  bad = good;
  bad.states.at("layer.weight").arrays[0].dtype = DType::bf16;
  refuses(bad, "is BF16, F32 was asked for");
  bad = good;
  bad.states.at("layer.weight").arrays[0].shape = {5, 3};
  refuses(bad, "is (3, 5), its state (5, 3)");
  bad = good;
  bad.states.at("layer.weight").arrays[0].bytes.pop_back();
  refuses(bad, "in 59 bytes");
  bad = good;
  bad.states.at("layer.weight").steps = -1;
  refuses(bad, "-1 steps");
}

TEST_CASE("optim: frozen parameters have no state, absent gradients no step") {
  const B be(1);
  Model<float> model;
  fill(be, model);
  Trainable trainable;
  trainable.add("layer.weight", model.layer.weight);
  trainable.add("layer.bias", model.layer.bias);
  CHECK(optim::AdamW<B>::state_bytes(model, trainable, {}) == 8 * (15 + 7));
  optim::AdamW<B> optimizer(be, model, trainable, {});
  CHECK(optimizer.state_bytes() == 8 * (15 + 7));
  const auto before = weights(model);
  CHECK_THROWS_WITH_AS(optimizer.step(gradients<float>(be, model, 1), peak),
                       doctest::Contains("layer.norm.weight, which is not trained"), InputError);
  CHECK(weights(model) == before);
  auto lane = be.make_lane();
  Gradients<B, float> one;
  one.add(be, lane, "layer.bias", Tensor<B, float>::from_host(lane, {1, 7}, numbers<float>(0, 1, 7)));
  optimizer.step(one, peak);
  const auto after = weights(model);
  CHECK(after.at("layer.bias") != before.at("layer.bias"));
  CHECK(after.at("layer.weight") == before.at("layer.weight"));
  const Saved saved(optimizer);
  CHECK(saved.states.size() == 2);
  CHECK(saved.states.at("layer.bias").steps == 1);
  CHECK(saved.states.at("layer.weight").steps == 0);
}

TEST_CASE("optim: bytes are told before anything is there") {
  Model<float> floats;
  Model<BFloat16> halves;
  constexpr Index n = 7 + 6 + 15;
  AdamOptions narrow;
  narrow.moments = Moments::bf16;
  CHECK(optim::AdamW<B>::state_bytes(floats, all_of(floats), {}) == 8 * n);  // 16 with value and gradient
  CHECK(optim::AdamW<B>::state_bytes(floats, all_of(floats), narrow) == 4 * n);
  CHECK(optim::AdamW<B>::state_bytes(halves, all_of(halves), {}) == 12 * n);
  CHECK(optim::AdamW<B>::state_bytes(halves, all_of(halves), narrow) == 8 * n);
}

TEST_CASE("optim: what is asked for in vain is told") {
  const B be(1);
  Model<float> model, other;
  const Trainable trainable = all_of(model);
  const auto refuses = [&](const AdamOptions& o, const Trainable& t, const char* message) {
    CHECK_THROWS_WITH_AS((optim::AdamW<B>(be, model, t, o)), doctest::Contains(message), InputError);
  };
  refuses({}, trainable, "layer.bias has no value");
  fill(be, model);
  AdamOptions o;
  o.beta2 = 1;
  refuses(o, trainable, "[adam] beta1 is");
  o = {};
  o.weight_decay = -1;
  refuses(o, trainable, "weight_decay -1");
  o = {};
  o.groups.push_back({NamePattern("*biass")});
  refuses(o, trainable, "no trainable parameter is left for group 0");
  o.groups = {{NamePattern("*")}, {NamePattern("*bias")}};
  refuses(o, trainable, "group 1");
  o.groups = {{nullptr}};
  refuses(o, trainable, "group 0 has no predicate");
  o.groups = {{NamePattern("*"), NAN}};
  refuses(o, trainable, "lr_scale of group 0");
  refuses({}, all_of(other), "no parameter is trainable");
  Trainable more = trainable;
  more.add("elsewhere", other.layer.bias);
  refuses({}, more, "of 4 trainable parameters 3 are in the model");
  Trainable twice;
  twice.add("same", model.layer.bias);
  twice.add("same", model.layer.norm);
  refuses({}, twice, "two parameters are named same");
  Model<double> wide;
  const Trainable of_wide = all_of(wide);
  CHECK_THROWS_WITH_AS((optim::AdamW<B>(be, wide, of_wide, {})), doctest::Contains("of another type"), InputError);

  optim::AdamW<B> optimizer(be, model, trainable, {});
  const auto g = gradients<float>(be, model, 1);
  CHECK_THROWS_AS(optimizer.step(g, NAN), InputError);
  CHECK_THROWS_AS(optimizer.step(g, -1), InputError);
  CHECK_THROWS_AS(optimizer.step(g, 1, NAN), InputError);
  auto lane = be.make_lane();
  Gradients<B, float> bad;
  bad.add(be, lane, "layer.weight", Tensor<B, float>::from_host(lane, {5, 3}, numbers<float>(0, 1, 15)));
  CHECK_THROWS_WITH_AS(optimizer.step(bad, peak), doctest::Contains("layer.weight is (3, 5), its gradient (5, 3)"),
                       ShapeError);
  model.layer.weight.value = Tensor<B, float>(lane, {1, 5});  // another tensor in its place
  CHECK_THROWS_WITH_AS(optimizer.step(g, peak), doctest::Contains("layer.weight was (3, 5) and is now (1, 5)"),
                       ShapeError);
}

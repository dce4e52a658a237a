#include <doctest/doctest.h>

#include <complex>
#include <map>
#include <nvembed/autograd/eval.hpp>
#include <nvembed/autograd/tape.hpp>
#include <nvembed/eigen/backend.hpp>
#include <nvembed/embed/embedder.hpp>
#include <nvembed/embed/model_files.hpp>
#include <nvembed/io/load.hpp>
#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/mask/causal.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/pool/last_token.hpp>
#include <nvembed/pool/latent_attention.hpp>
#include <nvembed/pool/mean.hpp>
#include <nvembed/pool/weighted_mean.hpp>
#include <support/golden.hpp>
#include <support/parity.hpp>

using namespace nvembed;

namespace {

using B = eigen::Backend;
using Complex = std::complex<double>;

template <class M, class Pool>
M filled(const B& be, const ModelFiles& files, const Pool& pool) {
  M model{decltype(M::body)(files.decoder), pool};
  load_weights(be, model.body, files.weights, Precision::f32, Use::both);
  if constexpr (requires { model.pool.latents; })
    load_weights(be, model.pool, files.weights, Precision::f32, Use::both);
  return model;
}

/// f(name, parameter) for every tensor that can be trained as it is.
template <class M, class F>
void each_parameter(M& model, F&& f) {
  for_each_leaf(model, [&](const std::string& name, auto& leaf) {
    if constexpr (requires { leaf.value.flat(); }) f(name, leaf);
  });
}

Packed batch() {
  return Packed(
      std::vector<TokenizedText>{{{1, 500, 600, 700, 800, 2}, 3, 3}, {{1, 31, 2}, 0, 0}, {{1, 77, 999, 1234}, 2, 1}});
}

/// All gradients of a whole model on a tape in double, against complex steps along random directions: one for each
/// parameter tensor, and one for all of them together.
template <class Mask>
void check_model(auto&& make_pool) {
  const B be(2);
  const ModelFiles files = open_model(golden::path("nvembed_tiny"));
  using Real = Embedder<Decoder<B, Mask, double>, decltype(make_pool(std::type_identity<double>{}, files))>;
  using Step = Embedder<Decoder<B, Mask, Complex>, decltype(make_pool(std::type_identity<Complex>{}, files))>;
  const Real real = filled<Real>(be, files, make_pool(std::type_identity<double>{}, files));
  const Step start = filled<Step>(be, files, make_pool(std::type_identity<Complex>{}, files));

  Trainable trainable;
  each_parameter(real, [&](const std::string& name, const auto& p) { trainable.add(name, p); });
  CHECK(trainable.size() > 6);
  Tape<B, double> tape(be, trainable);
  const auto y = real(tape, batch());
  const std::vector<double> seed = parity::random<double>(y.value.size(), 5);
  const auto gradients = std::move(tape).backward(y, Tensor<B, double>::from_host(tape.lane(), y.value.shape(), seed));
  CHECK(gradients.size() == trainable.size());

  constexpr double h = 1e-30;
  double together = 0;
  Step all = start;
  std::uint64_t number = 0;
  each_parameter(all, [&](const std::string& name, auto& moved) {
    CAPTURE(name);
    Step one = start;  // this parameter alone is moved
    Eval<B> cx(be);
    const std::vector<double> direction = parity::random<double>(moved.value.size(), 1000 + number++);
    std::vector<Complex> values = moved.value.to_host(cx.lane());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += Complex(0, h * direction[i]);
    moved.value = Tensor<B, Complex>::from_host(cx.lane(), moved.value.shape(), values);
    each_parameter(one, [&](const std::string& other, auto& p) {
      if (other == name) p.value = moved.value;
    });
    const auto slope = [&](const Step& model) {
      const auto z = model(cx, batch()).to_host(cx.lane());
      double sum = 0;
      for (std::size_t i = 0; i < z.size(); ++i) sum += z[i].imag() / h * seed[i];
      return sum;
    };
    double found = 0, size = 0;
    const auto g = gradients.at(name).to_host(tape.lane());
    REQUIRE(g.size() == direction.size());
    for (std::size_t i = 0; i < g.size(); ++i) found += g[i] * direction[i], size += std::abs(g[i] * direction[i]);
    together += found;
    CHECK(size > 0);
    CHECK(std::abs(slope(one) - found) <= 1e-9 * size);
    if (number == trainable.size()) CHECK(slope(all) == doctest::Approx(together).epsilon(1e-9));
  });
}

}  // namespace

TEST_CASE("gradients of whole models: NV-Embed's head") {
  check_model<mask::Bidirectional>([]<class T>(std::type_identity<T>, const ModelFiles& files) {
    return pool::LatentAttention<B, T>(*files.latent);
  });
}

TEST_CASE("gradients of whole models: other poolers and masks") {
  check_model<mask::Causal>([]<class T>(std::type_identity<T>, const ModelFiles&) { return pool::LastToken{}; });
  check_model<mask::Any>([]<class T>(std::type_identity<T>, const ModelFiles&) { return pool::WeightedMean{}; });
}

TEST_CASE("gradients of layers that are computed again are the same bits") {
  const B be(2);
  const ModelFiles files = open_model(golden::path("nvembed_tiny"));
  using Body = Decoder<B, mask::Bidirectional, double>;
  Body body(files.decoder);
  load_weights(be, body, files.weights, Precision::f32, Use::both);
  Trainable trainable;
  each_parameter(body, [&](const std::string& name, const auto& p) { trainable.add(name, p); });
  const auto run = [&](bool again) {
    Tape<B, double> tape(be, trainable);
    const Packed b = batch();
    const auto rope = body.rope_table(tape.lane(), b.longest());
    auto x = body.embed_tokens(tape, b.ids());
    for (const auto& layer : body.layers) {
      const auto block = [&](auto& cx, const auto& in) { return layer(cx, in, b, body.mask, rope); };
      x = again ? tape.recompute(block, x) : block(tape, x);
    }
    const auto y = pool::Mean{}(tape, body.norm(tape, x), b);
    const auto seed = parity::random<double>(y.value.size(), 6);
    const auto g = std::move(tape).backward(y, Tensor<B, double>::from_host(tape.lane(), y.value.shape(), seed));
    std::map<std::string, std::vector<double>> all;
    for (const auto& [name, gradient] : g) all[name] = gradient.to_host(tape.lane());
    return all;
  };
  const auto plain = run(false);
  CHECK(plain.size() == trainable.size());
  CHECK(plain == run(true));
}

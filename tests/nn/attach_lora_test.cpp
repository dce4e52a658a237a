#include <doctest/doctest.h>

#include <nvembed/autograd/eval.hpp>
#include <nvembed/autograd/tape.hpp>
#include <nvembed/batch/row_keys.hpp>
#include <nvembed/eigen/backend.hpp>
#include <nvembed/embed/embedder.hpp>
#include <nvembed/embed/model_files.hpp>
#include <nvembed/io/load.hpp>
#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/nn/attach_lora.hpp>
#include <nvembed/pool/latent_attention.hpp>
#include <nvembed/pool/mean.hpp>
#include <support/compare.hpp>
#include <support/golden.hpp>
#include <support/parity.hpp>

using namespace nvembed;

namespace {

using B = eigen::Backend;
template <class T>
using Model = Embedder<Decoder<B, mask::Bidirectional, T>, pool::LatentAttention<B, T>>;

Packed batch() {
  return Packed(
      std::vector<TokenizedText>{{{1, 500, 600, 700, 800, 2}, 3, 3}, {{1, 31, 2}, 0, 0}, {{1, 77, 999, 1234}, 2, 1}});
}

/// A tiny NV-Embed as it is fine-tuned: decoder frozen but for LoRA, head trained in full.
template <class T>
Model<T> tuned(const B& be, const nn::LoraOptions& options = {}) {
  const ModelFiles files = open_model(golden::path("nvembed_tiny"));
  Model<T> model{decltype(Model<T>::body)(files.decoder), pool::LatentAttention<B, T>(*files.latent)};
  nn::for_each_linear(model.pool, [](const std::string&, auto& linear) { linear.unfreeze(); });
  load_weights(be, model.body, files.weights, Precision::f32, Use::both);
  load_weights(be, model.pool, files.weights, Precision::f32, Use::both);
  nn::attach_lora(be, model.body, options);
  auto lane = be.make_lane();
  nn::for_each_linear(model.body, [&](const std::string&, auto& linear) {  // B is zero to begin with
    auto& b = linear.lora->lora_B.value;
    b = parity::random_tensor<B, T>(lane, b.shape(), 70);
  });
  return model;
}

template <class M, class F>
void each_parameter(M& model, F&& f) {
  for_each_leaf(model, [&](const std::string& key, auto& leaf) {
    if constexpr (requires { leaf.value.flat(); }) f(leaf_name(key, leaf), leaf);
  });
}

}  // namespace

TEST_CASE("gradients of LoRA and of a head that is trained in full, with dropout") {
  using Complex = std::complex<double>;
  const B be(2);
  const Model<double> real = tuned<double>(be, {.rank = 3, .dropout = 0.25});
  const Model<Complex> start = tuned<Complex>(be, {.rank = 3, .dropout = 0.25});
  const std::vector<std::uint64_t> ids{7, 8, 9};
  const Randomness random{CounterRng(5).at(2), row_keys(batch(), ids)};

  Trainable trainable;
  each_parameter(real, [&](const std::string& name, const auto& p) {
    if (name.starts_with("pool.") || name.find(".lora_") != name.npos) trainable.add(name, p);
  });
  const auto run = [&](const Randomness& draws) {
    Tape<B, double> tape(be, trainable, draws);
    const auto y = real(tape, batch());
    const auto seed = parity::random<double>(y.value.size(), 5);
    return std::move(tape).backward(y, Tensor<B, double>::from_host(tape.lane(), y.value.shape(), seed));
  };
  auto lane = be.make_lane();
  const auto gradients = run(random);
  CHECK(gradients.size() == trainable.size());
  {  // dropout took place, and depends on the step
    const std::string some = "body.layers.0.mlp.down_proj.lora_A.weight";
    const auto at = [&](const Randomness& r) { return run(r).at(some).to_host(lane); };
    CHECK(at(random) == gradients.at(some).to_host(lane));
    CHECK(at({}) != gradients.at(some).to_host(lane));
    CHECK(at({CounterRng(5).at(3), random.rows}) != gradients.at(some).to_host(lane));
  }
  constexpr double h = 1e-30;
  std::uint64_t number = 0;
  Model<Complex> moved = start;
  each_parameter(moved, [&](const std::string& name, auto& p) {
    if (!gradients.contains(name)) return;
    CAPTURE(name);
    const auto kept = p.value;
    const std::vector<double> direction = parity::random<double>(p.value.size(), 1000 + number++);
    std::vector<Complex> values = p.value.to_host(lane);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += Complex(0, h * direction[i]);
    p.value = Tensor<B, Complex>::from_host(lane, p.value.shape(), values);
    Eval<B> cx(be, random);
    const auto z = moved(cx, batch()).to_host(lane);
    const auto seed = parity::random<double>(static_cast<Index>(z.size()), 5);
    double slope = 0, found = 0, size = 0;
    for (std::size_t i = 0; i < z.size(); ++i) slope += z[i].imag() / h * seed[i];
    const auto g = gradients.at(name).to_host(lane);
    for (std::size_t i = 0; i < g.size(); ++i) found += g[i] * direction[i], size += std::abs(g[i] * direction[i]);
    CHECK(size > 0);
    CHECK(std::abs(slope - found) <= 1e-9 * size);
    p.value = kept;
  });
  CHECK(number == trainable.size());
}

TEST_CASE("an update that is attached changes nothing until it is trained, and goes again") {
  const B be(2);
  const ModelFiles files = open_model(golden::path("nvembed_tiny"));
  Decoder<B, mask::Bidirectional> body(files.decoder);
  load_weights(be, body, files.weights);
  Eval<B> cx(be);
  const auto before = body(cx, batch()).to_host(cx.lane());
  CHECK(nn::attach_lora(be, body, {}) == 7 * files.decoder.num_layers);
  const auto attached = body(cx, batch()).to_host(cx.lane());
  CHECK(max_abs_difference(attached, before) < 1e-6f);
  auto copy = body;  // two updates on one base
  auto lane = be.make_lane();
  nn::for_each_linear(copy, [&](const std::string&, auto& linear) {
    linear.lora->lora_B.value = parity::random_tensor<B, float>(lane, linear.lora->lora_B.value.shape(), 3);
  });
  CHECK(max_abs_difference(copy(cx, batch()).to_host(cx.lane()), before) > 1e-2f);
  CHECK(body(cx, batch()).to_host(cx.lane()) == attached);
  nn::detach_lora(copy);
  CHECK(copy(cx, batch()).to_host(cx.lane()) == before);
}

TEST_CASE("which matrices are adapted") {
  const B be(1);
  const ModelFiles files = open_model(golden::path("nvembed_tiny"));
  Decoder<B, mask::Bidirectional> body(files.decoder);
  load_weights(be, body, files.weights);
  nn::LoraOptions options;
  options.rank = 2;
  options.target_modules = {"q_proj", "v_proj", "layers.1.mlp.up_proj"};
  CHECK(nn::attach_lora(be, body, options) == 2 * files.decoder.num_layers + 1);
  std::vector<std::string> names;
  for_each_leaf(body.layers[1], [&](const std::string& key, const auto& leaf) {
    if (leaf_name(key, leaf).find("lora_") != std::string::npos) names.push_back(leaf_name(key, leaf));
  });
  CHECK(names == std::vector<std::string>{"self_attn.q_proj.lora_A.weight+v_proj.lora_A.weight",
                                          "self_attn.q_proj.lora_B.weight+v_proj.lora_B.weight",
                                          "mlp.up_proj.lora_A.weight", "mlp.up_proj.lora_B.weight"});
  const auto& q = *body.layers[0].self_attn.qkv_proj.lora;
  CHECK(q.parts.size() == 2);
  CHECK(q.parts[1].begin == (files.decoder.num_heads + files.decoder.num_kv_heads) * files.decoder.head_dim);
  CHECK(q.parts[0].scale == 16);
  options.rslora = true;
  CHECK(options.scale() == doctest::Approx(32 / std::sqrt(2.0)));
  // A is a function of seed and name, within PEFT's bounds.
  auto lane = be.make_lane();
  const auto a = q.lora_A.value.to_host(lane);
  const double bound = 1 / std::sqrt(static_cast<double>(files.decoder.hidden_size));
  double largest = 0, sum = 0;
  for (const float x : a) largest = std::max(largest, std::abs(double(x))), sum += double(x);
  CHECK(largest <= bound);
  CHECK(largest > 0.9 * bound);
  CHECK(std::abs(sum / static_cast<double>(a.size())) < 0.2 * bound);

  options.layers = {0, 99};
  CHECK_THROWS_WITH_AS(nn::attach_lora(be, body, options), "[lora] the model has no layer 99", InputError);
  options.layers = {};
  options.target_modules = {"q_proj", "c_attn"};
  CHECK_THROWS_WITH_AS(nn::attach_lora(be, body, options), "[lora] the model has no linear layer c_attn", InputError);
  options.rank = 0;
  CHECK_THROWS_AS(nn::attach_lora(be, body, options), InputError);
  options.rank = 2, options.dropout = 1;
  CHECK_THROWS_AS(nn::attach_lora(be, body, options), InputError);
}

TEST_CASE("a decoder whose weights are trained in full gives what the frozen one gives") {
  const B be(2);
  const ModelFiles files = open_model(golden::path("nvembed_tiny"));
  Decoder<B, mask::Bidirectional> frozen(files.decoder), trained(files.decoder);
  load_weights(be, frozen, files.weights);
  nn::for_each_linear(trained, [](const std::string&, auto& linear) { linear.unfreeze(); });
  trained.embed_tokens.unfreeze();
  load_weights(be, trained, files.weights);
  CHECK(count_parameters(trained) == count_parameters(frozen));
  Eval<B> cx(be);
  CHECK(max_abs_difference(trained(cx, batch()).to_host(cx.lane()), frozen(cx, batch()).to_host(cx.lane())) < 1e-5f);
}

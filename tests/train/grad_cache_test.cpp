#include <doctest/doctest.h>

#include <nvembed/embed/embedder.hpp>
#include <nvembed/embed/model_files.hpp>
#include <nvembed/io/load.hpp>
#include <nvembed/loss/info_nce.hpp>
#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/nn/attach_lora.hpp>
#include <nvembed/pool/latent_attention.hpp>
#include <nvembed/train/grad_cache.hpp>
#include <support/backends.hpp>
#include <support/golden.hpp>
#include <support/parity.hpp>

using namespace nvembed;

namespace {

template <class B, class T>
using Model = Embedder<Decoder<B, mask::Bidirectional, T>, pool::LatentAttention<B, T>>;

template <class T, class B>
Model<B, T> tuned(const B& be) {
  const ModelFiles files = open_model(golden::path("nvembed_tiny"));
  Model<B, T> model{decltype(Model<B, T>::body)(files.decoder), pool::LatentAttention<B, T>(*files.latent)};
  nn::for_each_linear(model.pool, [](const std::string&, auto& linear) { linear.unfreeze(); });
  load_weights(be, model.body, files.weights, Precision::f32, Use::both);
  load_weights(be, model.pool, files.weights, Precision::f32, Use::both);
  nn::attach_lora(be, model.body, {.rank = 4, .dropout = 0.2});
  auto lane = be.make_lane();
  nn::for_each_linear(model.body, [&](const std::string&, auto& linear) {
    auto& b = linear.lora->lora_B.value;
    b = parity::random_tensor<B, T>(lane, b.shape(), 70);
  });
  return model;
}

template <class M>
Trainable trained_of(const M& model) {
  Trainable trainable;
  for_each_leaf(model, [&](const std::string& key, const auto& leaf) {
    const std::string name = leaf_name(key, leaf);
    if constexpr (requires { leaf.value.flat(); })
      if (name.starts_with("pool.") || name.find(".lora_") != name.npos) trainable.add(name, leaf);
  });
  return trainable;
}

/// 12 queries, each with a positive and two hard negatives.
struct Texts {
  std::vector<TokenizedText> texts;
  std::vector<std::uint64_t> ids;
  loss::ContrastiveTargets targets;
  Index queries = 12;

  Texts() {
    for (Index i = 0; i < 4 * queries; ++i) {
      TokenizedText t;
      const Index n = 2 + (i * 7) % 11;
      for (Index k = 0; k < n; ++k) t.ids.push_back(static_cast<TokenId>(10 + (i * 131 + k * 17) % 900));
      t.prefix = t.pool_begin = i < queries ? 1 : 0;
      texts.push_back(t);
      ids.push_back(static_cast<std::uint64_t>(1000 + i));
    }
    for (Index i = 0; i < queries; ++i) {
      targets.positive.push_back(3 * i);
      targets.negatives.push_back({3 * i + 1, 3 * i + 2});
      targets.in_batch.push_back(i % 3 != 0);
    }
  }
};

/// |a - b| / |b| over all gradients.
template <class B, class G>
double distance(const Gradients<B, G>& a, const Gradients<B, G>& b, typename B::Lane& lane) {
  REQUIRE(a.size() == b.size());
  double off = 0, size = 0;
  for (const auto& [name, g] : b) {
    const auto x = a.at(name).to_host(lane), y = g.to_host(lane);
    for (std::size_t i = 0; i < x.size(); ++i) {
      off += (double(x[i]) - double(y[i])) * (double(x[i]) - double(y[i]));
      size += double(y[i]) * double(y[i]);
    }
  }
  REQUIRE(size > 0);
  return std::sqrt(off / size);
}

/// Chunks of any size against one tape over the whole batch, written out.
template <class T, class B>
void check_chunks(const B& be, double tolerance) {
  const auto model = tuned<T>(be);
  const Trainable trainable = trained_of(model);
  const Texts t;
  const loss::InfoNce nce{.temperature = 0.05};
  const CounterRng rng = CounterRng(3).at(11);

  const Packed all(t.texts);
  Tape<B, T> tape(be, trainable, {rng, row_keys(all, t.ids)});
  const auto vectors = model(tape, all);
  std::vector<Index> left, right;
  for (Index i = 0; i < all.texts(); ++i) (i < t.queries ? left : right).push_back(i);
  const auto value =
      nce(tape, tape.apply(ops::GatherRows{left}, vectors), tape.apply(ops::GatherRows{right}, vectors), t.targets);
  const T one(1);
  const double expected_loss = double(value.value.to_host(tape.lane()).front());
  auto lane = be.make_lane();
  const auto expected =
      std::move(tape).backward(value, Tensor<B, T>::from_host(lane, {1, 1}, std::span<const T>(&one, 1)));
  CHECK(expected.size() == trainable.size());

  const auto loss = [&](auto& cx, const auto& a, const auto& b) { return nce(cx, a, b, t.targets); };
  for (const Index tokens : {1, 30, 100, 100000})
    for (const bool recompute : {false, true}) {
      CAPTURE(tokens);
      CAPTURE(recompute);
      Index reported = 0;
      train::GradCacheOptions options{tokens, recompute, rng, [&](Index n) { reported += n; }};
      const auto got = train::grad_cache(be, lane, model, trainable, t.texts, t.ids, t.queries, loss, options);
      CHECK(got.tokens == all.tokens());
      CHECK(reported == 2 * got.tokens);
      CHECK(got.chunks == (tokens == 1 ? 48 : tokens == 100000 ? 1 : got.chunks));
      CHECK(got.loss == doctest::Approx(expected_loss).epsilon(tolerance));
      CHECK(distance(got.gradients, expected, lane) <= tolerance);
    }
}

}  // namespace

TEST_CASE("gradients of chunks are those of the whole batch, dropout included") {
  check_chunks<double>(eigen::Backend(2), 1e-10);
  check_chunks<float>(eigen::Backend(2), 1e-5);
#if defined(NVEMBED_WITH_ONEDNN)
  check_chunks<float>(onednn::Backend(2), 1e-5);
#endif
}

TEST_CASE("what grad_cache refuses") {
  const eigen::Backend be(1);
  const auto model = tuned<float>(be);
  const Trainable trainable = trained_of(model);
  const Texts t;
  const auto loss = [&](auto& cx, const auto& a, const auto& b) { return loss::InfoNce{}(cx, a, b, t.targets); };
  auto lane = be.make_lane();
  const auto call = [&](Index left, std::span<const std::uint64_t> ids) {
    train::grad_cache(be, lane, model, trainable, t.texts, ids, left, loss);
  };
  CHECK_THROWS_AS(call(0, t.ids), InputError);
  CHECK_THROWS_AS(call(48, t.ids), InputError);
  CHECK_THROWS_AS(call(12, std::span(t.ids).first(3)), InputError);
}

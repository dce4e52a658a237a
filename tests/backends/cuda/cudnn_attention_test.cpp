#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <nvembed/cuda/backend.hpp>
#include <nvembed/cuda/band.hpp>
#include <nvembed/embed/load.hpp>
#include <nvembed/io/config.hpp>
#include <nvembed/io/load.hpp>
#include <nvembed/io/weights.hpp>
#include <nvembed/mask/parse.hpp>
#include <nvembed/mask/prefix.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/ops/attention.hpp>
#include <support/golden.hpp>
#include <support/parity.hpp>
#include <support/segments.hpp>
#include <thread>
#include <utility>
#include <vector>
#if defined(NVEMBED_CUDA_EMULATED)
#include <cuda_emulator/emulator.hpp>
#endif

using namespace nvembed;

namespace {

struct OwnMask : mask::Causal {};
static_assert(Mask<OwnMask> && !cuda::is_band<OwnMask> && !cuda::is_band<mask::Prefix>);
static_assert(cuda::is_band<mask::Bidirectional> && cuda::is_band<mask::Causal> && cuda::is_band<mask::Window>);

}  // namespace

TEST_CASE("cuda: the band of a mask") {
  const auto band = [](const auto& m) { return cuda::band(m); };
  CHECK(band(mask::Bidirectional{}) == cuda::Band{-1, -1});
  CHECK(band(mask::Causal{}) == cuda::Band{-1, 0});
  CHECK(band(mask::Window{7, 3}) == cuda::Band{7, 3});
  CHECK(band(mask::Causal{} & mask::Window{7, 3}) == cuda::Band{7, 0});
  CHECK_FALSE(band(mask::Window{-1, 3}));
  CHECK_FALSE(band(mask::Causal{} & mask::Window{7, -1}));
}

#if !defined(NVEMBED_WITH_CUDNN)
TEST_CASE("cuda: a build without cuDNN says so") {
  CHECK_THROWS_WITH_AS(cuda::Backend(1, {.cudnn_attention = true}), doctest::Contains("is not in this build"),
                       DeviceError);
}
#else

namespace {

using B = cuda::Backend;
/// The back end that asks cuDNN. `served`: attentions that cuDNN took on, by all of them that are gone.
struct Cudnn : B {
  explicit Cudnn(Index threads = 1) : B(threads, {.cudnn_attention = true}) {}
  Cudnn(const Cudnn&) = delete;
  Cudnn& operator=(const Cudnn&) = delete;
  ~Cudnn() { served += cudnn_attentions(); }
  inline static std::uint64_t served = 0;
};

template <class T>
constexpr double bound = std::is_same_v<T, Float16> ? 4e-3 : 3e-2;

AttentionShape shape(Index heads, Index kv_heads, Index head_dim) {
  return {heads, kv_heads, head_dim, 1 / std::sqrt(static_cast<double>(head_dim))};
}

template <class M>
ops::Attention<M> attention(std::shared_ptr<const std::vector<Segment> > s, const M& m, const AttentionShape& of) {
  return {std::move(s), m, of};
}

/// Inputs of attention over n tokens; `more` columns make rows longer.
std::vector<Shape> inputs(Index n, const AttentionShape& of, Index more = 0) {
  return {{n, (of.heads + of.kv_heads) * of.head_dim + more}, {n, of.kv_heads * of.head_dim}};
}

template <class Back, class T, class Op>
std::vector<T> results(const Back& be, const Op& op, const std::vector<Shape>& shapes) {
  Eval<Back> cx(be);
  const auto qk = parity::random_tensor<Back, T>(cx.lane(), shapes[0], 100);
  const auto v = parity::random_tensor<Back, T>(cx.lane(), shapes[1], 101);
  return cx.apply(op, qk, v).to_host(cx.lane());
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace

TEST_CASE_TEMPLATE("cuda: cuDNN's attention, every head size and mask that it knows", T, Float16, BFloat16) {
  const auto s = segments({63, 1, 150, 128, 65, 17});
  for (const auto& [heads, kv_heads, head_dim] :
       {std::array<Index, 3>{2, 1, 16}, {4, 2, 32}, {2, 2, 64}, {3, 1, 80}, {4, 1, 128}, {2, 1, 24}, {1, 1, 256}}) {
    CAPTURE(head_dim);
    const AttentionShape of = shape(heads, kv_heads, head_dim);
    const auto check = [&](const auto& m) {
      const std::uint64_t before = Cudnn::served;
      CHECK(parity::difference<Cudnn, T>(attention(s, m, of), inputs(424, of)) < bound<T>);
      CHECK(Cudnn::served == before + 1);
    };
    check(mask::Bidirectional{});
    check(mask::Causal{});
    check(mask::Window{70, 20});
    check(mask::Causal{} & mask::Window{7, 0});
  }
}

TEST_CASE_TEMPLATE("cuda: cuDNN's attention, windows and lengths at their edges", T, Float16, BFloat16) {
  const AttentionShape of = shape(2, 1, 16);
  for (const auto& s : {segments({1}), segments({129}), segments({256}), segments({257, 3}), segments({613, 5}),
                        segments({1, 1, 1, 2, 3})}) {
    const Index n = s->back().begin + s->back().size;
    CAPTURE(n);
    const auto differs = [&](const auto& m) {
      return parity::difference<Cudnn, T>(attention(s, m, of), inputs(n, of));
    };
    const std::uint64_t before = Cudnn::served;
    CHECK(differs(mask::Bidirectional{}) < bound<T>);
    CHECK(differs(mask::Causal{}) < bound<T>);
    for (const auto& [left, right] : {std::pair<Index, Index>{0, 0},
                                      {0, 3},
                                      {3, 0},
                                      {1, 1},
                                      {127, 0},
                                      {254, 255},
                                      {255, 254},
                                      {256, 253},
                                      {5000, 2},
                                      {2, 5000}})
      CHECK(differs(mask::Window{left, right}) < bound<T>);
    CHECK(differs(mask::Causal{} & mask::Window{0, 0}) < bound<T>);
    CHECK(differs(mask::Causal{} & mask::Window{200, 9}) < bound<T>);
    CHECK(Cudnn::served == before + 14);
  }
}

TEST_CASE("cuda: a window that hides a single key from a single token hides it from cuDNN") {
  const AttentionShape of = shape(2, 1, 16);
  const Cudnn be;
  const auto seen = [&](const auto& m) {
    return results<Cudnn, Float16>(be, attention(segments({256}), m, of), inputs(256, of));
  };
  const auto all = seen(mask::Bidirectional{});
  const auto rows_that_differ = [&](const auto& m) {
    const auto y = seen(m);
    std::vector<Index> rows;
    for (Index row = 0; row < 256; ++row)
      if (std::memcmp(&y[static_cast<std::size_t>(row * 32)], &all[static_cast<std::size_t>(row * 32)],
                      32 * sizeof(Float16)) != 0)
        rows.push_back(row);
    return rows;
  };
  CHECK(rows_that_differ(mask::Window{255, 255}).empty());
  CHECK(rows_that_differ(mask::Window{254, 255}) == std::vector<Index>{255});
  CHECK(rows_that_differ(mask::Window{255, 254}) == std::vector<Index>{0});
}

TEST_CASE("cuda: what cuDNN does not know goes to kernels of our own, to the same bits") {
  const auto s = segments({63, 1, 150});
  const B own(1);
  const Cudnn be;
  const auto check = [&]<class T>(T, const auto& m, const AttentionShape& of, Index more = 0) {
    const auto op = attention(s, m, of);
    const auto got = results<Cudnn, T>(be, op, inputs(214, of, more));
    CHECK(be.cudnn_attentions() == 0);
    CHECK(same_bits(got, results<B, T>(own, op, inputs(214, of, more))));
  };
  check(Float16{}, mask::Causal{}, shape(2, 1, 20));
  check(Float16{}, mask::Prefix{mask::Prefix::Sight::causal, mask::Prefix::Sight::full}, shape(2, 1, 16));
  check(float{}, mask::Causal{}, shape(2, 1, 16));
  check(BFloat16{}, mask::Causal{}, shape(2, 1, 16), 4);  // rows that do not begin at multiples of 16 bytes
  CHECK_THROWS_AS(
      (results<Cudnn, Float16>(be, attention(s, mask::Window{-1, 0}, shape(2, 1, 16)), inputs(214, shape(2, 1, 16)))),
      InputError);
}

TEST_CASE("cuda: cuDNN's attention writes the rows of texts, and no lse") {
  const Cudnn be;
  cuda::Lane lane = be.make_lane();
  const std::vector<Segment> s{{3, 5, 0, 0, 0}, {11, 4, 0, 0, 1}};  // rows between and after belong to nobody
  const Index n = 17, d = 16;
  const auto x = parity::random_tensor<B, Float16>(lane, {n, 3 * d}, 1);
  const auto run = [&](bool with_lse) {
    auto y = Tensor<B, Float16>::from_host(lane, {n, d},
                                           std::vector<Float16>(static_cast<std::size_t>(n * d), Float16(7.0f)));
    Tensor<B, float> lse(lane, {n});
    be.attention(lane, x.mat().columns(0, d), x.mat().columns(d, d), x.mat().columns(2 * d, d),
                 std::span<const Segment>(s), mask::Bidirectional{}, shape(1, 1, d), y.mat(),
                 with_lse ? lse.flat() : VecView<float>{});
    return y.to_host(lane);
  };
  const auto by_cudnn = run(false);
  CHECK(be.cudnn_attentions() == 1);
  const auto by_own = run(true);
  CHECK(be.cudnn_attentions() == 1);
  CHECK(max_abs_difference(std::vector<float>(by_cudnn.begin(), by_cudnn.end()),
                           std::vector<float>(by_own.begin(), by_own.end())) < bound<Float16>);
  for (Index row = 0; row < n; ++row) {
    const bool mine = (row >= 3 && row < 8) || (row >= 11 && row < 15);
    CAPTURE(row);
    CHECK((static_cast<float>(by_cudnn[static_cast<std::size_t>(row * d)]) == 7.0f) == !mine);
  }
}

TEST_CASE("cuda: matrices of many widths over one batch, each by its own offsets") {
  const Cudnn be;
  const B own(1);
  const auto s = segments({3, 9, 1});
  for (const int round : {0, 1})
    for (Index more = 0; more < 12; ++more) {  // more than a batch keeps
      CAPTURE(round);
      CAPTURE(more);
      const AttentionShape of = shape(2, 1, 16);
      const auto op = attention(s, mask::Causal{}, of);
      const auto on = results<Cudnn, Float16>(be, op, inputs(13, of, 8 * more)),
                 off = results<B, Float16>(own, op, inputs(13, of, 8 * more));
      CHECK(max_abs_difference(std::vector<float>(on.begin(), on.end()), std::vector<float>(off.begin(), off.end())) <
            bound<Float16>);
    }
  CHECK(be.cudnn_attentions() == 24);
}

TEST_CASE("cuda: NV-Embed encodes with cuDNN's attention as without") {
  for (const auto& [precision, most] : {std::pair{"f16", 2e-3}, {"bf16", 2e-2}}) {
    CAPTURE(std::string(precision));
    const std::vector<std::string> texts{"the sea", "who keeps an old machine running?", "a", std::string(700, 'x')};
    const auto encode = [&](bool cudnn) {
      const auto be = std::make_shared<const B>(1, cuda::Options{.cudnn_attention = cudnn});
      const Embeddings e =
          load<B>(be, golden::path("nvembed_tiny"), {.precision = precision}).encode(texts, {.instruction = "Find it"});
      CHECK((be->cudnn_attentions() >= 3) == cudnn);  // layers
      return e;
    };
    const Embeddings off = encode(false), on = encode(true);
    CHECK(max_abs_difference(on.values, off.values) < most);
  }
}

TEST_CASE_TEMPLATE("cuda: a decoder with a sliding window and shared key heads agrees with transformers", T, Float16,
                   BFloat16) {
  const std::string name = "decoders/mistral_window";
  const ModelConfig c = config_from_json(golden::content(name + "/config.json"), name);
  const Json cases = golden::json(name + ".expected.json");
  const Safetensors expected(golden::path(name + ".expected.safetensors"));
  std::vector<TokenizedText> texts;
  for (const Json& s : cases["sequences"])
    texts.push_back({s["ids"].get<std::vector<TokenId> >(), s.value("prefix", Index{0}), 0});
  const Packed batch(texts);
  const auto errors = [&](const B& be) {
    Decoder<B, mask::Any, T> decoder(c.decoder);
    load_weights(be, decoder, Weights(golden::path(name)),
                 std::is_same_v<T, Float16> ? Precision::f16 : Precision::bf16);
    Eval<B> cx(be);
    std::map<std::string, double> worst;
    for (const std::string& key : expected.names()) {
      const auto dot = key.find('.');
      const std::string mode = key.substr(dot + 1);
      decoder.mask = mask::parse(mode);
      const auto states = decoder(cx, batch).to_host(cx.lane());
      const Segment& s = batch.segments()[std::stoul(key.substr(1, dot - 1))];
      std::vector<float> ours;
      for (Index i = s.begin * decoder.dim(); i < (s.begin + s.size) * decoder.dim(); ++i)
        ours.push_back(static_cast<float>(states[static_cast<std::size_t>(i)]));
      worst[mode] = std::max(worst[mode], max_abs_difference(ours, golden::values(expected, key)));
    }
    return worst;
  };
  const auto off = errors(B(1));
  const Cudnn be;
  const auto on = errors(be);
  CHECK(be.cudnn_attentions() > 2);
  REQUIRE(on.size() >= 2);
  for (const auto& [mode, error] : on) {
    CAPTURE(mode);
    CAPTURE(error);
    CHECK(error < (sizeof(T) == 2 && std::is_same_v<T, Float16> ? 2e-2 : 1.5e-1));
    CHECK(error < 2 * off.at(mode) + 1e-3);
  }
}

TEST_CASE("cuda: host threads on one back end with cuDNN's attention get the same bits") {
  const auto be = std::make_shared<const B>(1, cuda::Options{.cudnn_attention = true});
  const auto model = load<B>(be, golden::path("nvembed_tiny"), {.precision = "f16"});
  const std::vector<std::string> texts{"the sea", "who keeps an old machine running?"};
  const auto alone = model.encode(texts).values;
  std::vector<int> right(2, 0);
  std::vector<std::thread> threads;
  for (int& r : right)
    threads.emplace_back([&] {
      for (int i = 0; i < 6; ++i) r += model.encode(texts).values == alone;
    });
  for (auto& t : threads) t.join();
  CHECK(right == std::vector<int>(2, 6));
}

#if defined(NVEMBED_CUDA_EMULATED)
namespace {

struct Restored {
  ~Restored() { emulator::reset(); }
};

}  // namespace

TEST_CASE(
    "cuda: a plan of cuDNN's serves texts of like number and length, one that it refuses is not asked for again") {
  const Restored restored;
  const AttentionShape of = shape(2, 1, 16);
  const auto op = [&](std::initializer_list<Index> sizes) { return attention(segments(sizes), mask::Causal{}, of); };
  const auto plans = [] { return emulator::statistics().attention_plans; };
  const Cudnn be;
  auto before = plans();
  results<Cudnn, Float16>(be, op({7, 1, 100}), inputs(108, of));
  results<Cudnn, Float16>(be, op({9, 256, 3, 4}), inputs(272, of));
  CHECK(plans() == before + 1);
  results<Cudnn, Float16>(be, op({9, 257, 3, 4}), inputs(273, of));
  CHECK(plans() == before + 2);
  results<Cudnn, Float16>(be, op({300, 3, 1}), inputs(304, of));
  CHECK(plans() == before + 2);

  emulator::device().cudnn_has_plans = false;
  const Cudnn other;
  before = plans();
  const auto once_more = results<Cudnn, Float16>(other, op({7, 1, 100}), inputs(108, of));
  CHECK(same_bits(once_more, results<Cudnn, Float16>(other, op({7, 1, 100}), inputs(108, of))));
  CHECK(same_bits(once_more, results<B, Float16>(B(1), op({7, 1, 100}), inputs(108, of))));
  CHECK(plans() == before + 1);
  CHECK(other.cudnn_attentions() == 0);
}

TEST_CASE("cuda: a pass with cuDNN's attention waits for nothing, and the host touches no memory of the device") {
  emulator::protect(true);
  {
    const auto be = std::make_shared<const B>(1, cuda::Options{.cudnn_attention = true});
    const auto model = load<B>(be, golden::path("nvembed_tiny"), {.precision = "f16"});
    Eval<B> cx(*be);
    const Packed batch(std::vector<TokenizedText>{{{1, 5, 9, 200, 7}, 0, 0}, {{1, 44, 3}, 1, 1}});
    model.visit([&](const auto& m) {
      m(cx, batch);
      cx.lane().synchronize();
      const auto before = emulator::statistics();
      m(cx, batch);
      CHECK(emulator::statistics().host_waits == before.host_waits);
      CHECK(emulator::statistics().attentions == before.attentions + 3);
    });
  }
  emulator::protect(false);
}

TEST_CASE("cuda: a pass with cuDNN's attention becomes a graph when it comes again, with its own values") {
  const Cudnn be;
  cuda::Lane lane = be.make_lane();
  const auto s = segments({9, 30, 1});
  const Index n = 40, d = 16;
  const auto pass = [&](const B& by, cuda::Lane& on, std::uint64_t seed) {
    const auto x = parity::random_tensor<B, Float16>(on, {n, d}, seed);
    Tensor<B, Float16> y = x;
    for (int i = 0; i < 10; ++i) {
      Tensor<B, Float16> next(on, {n, d});
      by.attention(on, std::as_const(y).mat(), x.mat(), std::as_const(y).mat(), std::span<const Segment>(*s),
                   mask::Causal{}, shape(1, 1, d), next.mat(), VecView<float>{});
      y = next;
    }
    return y.to_host(on);
  };
  const B own(1);
  cuda::Lane other = own.make_lane();
  const auto near = [&](std::uint64_t seed) {
    const auto a = pass(be, lane, seed), b = pass(own, other, seed);
    return max_abs_difference(std::vector<float>(a.begin(), a.end()), std::vector<float>(b.begin(), b.end())) < 5e-3;
  };
  for (std::uint64_t seed = 0; seed < 5; ++seed) CHECK(near(seed));
  const auto before = emulator::statistics();
  const auto a = pass(be, lane, 7);
  CHECK(emulator::statistics().graph_launches == before.graph_launches + 1);
  CHECK(emulator::statistics().attentions == before.attentions);  // they are in the graph
  const Cudnn fresh;
  cuda::Lane third = fresh.make_lane();
  CHECK(same_bits(a, pass(fresh, third, 7)));
}

TEST_CASE("cuda: what is wrong with cuDNN is said") {
  const Restored restored;
  emulator::device().cudnn_version = 8907;
  CHECK_THROWS_WITH_AS(
      Cudnn(),
      "[cuda] this program needs cuDNN 9 of version 91801 or later, the library that was found calls itself 8907",
      DeviceError);
  emulator::device().cudnn_version = 91002;
  CHECK_THROWS_WITH_AS(Cudnn(), doctest::Contains("calls itself 91002"), DeviceError);
  emulator::device().cudnn_version = 100000;
  CHECK_THROWS_WITH_AS(Cudnn(), doctest::Contains("calls itself 100000"), DeviceError);
  emulator::reset();
  const AttentionShape of = shape(2, 1, 16);
  const auto op = attention(segments({7, 1}), mask::Causal{}, of);
  const Cudnn be;
  emulator::device().cudnn_executes = false;
  CHECK_THROWS_WITH_AS((results<Cudnn, Float16>(be, op, inputs(8, of))),
                       "[cuda] cuDNN's attention: CUDNN_STATUS_EXECUTION_FAILED", DeviceError);
  emulator::device().cudnn_executes = true;
  CHECK(results<Cudnn, Float16>(be, op, inputs(8, of)).size() == 256);
  emulator::device().lose();
  CHECK_THROWS_WITH_AS((results<Cudnn, Float16>(be, op, inputs(8, of))), doctest::Contains("device 0 ("), DeviceError);
  emulator::device().restore();  // what the back end holds is given back
}
#endif
#endif

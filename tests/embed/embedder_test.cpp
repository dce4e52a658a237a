#include <doctest/doctest.h>

#include <nvembed/autograd/eval.hpp>
#include <nvembed/embed/embedder.hpp>
#include <nvembed/io/config.hpp>
#include <nvembed/io/load.hpp>
#include <nvembed/io/weights.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/pool/any.hpp>
#include <support/backends.hpp>
#include <support/golden.hpp>

using namespace nvembed;

namespace {

/// A body that knows nothing of rows: the pooler gets the states of the whole batch.
template <class Body>
struct AllRows {
  using backend = typename Body::backend;
  using scalar = typename Body::scalar;
  Body body;

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("", s.body);
  }
  Index dim() const { return body.dim(); }
  template <Context C>
  auto operator()(C& cx, const Packed& batch) const {
    return body(cx, batch);
  }
};

}  // namespace

TEST_CASE_TEMPLATE("embedder: rows that the pooler does not read are left out, to the same bits", B,
                   NVEMBED_TEST_BACKENDS) {
  const B be(2);
  const std::string folder = "decoders/qwen3";
  using Body = Decoder<B, mask::Bidirectional>;
  Body body(config_from_json(golden::content(folder + "/config.json"), folder).decoder);
  load_weights(be, body, Weights(golden::path(folder)));
  std::vector<TokenizedText> texts;
  for (const Index size : {9, 1, 70, 4})
    texts.push_back({std::vector<TokenId>(static_cast<std::size_t>(size), 3), size / 3, size / 3});
  texts[2].ids[40] = 5;
  const Packed batch(texts);

  Eval<B> cx(be);
  CHECK(body(cx, batch, std::vector<Index>{0, 9, 79}).shape() == Shape{3, body.dim()});
  for (const pool::Any<B>& pooler : {pool::Any<B>(pool::Mean{}), pool::Any<B>(pool::LastToken{}),
                                     pool::Any<B>(pool::WeightedMean{}), pool::Any<B>(pool::None{})}) {
    CAPTURE(pooler.name());
    const Embedder<Body, pool::Any<B>> few{body, pooler};
    const Embedder<AllRows<Body>, pool::Any<B>> all{{body}, pooler};
    CHECK(few(cx, batch).to_host(cx.lane()) == all(cx, batch).to_host(cx.lane()));
  }
}

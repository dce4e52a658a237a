#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <nvembed/embed/load.hpp>
#include <nvembed/embed/similarity.hpp>
#include <support/backends.hpp>
#include <support/compare.hpp>
#include <support/golden.hpp>
#include <support/model.hpp>
#include <thread>

using namespace nvembed;

namespace {

std::string tiny() { return golden::path("nvembed_tiny"); }

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

/// Mixed lengths, with and without what tokenizers trip over.
std::vector<std::string> some_texts() {
  std::vector<std::string> texts;
  for (int i = 0; i < 64; ++i) {
    std::string t = i % 7 == 3 ? "" : "text number " + std::to_string(i);
    for (int j = 0; j < (i * 37) % 50; ++j) t += j % 5 ? " word" : " 東京";
    texts.push_back(t);
  }
  return texts;
}

}  // namespace

TEST_CASE_TEMPLATE("NV-Embed: ids, spans and vectors of the released code", B, NVEMBED_TEST_BACKENDS) {
  const auto model = load<B>(tiny(), {.threads = 2});
  CHECK(model.settings().compat == Compat::reference);
  std::size_t nan_cases = 0, compared = 0;
  for (const Json& line : golden::json_lines("nvembed_tiny_expected.jsonl")) {
    CAPTURE(line["id"].dump());
    const auto texts = line["texts"].get<std::vector<std::string>>();
    EncodeOptions options;
    options.prefix = line["instruction"].get<std::string>();
    options.max_length = line["max_length"].get<Index>();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const BuiltInput built = model.tokenize(texts[i], options);
      std::vector<TokenId> ids;
      std::vector<int> pooled;
      for (std::size_t t = 0; t < line["ids"][i].size(); ++t)
        if (line["attention_mask"][i][t].get<int>()) {
          ids.push_back(line["ids"][i][t].get<TokenId>());
          pooled.push_back(line["pool_mask"][i][t].get<int>());
        }
      CHECK(built.text.ids == ids);
      std::vector<int> ours;
      for (Index t = 0; t < static_cast<Index>(built.text.ids.size()); ++t) ours.push_back(t >= built.text.pool_begin);
      CHECK(ours == pooled);
    }
    if (!line["nan_rows"].empty()) {  // where the released code gives NaN, an error says why
      CHECK_THROWS_WITH_AS(model.encode(texts, options), doctest::Contains("max_length"), InputError);
      options.on_empty = OnEmpty::zero;
      const Embeddings zero = model.encode(texts, options);
      CHECK(zero.empty.size() == texts.size());
      CHECK(std::all_of(zero.values.begin(), zero.values.end(), [](float v) { return v == 0; }));
      ++nan_cases;
      continue;
    }
    for (const Index batch_tokens : {1, 100, 100000}) {
      options.batch_tokens = batch_tokens;
      const Embeddings e = model.encode(texts, options);
      for (std::size_t i = 0; i < texts.size(); ++i)
        CHECK(max_abs_difference(e[static_cast<Index>(i)], line["embeddings"][i].get<std::vector<double>>()) <
              tolerance::embedding);
    }
    if (line.contains("latent_first_text") && !line["latent_first_text"].is_null()) {
      const TokenStates states = model.encode_tokens(std::vector<Text>{texts[0]}, options);
      std::vector<double> expected;
      for (const Json& row : line["latent_first_text"])
        for (const Json& v : row) expected.push_back(v.get<double>());
      CHECK(max_abs_difference(states.values, expected) < tolerance::hidden);
      ++compared;
    }
  }
  CHECK(nan_cases >= 2);
  CHECK(compared == 3);
}

TEST_CASE_TEMPLATE("a text's bits do not depend on batch, order or threads", B, NVEMBED_TEST_BACKENDS) {
  const auto texts = some_texts();
  const auto one = load<B>(tiny(), {.threads = 1}), two = load<B>(tiny(), {.threads = 2});
  const Embeddings all = two.encode(texts);
  auto reversed = texts;
  std::reverse(reversed.begin(), reversed.end());
  const Embeddings back = one.encode(reversed, {.batch_tokens = 333});
  for (Index i = 0; i < all.rows; ++i) {
    const std::string& text = texts[static_cast<std::size_t>(i)];
    CHECK(same_bits(all[i], back[all.rows - 1 - i]));
    CHECK(same_bits(all[i], one.encode({text})[0]));
    CHECK(same_bits(all[i], two.encode({text})[0]));
  }
}

TEST_CASE("the same on SmolLM2, from several threads at once") {
  std::vector<std::string> texts = some_texts();
  std::erase(texts, "");
#if defined(NVEMBED_WITH_ONEDNN)
  using B = onednn::Backend;
#else
  using B = eigen::Backend;
#endif
  const auto model = load<B>(model::smollm2(), {.threads = 2});
  const Embeddings all = model.encode(texts);
  std::vector<Embeddings> each(3);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < each.size(); ++t)
    threads.emplace_back(
        [&, t] { each[t] = model.encode(texts, {.batch_tokens = static_cast<Index>(300 + 200 * t)}); });
  for (auto& t : threads) t.join();
  for (const Embeddings& e : each) CHECK(same_bits(e.values, all.values));
}

TEST_CASE("exact: the instruction is masked where its tokens lie, EOS is kept, special strings are text") {
  const auto model = load<eigen::Backend>(tiny());
  EncodeOptions o;
  o.compat = Compat::exact;
  o.instruction = "Given a question, retrieve passages that answer the question";
  // The template's trailing space merges into "are": BOS and the 17 tokens up to ":" are instruction.
  BuiltInput b = model.tokenize("are judo throws allowed in wrestling?", o);
  CHECK(b.text.prefix == 18);
  CHECK(b.text.pool_begin == 18);
  CHECK(b.text.ids.back() == 2);
  CHECK(b.text.ids.size() == 28);
  // A digit does not swallow the space: the lone "▁" is the instruction's, and stays out of the pool.
  b = model.tokenize("7 dwarfs", o);
  CHECK(b.text.ids[18] == 28705);
  CHECK(b.text.pool_begin == 19);
  // Without a trailing space nothing of the instruction leaks.
  o.instruction.clear();
  o.prefix = "query:";
  b = model.tokenize(" x", o);
  CHECK(b.text.pool_begin == b.text.prefix);
  CHECK(model.tokenizer().token(b.text.ids[static_cast<std::size_t>(b.text.prefix) - 1]) == ":");
  // No instruction: everything is pooled.
  CHECK(model.tokenize("hello", {.compat = Compat::exact}).text.pool_begin == 0);

  const BuiltInput plain = model.tokenize("a</s>b", {.compat = Compat::exact});
  CHECK(std::count(plain.text.ids.begin(), plain.text.ids.end(), 2) == 1);
  const BuiltInput parsed = model.tokenize("a</s>b", {.compat = Compat::exact, .parse_special = true});
  CHECK(std::count(parsed.text.ids.begin(), parsed.text.ids.end(), 2) == 2);

  const BuiltInput cut =
      model.tokenize("one two three four five six seven eight", {.max_length = 5, .compat = Compat::exact});
  CHECK(cut.truncated);
  CHECK(cut.text.ids.size() == 5);
  CHECK(cut.text.ids.front() == 1);
  CHECK(cut.text.ids.back() == 2);
  const BuiltInput fits = model.tokenize("one two three", {.max_length = 5, .compat = Compat::exact});
  CHECK_FALSE(fits.truncated);
  CHECK(fits.text.ids.size() == 5);

  o.max_length = 3;
  CHECK_THROWS_WITH_AS(model.encode({"text that is cut away whole"}, o), doctest::Contains("max_length"), InputError);
  o.max_length = 2;
  CHECK_THROWS_AS(model.encode({"x"}, o), InputError);
}

TEST_CASE("each text may carry its own instruction or prefix") {
  const auto model = load<eigen::Backend>(tiny());
  const Text with("dogs", "Find animals"), literal("dogs", {}, "query: "), plain("dogs");
  const Embeddings e = model.encode({with, literal, plain});
  CHECK(same_bits(e[0], model.encode({"dogs"}, {.instruction = "Find animals"})[0]));
  CHECK(same_bits(e[1], model.encode({"dogs"}, {.prefix = "query: "})[0]));
  CHECK_FALSE(same_bits(e[0], e[2]));
  CHECK_FALSE(same_bits(e[1], e[2]));
  CHECK_THROWS_WITH_AS(model.encode({"x"}, {.prompt = "nonsense"}), doctest::Contains("no prompt 'nonsense'"),
                       InputError);
}

TEST_CASE("a text of more bytes than are wanted is refused by its number, or a row of zeros") {
  const auto model = load<eigen::Backend>(tiny());
  EncodeOptions o{.prefix = "four", .max_bytes = 10};
  const std::vector<std::string> texts{"6bytes", "7 bytes"};
  try {
    model.encode(texts, o);
    FAIL("not refused");
  } catch (const InputError& e) {
    CHECK(e.text() == 1);
    CHECK(std::string_view(e.what()).find("is 1 bytes longer") != std::string_view::npos);
  }
  CHECK_THROWS_AS(model.encode_tokens(std::vector<Text>{"7 bytes"}, o), InputError);
  o.on_empty = OnEmpty::zero;
  const Embeddings e = model.encode(texts, o);
  CHECK(e.empty == std::vector<Index>{1});
  CHECK(std::all_of(e[1].begin(), e[1].end(), [](float v) { return v == 0; }));
  o.max_bytes = 0;
  CHECK(same_bits(model.encode(texts, o)[0], e[0]));
}

TEST_CASE("truncation is reported by text, ids are accepted, dim is cut and renormalised") {
  const auto model = load<eigen::Backend>(tiny());
  const std::string longer = "a b c d e f g h i j k l m n o p";
  const Embeddings e = model.encode({"short", longer, "s", longer}, {.max_length = 8});
  CHECK(e.truncated == std::vector<Index>{1, 3});
  CHECK(e.tokens == 8 + 8 + 3 + 3);

  const TokenizedText ids = model.tokenize("short").text;
  CHECK(same_bits(model.encode(std::vector<TokenizedText>{ids})[0], e[0]));
  CHECK_THROWS_WITH_AS(model.encode(std::vector<TokenizedText>{{{1, 32000}, 0, 0}}), doctest::Contains("32000"),
                       InputError);
  CHECK_THROWS_AS(model.encode(std::vector<TokenizedText>{{{1, -1}, 0, 0}}), InputError);

  const std::vector<TokenizedText> hole{ids, {}};
  CHECK_THROWS_WITH_AS(model.encode(hole), doctest::Contains("the text has no tokens (text 1)"), InputError);
  const Embeddings zero = model.encode(hole, {.on_empty = OnEmpty::zero});
  CHECK(zero.empty == std::vector<Index>{1});
  CHECK(std::all_of(zero[1].begin(), zero[1].end(), [](float v) { return v == 0; }));

  const Embeddings half = model.encode({"short"}, {.dim = 32});
  REQUIRE(half.dim == 32);
  double norm = 0, full = 0;
  for (Index c = 0; c < 32; ++c)
    norm += std::pow(half[0][static_cast<std::size_t>(c)], 2), full += std::pow(e[0][static_cast<std::size_t>(c)], 2);
  CHECK(norm == doctest::Approx(1).epsilon(1e-6));
  CHECK(half[0][3] == doctest::Approx(e[0][3] / std::sqrt(full)).epsilon(1e-5));
  CHECK_THROWS_AS(model.encode({"x"}, {.dim = 65}), InputError);
  CHECK_THROWS_AS(model.encode({"x"}, {.dim = -1}), InputError);
  const Embeddings raw = model.encode({"short"}, {.normalize = false});
  CHECK(std::fabs(raw[0][0]) != std::fabs(e[0][0]));
}

TEST_CASE("streaming: blocks in order, progress, stop") {
  const auto model = load<eigen::Backend>(tiny());
  const auto texts = some_texts();
  const Embeddings all = model.encode(texts);
  std::vector<float> streamed;
  Index calls = 0, last = 0;
  EncodeOptions o;
  o.progress = [&](const Progress& p) {
    CHECK(p.texts >= last);
    last = p.texts;
    ++calls;
  };
  const Index n = model.encode(
      texts.begin(), texts.end(),
      [&](Index first, const Embeddings& e) {
        CHECK(first * e.dim == static_cast<Index>(streamed.size()));
        streamed.insert(streamed.end(), e.values.begin(), e.values.end());
      },
      o, 10);
  CHECK(n == 64);
  CHECK(last == 64);
  CHECK(calls >= 7);
  CHECK(same_bits(streamed, all.values));

  CHECK_THROWS_AS(model.encode(
                      texts.begin(), texts.end(), [](Index, const Embeddings&) {}, {}, 0),
                  InputError);

  std::stop_source stop;
  EncodeOptions stoppable;
  stoppable.stop = stop.get_token();
  stoppable.batch_tokens = 50;
  stoppable.progress = [&](const Progress&) { stop.request_stop(); };
  CHECK_THROWS_AS(model.encode(texts, stoppable), Cancelled);
}

TEST_CASE("bad texts are named; empty ones are ordinary") {
  const auto tiny_model = load<eigen::Backend>(tiny());
  CHECK_THROWS_WITH_AS(tiny_model.encode({"fine",
                                          "b\xFF"
                                          "d"}),
                       doctest::Contains("byte 1"), InputError);
  CHECK_THROWS_WITH_AS(tiny_model.encode({"fine",
                                          "b\xFF"
                                          "d"}),
                       doctest::Contains("text 1"), InputError);
  const Embeddings e = tiny_model.encode({"", " ", std::string_view("\0a", 2)});
  for (const float v : e.values) CHECK(std::isfinite(v));
  CHECK(tiny_model.encode(std::vector<std::string>{}).rows == 0);

  const auto smol = load<eigen::Backend>(model::smollm2());  // no BOS, no EOS: an empty text has no token at all
  CHECK_THROWS_WITH_AS(smol.encode({"x", ""}), doctest::Contains("it has no tokens; on_empty zero"), InputError);
  CHECK_THROWS_WITH_AS(smol.encode({""}, {.prefix = "query:"}), doctest::Contains("nothing stands behind"), InputError);
  const Embeddings zero = smol.encode({"x", ""}, {.on_empty = OnEmpty::zero});
  CHECK(zero.empty == std::vector<Index>{1});
  CHECK(std::all_of(zero[1].begin(), zero[1].end(), [](float v) { return v == 0; }));
}

TEST_CASE("a bare language model is announced; overrides hold; fingerprints tell settings apart") {
  std::string notice;
  const auto model = load<eigen::Backend>(tiny());
  LoadOptions o;
  o.notice = [&](const std::string& n) { notice = n; };
  o.mask = "causal";
  o.pool = "last_token";
  const auto other = load<eigen::Backend>(tiny(), o);
  CHECK(notice.empty());
  CHECK(other.mask().str() == "causal");
  CHECK(other.pooling() == "last_token");
  const auto unpooled = load<eigen::Backend>(tiny(), {.pool = "none"});
  CHECK_THROWS_WITH_AS(unpooled.encode({"x"}), doctest::Contains("token states"), InputError);
  const std::vector<TokenizedText> one_token{{{5}, 0, 0}};  // as many tokens as texts: still no vector a text
  CHECK_THROWS_AS(unpooled.encode(one_token), InputError);
  CHECK(unpooled.encode_tokens(one_token).values.size() == 64);
  CHECK(open_model(model::smollm2()).notices.size() == 1);
  CHECK_THROWS_AS(load<eigen::Backend>(tiny(), {.pool = "max"}), InputError);
  CHECK_THROWS_AS(load<eigen::Backend>(tiny(), {.mask = "max"}), InputError);

  CHECK(model.fingerprint() == load<eigen::Backend>(tiny()).fingerprint());
  CHECK(model.fingerprint().size() == 64);
  CHECK(model.fingerprint() != other.fingerprint());
  CHECK(model.fingerprint() != model.fingerprint({.dim = 8}));
  CHECK(model.fingerprint() != model.fingerprint({.prefix = "query: "}));
  CHECK(model.fingerprint() != model.fingerprint({.compat = Compat::exact}));
}

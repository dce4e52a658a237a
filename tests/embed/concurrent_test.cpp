#include <doctest/doctest.h>

#include <cstring>
#include <nvembed/embed/load.hpp>
#include <support/backends.hpp>
#include <support/golden.hpp>
#include <thread>
#include <vector>

using namespace nvembed;

namespace {

constexpr std::size_t users = 4;

std::vector<std::string> some_texts() {
  std::vector<std::string> texts;
  for (int i = 0; i < 24; ++i) {
    texts.push_back("text number " + std::to_string(i));
    for (int j = 0; j < (i * 37) % 50; ++j) texts.back() += j % 5 ? " word" : " 東京";
  }
  return texts;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

/// f(user) on as many threads at once; what doctest must not do there, a caller does afterwards.
template <class F>
void at_once(F&& f) {
  std::vector<std::thread> threads;
  for (std::size_t user = 0; user < users; ++user) threads.emplace_back(f, user);
  for (auto& t : threads) t.join();
}

}  // namespace

TEST_CASE_TEMPLATE("several threads encode on one model, each as if it were alone", B, NVEMBED_TEST_BACKENDS) {
  const auto texts = some_texts();
  const std::vector<Text> views(texts.begin(), texts.end());
  for (const Index threads : {1, 2, 3}) {
    CAPTURE(threads);
    const auto model = load<B>(golden::path("nvembed_tiny"), {.threads = threads});
    const Embeddings alone = model.encode(texts), asked = model.encode(texts, {.instruction = "Find animals"});
    const TokenStates states = model.encode_tokens(views);
    std::vector<Embeddings> plain(users), instructed(users);
    std::vector<TokenStates> tokens(users);
    at_once([&](std::size_t user) {
      const auto batch_tokens = static_cast<Index>(100 + 150 * user);
      plain[user] = model.encode(texts, {.batch_tokens = batch_tokens});
      instructed[user] = TextEmbedder<B>(model).encode(
          texts, {.instruction = "Find animals", .batch_tokens = batch_tokens});  // a copy shares the weights
      tokens[user] = model.encode_tokens(views, {.batch_tokens = batch_tokens});
    });
    for (std::size_t user = 0; user < users; ++user) {
      CHECK(same_bits(plain[user].values, alone.values));
      CHECK(same_bits(instructed[user].values, asked.values));
      CHECK(same_bits(tokens[user].values, states.values));
    }
  }
}

TEST_CASE_TEMPLATE("models are loaded and let go by several threads at once", B, NVEMBED_TEST_BACKENDS) {
  const auto texts = some_texts();
  const Embeddings expected = load<B>(golden::path("nvembed_tiny"), {.threads = 1}).encode(texts);
  std::vector<Embeddings> each(users);
  at_once([&](std::size_t user) {
    const auto threads = static_cast<Index>(1 + user % 3);
    each[user] = load<B>(golden::path("nvembed_tiny"), {.threads = threads}).encode(texts);
  });
  for (const Embeddings& e : each) CHECK(same_bits(e.values, expected.values));
}

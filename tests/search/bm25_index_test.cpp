#include <doctest/doctest.h>

#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/search/bm25_index.hpp>
#include <nvembed/search/vector_math.hpp>
#include <string>
#include <vector>

using namespace nvembed;
using namespace nvembed::search;

TEST_CASE("an index gives the products of BM25's vectors") {
  std::vector<std::string> documents, queries;
  const auto text = [](std::uint64_t key, std::uint64_t words) {
    std::string t;
    for (std::uint64_t w = 0; w < words; ++w)
      t += "w" + std::to_string(CounterRng(key).at(w).bits() % (1 + CounterRng(w).bits() % 40)) + " the ";
    return t;
  };
  for (std::uint64_t i = 0; i < 100; ++i) documents.push_back(text(i, 1 + i % 30));
  for (std::uint64_t i = 0; i < 10; ++i) queries.push_back(text(1000 + i, 1 + i) + "unheard");
  documents.emplace_back("");
  const Bm25 bm25(documents, true);
  const auto d = bm25.documents(documents), q = bm25.queries(queries);
  const Bm25Index index(static_cast<Index>(documents.size()),
                        [&](Index i) -> std::string_view { return documents[static_cast<std::size_t>(i)]; });
  const auto dim = static_cast<std::size_t>(bm25.dim());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const auto asked = index.query(queries[i]);
    for (const Index first : {Index{0}, Index{37}}) {
      std::vector<float> scores(documents.size() - static_cast<std::size_t>(first), -1.0f);
      index.scores(asked, first, scores);
      for (std::size_t j = 0; j < scores.size(); ++j) {
        const std::size_t row = j + static_cast<std::size_t>(first);
        const double expected = dot(std::span(q).subspan(i * dim, dim), std::span(d).subspan(row * dim, dim));
        CHECK(index.score(asked, static_cast<Index>(row)) == doctest::Approx(expected).epsilon(1e-12));
        CHECK(scores[j] == static_cast<float>(index.score(asked, static_cast<Index>(row))));
      }
    }
  }
  CHECK_THROWS_AS(Bm25Index(1, [](Index) { return std::string_view("the"); }), InputError);
}

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/eigen/backend.hpp>
#include <nvembed/search/nearest.hpp>

using namespace nvembed;
using namespace nvembed::search;

namespace {

/// Products by the reference back end.
DotProducts dots() {
  static const eigen::Backend be(2);
  return dot_products(be);
}

std::vector<float> random_rows(Index n, Index dim, std::uint64_t seed) {
  std::vector<float> v;
  for (Index i = 0; i < n * dim; ++i)
    v.push_back(static_cast<float>(CounterRng(seed).at(static_cast<std::uint64_t>(i)).uniform() - 0.3));
  return v;
}

}  // namespace

TEST_CASE("nearest is exact, in blocks, with ties as they are ordered") {
  constexpr Index dim = 24, documents = 4500, queries = 300, k = 7;
  auto corpus = random_rows(documents, dim, 1);
  const auto asked = random_rows(queries, dim, 2);
  for (Index d = 0; d < documents; d += 3)  // exact copies, far apart
    std::copy_n(corpus.begin() + ((d * 37) % 1000) * dim, dim, corpus.begin() + d * dim);
  for (Index c = 0; c < dim; ++c) corpus[static_cast<std::size_t>(5 * dim + c)] = 0;  // nothing is similar to it
  std::vector<Index> tie(static_cast<std::size_t>(documents));
  for (std::size_t i = 0; i < tie.size(); ++i) tie[i] = static_cast<Index>((i * 7919) % tie.size());
  const HostMatrix q{asked.data(), queries, dim}, c{corpus.data(), documents, dim};
  for (const Similarity by : {Similarity::cosine, Similarity::dot}) {
    const auto found = nearest(q, c, k, tie, dots(), by);
    REQUIRE(found.size() == static_cast<std::size_t>(queries));
    for (Index i = 0; i < queries; ++i) {
      std::vector<Ranked> all;
      for (Index d = 0; d < documents; ++d) {
        double ab = 0, aa = 0, bb = 0;
        for (Index x = 0; x < dim; ++x) {
          const double a = q.row(i)[x], b = c.row(d)[x];
          ab += a * b, aa += a * a, bb += b * b;
        }
        const double value = by == Similarity::dot ? ab : bb > 0 ? ab / std::sqrt(aa * bb) : 0;
        all.push_back({static_cast<float>(value), d});
      }
      std::sort(all.begin(), all.end(), [&](const Ranked& a, const Ranked& b) {
        return a.score != b.score ? a.score > b.score
                                  : tie[static_cast<std::size_t>(a.row)] > tie[static_cast<std::size_t>(b.row)];
      });
      all.resize(k);
      CHECK(found[static_cast<std::size_t>(i)] == all);
    }
  }
  CHECK(nearest(q, {corpus.data(), 3, dim}, 10, std::span(tie).first(3), dots())[0].size() == 3);
}

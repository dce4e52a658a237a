#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/eigen/backend.hpp>
#include <nvembed/embed/similarity.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/train/mine_negatives.hpp>
#include <nvembed/train/parse_negative_rule.hpp>
#include <nvembed/train/record_file.hpp>
#include <nvembed/train/record_line.hpp>
#include <nvembed/train/record_list.hpp>
#include <nvembed/train/top_k.hpp>
#include <nvembed/train/top_k_abs.hpp>
#include <nvembed/train/top_k_margin_pos.hpp>
#include <nvembed/train/top_k_shifted.hpp>
#include <support/golden.hpp>

#include "support.hpp"

using namespace train_test;
using search::HostMatrix;
using search::Ranked;

namespace {

search::DotProducts dots() {
  static const eigen::Backend be(2);
  return search::dot_products(be);
}

HostMatrix matrix(const std::vector<float>& values, Index dim) {
  return {values.data(), static_cast<Index>(values.size()) / dim, dim};
}

std::vector<float> random_rows(Index n, Index dim, std::uint64_t seed) {
  std::vector<float> v;
  for (Index i = 0; i < n * dim; ++i)
    v.push_back(static_cast<float>(CounterRng(seed).at(static_cast<std::uint64_t>(i)).uniform() - 0.4));
  return v;
}

std::vector<Index> rows(const std::vector<Ranked>& ranked) {
  std::vector<Index> numbers;
  for (const Ranked& r : ranked) numbers.push_back(r.row);
  return numbers;
}

/// The rules, asked of every pair, whose scores are all held and sorted.
struct Naive {
  std::vector<Ranked> best;
  Index above = 0;

  Naive(const MiningTexts& texts, Index q, HostMatrix queries, HostMatrix passages, const MiningOptions& o) {
    double lowest = 2;
    for (const Index p : texts.positives(q)) lowest = std::min(lowest, cosine(queries[q], passages[p]));
    for (Index p = 0; p < texts.candidates(); ++p) {
      if (texts.relation(q, p) != MiningTexts::Relation::free) continue;
      const double score = cosine(queries[q], passages[p]);
      if (score >= o.rule.limit(lowest))
        ++above;
      else if (score > o.floor)
        best.push_back({static_cast<float>(score), p});
    }
    std::sort(best.begin(), best.end(),
              [](const Ranked& a, const Ranked& b) { return a.score != b.score ? a.score > b.score : a.row < b.row; });
    best.erase(best.begin(), best.begin() + std::min<std::ptrdiff_t>(o.rule.skipped(), std::ssize(best)));
    best.resize(std::min(best.size(), static_cast<std::size_t>(o.choice.depth(o.negatives))));
  }
};

/// A rule of one's own.
struct NotAbovePositive {
  double limit(double positive) const { return positive; }
  Index skipped() const { return 1; }
  void check() const {}
};
static_assert(NegativeRule<NotAbovePositive> && NegativeRule<TopKPercPos> && !NegativeRule<MiningOptions>);

}  // namespace

TEST_CASE("mining is what brute force finds, in blocks, with ties, copies and several positives") {
  constexpr Index records = 700, passages = 4300, dim = 12;
  std::vector<Record> list;
  for (Index i = 0; i < records; ++i) {
    Record r{"q" + std::to_string(i * 7 % 400), {}, {}};
    for (Index n = 0; n <= i % 3; ++n) r.positives.push_back("p" + std::to_string((i * 31 + n * 1009) % passages));
    for (Index n = 0; n < 12; ++n) r.negatives.push_back("p" + std::to_string((i * 12 + n) % passages));
    list.push_back(r);
  }
  list[3].negatives.push_back("q5");  // a passage that is somebody's query
  const MiningTexts texts(RecordList(list), {.keep_negatives = true});
  REQUIRE(texts.queries().size() == 400);
  REQUIRE(texts.passages().size() == passages + 1);
  const auto q = random_rows(400, dim, 1);
  auto p = random_rows(passages + 1, dim, 2);
  for (Index i = 0; i < passages; i += 3) {  // copies, far apart, some of other lengths
    std::copy_n(p.begin() + ((i * 37) % 500) * dim, dim, p.begin() + i * dim);
    if (i % 2 == 0)
      for (Index c = 0; c < dim; ++c) p[static_cast<std::size_t>(i * dim + c)] *= 4;
  }
  std::fill_n(p.begin() + 10 * dim, dim, 0.0f);  // nothing is similar to it
  const HostMatrix queries = matrix(q, dim), vectors = matrix(p, dim);
  const PassageScores scores = vector_scores(queries, vectors, dots());
  MiningOptions options;
  for (const AnyNegativeRule& rule : std::vector<AnyNegativeRule>{TopK{}, TopKShifted{}, TopKAbs{0.4}, TopKMarginPos{},
                                                                  TopKPercPos{}, TopKPercPos{1}, NotAbovePositive{}})
    for (const double floor : {-2.0, 0.3}) {
      options.rule = rule;
      options.floor = floor;
      const MinedNegatives mined = mine_negatives(texts, scores, options);
      Index above = 0, negatives = 0, wanting = 0;
      double first = 0;
      for (Index i = 0; i < 400; ++i) {
        const Naive naive(texts, i, queries, vectors, options);
        CHECK(mined.of[static_cast<std::size_t>(i)] == naive.best);
        above += naive.above;
        negatives += static_cast<Index>(naive.best.size());
        wanting += naive.best.size() < 7;
        first += naive.best.empty() ? 0 : static_cast<double>(naive.best[0].score);
      }
      CHECK(mined.counts.above_limit == above);
      CHECK(mined.counts.negatives == negatives);
      CHECK(mined.counts.wanting == wanting);
      if (wanting == 0) CHECK(mined.counts.mean_by_rank.at(0) == doctest::Approx(first / 400));
    }
}

TEST_CASE("mining is what scikit-learn's cosines give") {
  const Json g = golden::json("train/mining.json");
  std::vector<Record> list;
  for (const Json& r : g["records"])
    list.push_back({r["query"], r["positive"].get<Texts>(), r["negative"].get<Texts>()});
  const auto vectors = [&](const Json& texts) {
    std::vector<float> values;
    for (const Json& text : texts)
      for (const Json& x : g["vectors"][text.get<std::string>()]) values.push_back(x.get<float>());
    return values;
  };
  const auto check_order = [](const DistinctTexts& texts, const Json& expected) {
    REQUIRE(texts.size() == static_cast<Index>(expected.size()));
    for (Index i = 0; i < texts.size(); ++i) CHECK(texts[i] == expected[static_cast<std::size_t>(i)]);
  };
  for (const Json& c : g["cases"]) {
    CAPTURE(c["rule"]);
    const MiningTextsOptions relations{c.value("symmetric", false), c.value("transitive", false),
                                       c.value("keep", false)};
    const bool corpus = c.value("corpus", false);
    DistinctTexts candidates;
    for (const Json& text : g["corpus"]) candidates.add(text.get<std::string>());
    const MiningTexts texts = corpus ? MiningTexts(RecordList(list), std::move(candidates), relations)
                                     : MiningTexts(RecordList(list), relations);
    const Json& passages = g[corpus ? "passages_with_corpus" : "passages"];
    check_order(texts.queries(), g["queries"]);
    check_order(texts.passages(), passages);
    MiningOptions options;
    options.negatives = g["k"];
    options.seed = g["seed"];
    options.rule = parse_negative_rule(c["rule"].get<std::string>());
    options.floor = c.value("floor", -9.0);
    if (c.contains("choose"))
      options.choice = {c["choose"] == "sampled" ? ChoiceMode::sampled : ChoiceMode::top1_sampled, c["pool"],
                        c["temperature"]};
    const auto q = vectors(g["queries"]), p = vectors(passages);
    const MinedNegatives mined = mine_negatives(texts, vector_scores(matrix(q, 6), matrix(p, 6), dots()), options);
    for (std::size_t i = 0; i < mined.of.size(); ++i)
      CHECK(rows(mined.of[i]) == c["negatives"][i].get<std::vector<Index>>());
    CHECK(mined.counts.known_positives == c["counts"]["known_positives"]);
    CHECK(mined.counts.equal_to_query == c["counts"]["equal_to_query"]);
    CHECK(mined.counts.own_negatives == c["counts"]["own_negatives"]);
    CHECK(mined.counts.above_limit == c["counts"]["above_limit"]);
  }
}

TEST_CASE("the lowest of a query's positives bounds its negatives, in whichever record it stands") {
  // Scores with q: a 1, b 0.8, n 0.9, m 0.7; a and b are positives of two records.
  const MiningTexts texts(RecordList({{"q", {"a"}, {"n", "m"}}, {"q", {"b"}, {}}}));
  const std::vector<float> q{1, 0}, p{1, 0, 0.9f, std::sqrt(0.19f), 0.7f, std::sqrt(0.51f), 0.8f, 0.6f};
  REQUIRE(texts.passages()[3] == "b");
  const auto scores = vector_scores(matrix(q, 2), matrix(p, 2), dots());
  CHECK(rows(mine_negatives(texts, scores).of[0]) == std::vector<Index>{2});
  MiningOptions options;
  options.rule = TopK{};
  CHECK(rows(mine_negatives(texts, scores, options).of[0]) == std::vector<Index>{1, 2});
  const MiningCounts counts = mine_negatives(texts, scores).counts;
  CHECK(counts.mean_positive == doctest::Approx(0.9));
  CHECK(counts.mean_lowest_positive == doctest::Approx(0.8));
  CHECK(counts.known_positives == 2);
  CHECK(counts.above_limit == 1);
  CHECK(counts.wanting == 1);
}

TEST_CASE("mining a file") {
  const Folder folder("mine");
  const std::string path = folder.write("train.jsonl",
                                        "{\"query\": \"q\", \"positive\": [\"c\"], \"negative\": [\"b\"]}\n"
                                        "{\"query\": \"r\", \"positive\": [\"a\"]}\n");
  const eigen::Backend be(1);
  const Index dim = 2;
  std::string lines;
  const auto encode = [](const DistinctTexts& texts) {
    std::vector<float> values;
    for (Index i = 0; i < texts.size(); ++i) {
      const float angle = static_cast<float>(texts[i][0]) / 16;
      values.insert(values.end(), {std::cos(angle), std::sin(angle)});
    }
    return values;
  };
  // [mine]
  const RecordFile records(path);
  const MiningTexts texts(records);  // each text once, and who answers whom
  const std::vector<float> queries = encode(texts.queries()), passages = encode(texts.passages());
  const PassageScores teacher =
      vector_scores({queries.data(), texts.queries().size(), dim}, {passages.data(), texts.passages().size(), dim},
                    search::dot_products(be));  // or bm25_scores(texts)
  MiningOptions options;
  options.negatives = 1;
  options.rule = TopKMarginPos{0.05};
  const MinedNegatives mined = mine_negatives(texts, teacher, options);
  for (Index i = 0; i < records.size(); ++i) {
    const Record r = records.at(i);
    const Index query = *texts.queries().find(r.query);
    lines += record_line(with_negatives(r, texts, mined.of[static_cast<std::size_t>(query)])) + "\n";
  }
  // [mine]
  // The scores of c, b and a: 0.64, 0.59, 0.54 with q, 0.59, 0.54, 0.49 with r.
  CHECK(lines ==
        "{\"query\": \"q\", \"positive\": [\"c\"], \"negative\": [\"a\"]}\n"
        "{\"query\": \"r\", \"positive\": [\"a\"], \"negative\": []}\n");
}

TEST_CASE("BM25 as a teacher") {
  const MiningTexts texts(RecordList({{"green cheese", {"cheese that is green"}, {"a green tree", "blue sea"}},
                                      {"the sea", {"waves of the sea"}, {"cheese, cheese"}}}));
  MiningOptions options;
  options.rule = TopK{};
  options.floor = 0;  // a word in common
  const MinedNegatives mined = mine_negatives(texts, bm25_scores(texts), options);
  REQUIRE(mined.of.size() == 2);
  CHECK(rows(mined.of[0]) == std::vector<Index>{4, 1});
  CHECK(rows(mined.of[1]) == std::vector<Index>{2});
}

TEST_CASE("records with their negatives") {
  const std::vector<Record> list{{"q", {"a"}, {"own", "b"}}, {"q", {"b"}, {}}, {"r", {"c"}, {}}};
  const MiningTexts replaced{RecordList(list)}, kept(RecordList(list), {.keep_negatives = true});
  const auto c = *replaced.passages().find("c");
  CHECK(with_negatives(list[0], replaced, std::vector<Ranked>{{0.5f, c}}).negatives == Texts{"c"});
  // A negative that answers in another record goes.
  CHECK(with_negatives(list[0], kept, std::vector<Ranked>{{0.5f, c}}).negatives == Texts{"own", "c"});
  CHECK_THROWS_AS(with_negatives({"s", {"a"}, {}}, kept, {}), InputError);
}

TEST_CASE("mining: what is refused") {
  const MiningTexts texts(RecordList({{"q", {"a"}, {"n"}}}));
  const std::vector<float> q{1, 0}, p{1, 0, 0, 1};
  const auto scores = vector_scores(matrix(q, 2), matrix(p, 2), dots());
  const std::vector<Record> one{{"q", {"a"}, {}}};
  MiningOptions options;
  options.negatives = 0;
  CHECK(message_of<InputError>([&] { mine_negatives(texts, scores, options); }) ==
        "[mining] 0 negatives; 1 or more can be mined");
  options.negatives = 7;
  options.choice = {ChoiceMode::sampled, 6};
  CHECK(message_of<InputError>([&] { mine_negatives(texts, scores, options); }) ==
        "[mining] 7 negatives cannot be drawn from a pool of 6");
  options.choice = {ChoiceMode::sampled, 10, 0};
  CHECK_THROWS_AS(mine_negatives(texts, scores, options), InputError);
  CHECK(message_of<InputError>([&] { options.rule = TopKShifted{-1}; }) == "[mining] a shift of -1; it is 0 or more");
  CHECK_THROWS_AS(options.rule = TopKMarginPos{-0.1}, InputError);
  CHECK_THROWS_AS(options.rule = TopKPercPos{1.1}, InputError);
  CHECK_THROWS_AS(options.rule = TopKPercPos{0}, InputError);
  CHECK_THROWS_AS(options.rule = TopKPercPos{std::nan("")}, InputError);
  CHECK_THROWS_AS(options.rule = TopKAbs{std::nan("")}, InputError);
  CHECK(message_of<ShapeError>([&] { mine_negatives(texts, vector_scores(matrix(q, 2), matrix(q, 2), dots())); }) ==
        "[mining] scores of 1 queries and 1 passages; the texts are 1 and 2");
  CHECK_THROWS_AS(vector_scores(matrix(q, 2), matrix(p, 4), dots()), ShapeError);
  CHECK_THROWS_AS(MiningTexts(RecordList(one), DistinctTexts()), InputError);
  // Nothing left to mine is no error: the counts tell.
  const MiningTexts alone{RecordList(one)};
  const MinedNegatives none = mine_negatives(alone, vector_scores(matrix(q, 2), matrix(q, 2), dots()));
  CHECK(none.of[0].empty());
  CHECK(none.counts.wanting == 1);
  CHECK(none.counts.known_positives == 1);
}

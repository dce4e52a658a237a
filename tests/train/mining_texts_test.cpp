#include <nvembed/train/mining_texts.hpp>
#include <nvembed/train/record_list.hpp>

#include "support.hpp"

using namespace train_test;
using Relation = MiningTexts::Relation;

namespace {

Relation relation(const MiningTexts& texts, const std::string& query, const std::string& passage) {
  return texts.relation(texts.queries().find(query).value(), texts.passages().find(passage).value());
}

}  // namespace

TEST_CASE("distinct texts keep their order, and may be moved") {
  DistinctTexts a;
  CHECK(a.add("x") == 0);
  CHECK(a.add(std::string(100, 'y')) == 1);
  CHECK(a.add("x") == 0);
  DistinctTexts b = std::move(a);
  CHECK(b.size() == 2);
  CHECK(b.find("x") == 0);
  CHECK(b.find(std::string(100, 'y')) == 1);
  CHECK(!b.find("z"));
}

TEST_CASE("mining texts: order, and who is known to answer whom") {
  const std::vector<Record> list{
      {"q", {"a", "b"}, {"n"}}, {"r", {"c"}, {"a", "q"}}, {"q", {"d"}, {"c", "n"}}, {"a", {"a"}, {}}};
  const MiningTexts texts{RecordList(list)};
  CHECK(texts.queries().size() == 3);
  REQUIRE(texts.passages().size() == 6);
  for (const auto& [i, text] : std::vector<std::pair<Index, std::string>>{{0, "a"}, {2, "n"}, {3, "c"}, {5, "d"}})
    CHECK(texts.passages()[i] == text);
  CHECK(texts.candidates() == 6);
  CHECK(relation(texts, "q", "d") == Relation::known_positive);  // of another record of this query
  CHECK(relation(texts, "q", "q") == Relation::equal_to_query);
  CHECK(relation(texts, "q", "n") == Relation::free);  // its negatives are replaced
  CHECK(relation(texts, "r", "a") == Relation::free);
  CHECK(relation(texts, "a", "a") == Relation::known_positive);
  CHECK(texts.positives(0).size() == 3);
  CHECK(texts.count(0, Relation::known_positive) == 3);
  CHECK(texts.count(0, Relation::equal_to_query) == 1);
  CHECK(texts.count(2, Relation::equal_to_query) == 0);

  const MiningTexts kept(RecordList(list), {.keep_negatives = true});
  CHECK(relation(kept, "q", "n") == Relation::own_negative);
  CHECK(relation(kept, "q", "c") == Relation::own_negative);
  CHECK(kept.count(0, Relation::own_negative) == 2);
}

TEST_CASE("mining texts: relations that go both ways, and further") {
  // a - b - c in pairs, d with b; e apart.
  const std::vector<Record> list{{"a", {"b"}, {}}, {"b", {"c"}, {}}, {"d", {"b"}, {"a", "d"}}, {"e", {"f"}, {}}};
  const MiningTexts plain{RecordList(list)};
  CHECK(relation(plain, "b", "a") == Relation::free);
  CHECK(relation(plain, "a", "c") == Relation::free);
  const MiningTexts both(RecordList(list), {.symmetric = true});
  CHECK(relation(both, "b", "a") == Relation::known_positive);
  CHECK(relation(both, "b", "d") == Relation::known_positive);
  CHECK(relation(both, "a", "c") == Relation::free);
  CHECK(both.positives(*both.queries().find("b")).size() == 1);  // the limit is the record's affair
  const MiningTexts group(RecordList(list), {.transitive = true});
  for (const char* q : {"a", "b", "d"})
    for (const char* p : {"a", "b", "c", "d"})
      CHECK(relation(group, q, p) == (std::string(q) == p ? Relation::equal_to_query : Relation::known_positive));
  CHECK(relation(group, "e", "a") == Relation::free);
  CHECK(relation(group, "a", "f") == Relation::free);
  CHECK(group.count(*group.queries().find("a"), Relation::known_positive) == 3);
  CHECK(group.count(*group.queries().find("a"), Relation::equal_to_query) == 1);
}

TEST_CASE("mining texts: a corpus that lacks positives") {
  DistinctTexts corpus;
  for (const char* text : {"x", "b", "q"}) corpus.add(text);
  const MiningTexts texts(RecordList({{"q", {"a", "b"}, {"n", "x"}}}), std::move(corpus), {.keep_negatives = true});
  CHECK(texts.candidates() == 3);
  CHECK(texts.passages().size() == 4);  // and the positive that it lacks, to be scored
  CHECK(texts.passages()[3] == "a");
  CHECK(texts.positives(0).size() == 2);
  CHECK(texts.count(0, Relation::known_positive) == 1);
  CHECK(texts.count(0, Relation::own_negative) == 1);
  CHECK(texts.count(0, Relation::equal_to_query) == 1);
}

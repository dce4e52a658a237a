#include <map>
#include <nvembed/core/fnv1a.hpp>
#include <nvembed/loss/info_nce_roles.hpp>
#include <nvembed/train/contrastive_batch.hpp>
#include <nvembed/train/open_tasks.hpp>
#include <nvembed/train/record_list.hpp>
#include <nvembed/train/sampler.hpp>

#include "support.hpp"

using namespace train_test;
using loss::detail::InfoNceRole;

namespace {

std::uint64_t hash(std::string_view text) { return fnv1a(std::as_bytes(std::span(text))); }

TaskRecords task(const std::string& name, bool symmetric, bool in_batch, std::vector<Record> records) {
  return {{name, "kind", "Do " + name, symmetric, in_batch}, RecordList(std::move(records), name)};
}

std::vector<TaskRecords> two_tasks() {
  return {task("search", false, true,
               {{"q0", {"a", "b"}, {"n0", "n1", "n2"}}, {"q1", {"b", "a", "c"}, {}}, {"q2", {"q0"}, {"n0"}}}),
          task("alike", true, false, {{"q0", {"d"}, {"e"}}, {"s", {"t"}, {}}})};
}

Texts texts(const std::vector<BatchText>& rows) {
  Texts found;
  for (const auto& r : rows) found.push_back(r.text);
  return found;
}

/// Passages of a role for each query, as InfoNCE sees them.
std::map<Index, InfoNceRole> roles(const ContrastiveBatch& b, Index query) {
  const auto m = static_cast<Index>(b.passages.size());
  const loss::detail::InfoNceRoles all(b.targets, static_cast<Index>(b.queries.size()), m, false);
  std::map<Index, InfoNceRole> found;
  all.passages_of(query, [&](Index place, InfoNceRole role) { found[place - query * m] = role; });
  return found;
}

}  // namespace

TEST_CASE("contrastive batch: texts, instructions, ids and rows") {
  const auto tasks = two_tasks();
  const std::vector<Draw> draws{{0, 0, 0}, {1, 0, 0}, {0, 2, 0}, {1, 1, 3}};
  const ContrastiveBatch b = contrastive_batch(tasks, draws, {.hard_negatives = 2});
  CHECK(b.draws == draws);
  CHECK(texts(b.queries) == Texts{"q0", "q0", "q2", "s"});
  REQUIRE(b.passages.size() == 8);
  CHECK(b.targets.positive == std::vector<Index>{0, 3, 5, 7});
  CHECK(b.targets.negatives == std::vector<std::vector<Index>>{{1, 2}, {4}, {6}, {}});
  CHECK(b.targets.in_batch == std::vector<bool>{true, false, true, false});
  CHECK(b.without_negatives == 1);
  CHECK(b.passages[3].text == "d");
  CHECK(b.passages[6].text == "n0");
  for (std::size_t i = 0; i < b.queries.size(); ++i) {
    CHECK(b.queries[i].id == 2 * i);
    CHECK(b.targets.query_text[i] == hash(b.queries[i].text));
    CHECK(b.queries[i].instruction == (i % 2 ? "Do alike" : "Do search"));
  }
  for (std::size_t j = 0; j < b.passages.size(); ++j) {
    CHECK(b.passages[j].id == 2 * j + 1);
    CHECK(b.targets.passage_text[j] == hash(b.passages[j].text));
    const bool symmetric = j == 3 || j == 4 || j == 7;
    CHECK(b.passages[j].instruction.has_value() == symmetric);
    if (symmetric) CHECK(*b.passages[j].instruction == "Do alike");
  }
  const Text query = b.queries[0], passage = b.passages[0];
  CHECK(query.text == "q0");
  CHECK(query.instruction == "Do search");
  CHECK(!passage.instruction);

  const ContrastiveBatch second = contrastive_batch(tasks, draws, {.hard_negatives = 2, .in_batch_negatives = false});
  CHECK(second.targets.in_batch == std::vector<bool>(4));
  CHECK(texts(second.passages) == texts(b.passages));
  const ContrastiveBatch none = contrastive_batch(tasks, draws, {.hard_negatives = 0, .in_batch_negatives = false});
  CHECK(none.without_negatives == 4);
  CHECK(none.passages.size() == 4);
  CHECK(contrastive_batch(tasks, {}).queries.empty());
}

TEST_CASE("contrastive batch: what answers a query is never its negative") {
  const auto tasks = two_tasks();
  // Epoch by epoch each positive is the one; the others are known where some query brought them into the batch.
  bool met = false;
  for (std::uint64_t epoch = 0; epoch < 12; ++epoch) {
    const ContrastiveBatch b = contrastive_batch(tasks, std::vector<Draw>{{0, 0, epoch}, {0, 1, epoch}, {0, 2, epoch}});
    REQUIRE(b.targets.known_positives.size() == 3);
    const auto positive = [&](std::size_t i) { return b.targets.positive[i]; };
    const std::string &first = b.passages[static_cast<std::size_t>(positive(0))].text,
                      &second = b.passages[static_cast<std::size_t>(positive(1))].text;
    using Rows = std::vector<Index>;
    CHECK(b.targets.known_positives[0] == (second != first && second != "c" ? Rows{positive(1)} : Rows{}));
    CHECK(b.targets.known_positives[1] == (first != second ? Rows{positive(0)} : Rows{}));
    CHECK(b.targets.known_positives[2].empty());
    met |= first == second;
    const auto of_first = roles(b, 0);
    // The second query's positive answers the first unless it is c; the third's is the first query itself.
    CHECK(of_first.at(positive(1)) == (second == "c" ? InfoNceRole::in_batch : InfoNceRole::right));
    CHECK(of_first.at(positive(2)) == InfoNceRole::right);
    CHECK(of_first.at(1) == InfoNceRole::hard);
    CHECK(roles(b, 1).at(positive(0)) == InfoNceRole::right);
    CHECK(roles(b, 1).at(positive(2)) == InfoNceRole::in_batch);
  }
  CHECK(met);  // equal positives of two queries, too
  // The same text asked in two tasks: the answer in one is no negative in the other.
  const ContrastiveBatch b = contrastive_batch(tasks, std::vector<Draw>{{0, 0, 0}, {1, 0, 0}});
  CHECK(roles(b, 0).at(b.targets.positive[1]) == InfoNceRole::right);
  // The same record twice.
  const ContrastiveBatch twice = contrastive_batch(tasks, std::vector<Draw>{{0, 0, 0}, {0, 0, 0}});
  CHECK(roles(twice, 0).at(twice.targets.positive[1]) == InfoNceRole::right);
}

TEST_CASE("contrastive batch: the same for any step asked first, and wrong draws") {
  const auto tasks = two_tasks();
  const Sampler sampler({3, 2}, {.batch = 6, .size_exponent = 0});
  const ContrastiveBatch a = contrastive_batch(tasks, sampler.batch(17)),
                         b = contrastive_batch(tasks, sampler.batch(17));
  CHECK(texts(a.queries) == texts(b.queries));
  CHECK(texts(a.passages) == texts(b.passages));
  CHECK(a.targets.known_positives == b.targets.known_positives);
  // The examples of a record do not depend on its place in the batch.
  const ContrastiveBatch one = contrastive_batch(tasks, std::vector<Draw>{{0, 0, 4}}, {.hard_negatives = 1}),
                         two = contrastive_batch(tasks, std::vector<Draw>{{1, 1, 0}, {0, 0, 4}}, {.hard_negatives = 1});
  CHECK(one.passages[0].text == two.passages[1].text);
  CHECK(one.passages[1].text == two.passages[2].text);
  CHECK(message_of<InputError>([&] {
          contrastive_batch(tasks, std::vector<Draw>{{2, 0, 0}});
        }) == "[contrastive_batch] no task 2 among 2");
  CHECK(message_of<InputError>([&] {
          contrastive_batch(tasks, std::vector<Draw>{{1, 2, 0}});
        }) == "[records] alike has no record 2, it has 2");
  CHECK_THROWS_AS(contrastive_batch(tasks, std::vector<Draw>{{0, 0, 0}}, {.hard_negatives = -1}), InputError);
}

TEST_CASE("contrastive batch: from a folder to what a step needs") {
  const Folder f("folder");
  f.write("tasks.json",
          R"([{"name": "search", "kind": "retrieval", "instruction": "Find it", "symmetric": false,
               "in_batch_negatives": true}])");
  f.write(
      "search.jsonl",
      "{\"query\": \"q\", \"positive\": [\"a\"]}\n{\"query\": \"r\", \"positive\": [\"b\"], \"negative\": [\"n\"]}\n");
  const std::string folder = f.path();
  Texts notices;
  // [data]
  OpenTasksOptions options;
  options.files.on_bad_record = OnBadRecord::skip;
  options.files.notice = [&](const std::string& message) { notices.push_back(message); };
  const auto tasks = open_tasks(folder, options);  // tasks.json and its files
  const Sampler sampler(record_numbers(tasks), {.batch = 2, .size_exponent = 0.5, .seed = 7});
  for (Index step = 0; step < 3; ++step) {
    const ContrastiveBatch batch = contrastive_batch(tasks, sampler.batch(step), {.hard_negatives = 7});
    const std::vector<Text> queries(batch.queries.begin(), batch.queries.end());  // borrowed from the batch
    const std::vector<Text> passages(batch.passages.begin(), batch.passages.end());
    // encode both, then loss(cx, q, p, batch.targets)
    // [data]
    CHECK(queries.size() == 2);
    CHECK(passages.size() == 3);
    CHECK(queries[0].instruction == "Find it");
    CHECK(batch.targets.positive.size() == 2);
    // [data]
  }
  // [data]
  CHECK(notices.empty());
}

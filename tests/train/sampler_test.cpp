#include <cmath>
#include <map>
#include <nvembed/train/sampler.hpp>
#include <set>
#include <thread>

#include "support.hpp"

using namespace train_test;

namespace {

std::vector<double> fractions(const Sampler& s, Index tasks, Index steps) {
  std::vector<double> found(static_cast<std::size_t>(tasks));
  for (Index step = 0; step < steps; ++step)
    for (const Draw& d : s.batch(step)) ++found[static_cast<std::size_t>(d.task)];
  for (double& f : found) f /= static_cast<double>(steps * s.options().batch);
  return found;
}

}  // namespace

TEST_CASE("sampler: a batch is a function of seed and step") {
  const std::vector<Index> records{40, 1000, 333, 1};
  for (const BatchMix mix : {BatchMix::mixed, BatchMix::homogeneous}) {
    const SamplerOptions options{.batch = 16, .size_exponent = 0.5, .mix = mix, .seed = 9};
    const Sampler a(records, options), b(records, options);
    std::vector<std::vector<Draw>> forward;
    for (Index step = 0; step < 300; ++step) forward.push_back(a.batch(step));
    for (Index step = 299; step >= 0; --step) CHECK(b.batch(step) == forward[static_cast<std::size_t>(step)]);
    std::vector<int> wrong(3);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t)
      threads.emplace_back([&, t] {
        for (Index step = 0; step < 300; ++step) wrong[t] += a.batch(step) != forward[static_cast<std::size_t>(step)];
      });
    for (auto& t : threads) t.join();
    CHECK(wrong == std::vector<int>(3));
    SamplerOptions other = options;
    other.seed = 10;
    CHECK(Sampler(records, other).batch(0) != forward[0]);
    CHECK(forward[0] != forward[1]);
  }
}

TEST_CASE("sampler: every record once before any comes again, in another order each time") {
  for (const BatchMix mix : {BatchMix::mixed, BatchMix::homogeneous}) {
    const std::vector<Index> records{1, 2, 3, 37, 64, 100};
    const Sampler s(records, {.batch = 8, .size_exponent = 0, .mix = mix});
    std::map<Index, std::vector<Draw>> by_task;
    for (Index step = 0; step < 400; ++step) {
      const auto batch = s.batch(step);
      REQUIRE(batch.size() == 8);
      for (const Draw& d : batch) by_task[d.task].push_back(d);
    }
    REQUIRE(by_task.size() == records.size());
    for (const auto& [task, draws] : by_task) {
      CAPTURE(task);
      const auto n = static_cast<std::size_t>(records[static_cast<std::size_t>(task)]);
      std::set<std::vector<Index>> orders;
      std::size_t epochs = 0;
      for (std::size_t begin = 0; begin + n <= draws.size(); begin += n, ++epochs) {
        std::vector<Index> order;
        for (std::size_t i = 0; i < n; ++i) {
          order.push_back(draws[begin + i].record);
          REQUIRE(draws[begin + i].epoch == epochs);
        }
        const std::set<Index> all(order.begin(), order.end());
        REQUIRE(all.size() == n);
        REQUIRE(*all.begin() == 0);
        REQUIRE(*all.rbegin() == static_cast<Index>(n) - 1);
        orders.insert(order);
      }
      CHECK(epochs >= 5);
      if (n > 3) CHECK(orders.size() == epochs);
      if (n == 3) CHECK(orders.size() == 6);
    }
  }
}

TEST_CASE("sampler: shares of the tasks") {
  const std::vector<Index> records{10, 1000, 4000, 90};
  const auto close = [](const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a[i] - b[i]) <= tolerance);
  };
  // Exact to one place of 32 draws a step, whenever one looks between cycles.
  const Sampler proportional(records, {.batch = 32});
  close(proportional.shares(), {10 / 5100.0, 1000 / 5100.0, 4000 / 5100.0, 90 / 5100.0}, 1e-12);
  for (const Index cycles : {1, 3, 10}) {
    const Index steps = cycles * proportional.cycle_steps();
    close(fractions(proportional, 4, steps), proportional.shares(), 1.0 / static_cast<double>(32 * steps));
  }
  const Sampler uniform(records, {.batch = 32, .size_exponent = 0});
  close(uniform.shares(), {0.25, 0.25, 0.25, 0.25}, 1e-12);
  close(fractions(uniform, 4, 64), {0.25, 0.25, 0.25, 0.25}, 1e-3);
  const Sampler root({100, 400}, {.batch = 32, .size_exponent = 0.5});
  close(root.shares(), {1 / 3.0, 2 / 3.0}, 1e-12);
  const Sampler weighted({100, 400, 7, 0}, {.batch = 32, .size_exponent = 0.5, .weights = {4, 1, 0, 0}});
  close(weighted.shares(), {2 / 3.0, 1 / 3.0, 0, 0}, 1e-12);
  for (Index step = 0; step < 2000; ++step)
    for (const Draw& d : weighted.batch(step)) REQUIRE(d.task < 2);
  // Shares whose sum is not 1 in double: nobody without a share gets a place.
  const Sampler sevenths({1, 1, 1, 1, 1, 1, 1, 5}, {.batch = 7, .weights = {1, 1, 1, 1, 1, 1, 1, 0}});
  close(fractions(sevenths, 8, 700), {1 / 7.0, 1 / 7.0, 1 / 7.0, 1 / 7.0, 1 / 7.0, 1 / 7.0, 1 / 7.0, 0}, 1e-3);
  CHECK(fractions(sevenths, 8, 7000)[7] == 0);
}

TEST_CASE("sampler: mixed batches are as blended as independent draws, homogeneous ones hold one task") {
  const std::vector<Index> records{5000, 5000, 10000};
  const Sampler mixed(records, {.batch = 128});
  double squares = 0;
  constexpr Index steps = 640;
  for (Index step = 0; step < steps; ++step) {
    Index own = 0;
    for (const Draw& d : mixed.batch(step)) own += d.task == 2;
    const double off = static_cast<double>(own) - 64;
    squares += off * off;
  }
  // The hypergeometric distribution's variance, 31; independent draws have 32. Standard error 6 %.
  CHECK(squares / steps == doctest::Approx(31).epsilon(0.2));

  const Sampler one(records, {.batch = 128, .mix = BatchMix::homogeneous});
  std::vector<double> batches(3);
  for (Index step = 0; step < 4 * one.cycle_steps(); ++step) {
    const auto batch = one.batch(step);
    for (const Draw& d : batch) REQUIRE(d.task == batch[0].task);
    ++batches[static_cast<std::size_t>(batch[0].task)];
  }
  CHECK(batches[2] == 2 * static_cast<double>(one.cycle_steps()));
}

TEST_CASE("sampler: a task of few records beside large ones") {
  const Sampler s({40, 300000, 57000}, {.batch = 128});
  double rare = 0;
  const Index steps = s.cycle_steps() * 3;
  for (Index step = 0; step < steps; ++step)
    for (const Draw& d : s.batch(step)) rare += d.task == 0;
  CHECK(std::abs(rare - s.shares()[0] * static_cast<double>(steps * 128)) <= 1);
  CHECK(rare > 0);
}

TEST_CASE("sampler: options that make no sense") {
  const auto message = [](std::vector<Index> records, SamplerOptions options) {
    return message_of<InputError>([&] { Sampler(records, options); });
  };
  CHECK(message({}, {}) == "[sampler] no tasks");
  CHECK(message({5}, {.batch = 0}) == "[sampler] a batch of 0 records");
  CHECK(message({5, 0}, {}) == "[sampler] task 1 has 0 records");
  CHECK(message({-1}, {.weights = {0}}) == "[sampler] task 0 has -1 records");
  CHECK(message({5, 6}, {.weights = {1}}) == "[sampler] 1 weights for 2 tasks");
  CHECK(message({5, 6}, {.weights = {1, -1}}).starts_with("[sampler] the weight of task 1 is -1"));
  CHECK(message({5, 6}, {.weights = {1, NAN}}).starts_with("[sampler] the weight of task 1 is "));
  CHECK(message({5, 6}, {.weights = {0, 0}}).starts_with("[sampler] the weights of the tasks sum up to 0"));
  CHECK(message({5}, {.size_exponent = INFINITY}).starts_with("[sampler] size_exponent is inf"));
  CHECK(message({1, 10000000}, {}).starts_with("[sampler] a task's share is one record in 10000001"));
  const Sampler s({5}, {});
  CHECK_THROWS_AS(s.batch(-1), InputError);
  CHECK_THROWS_AS(s.batch(std::numeric_limits<Index>::max()), InputError);
  CHECK(s.batch(Index{1} << 40).size() == 128);
}

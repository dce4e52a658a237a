#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <nvembed/loss/info_nce.hpp>
#include <nvembed/train/grad_cache.hpp>
#include <nvembed/train/memory_plan.hpp>
#include <string>
#include <support/backends.hpp>
#include <support/golden.hpp>
#include <vector>

using namespace nvembed;
using train::DryBackend;
using train::MemoryPlan;
using train::Recipe;
using train::RecipeStage;

namespace {

/// The Eigen back end, whose buffers are counted as the dry one counts them.
struct Counting : eigen::Backend {
  struct Lane : HostLane {
    explicit Lane(HostLane lane) : HostLane(std::move(lane)) {}
    std::shared_ptr<std::byte> allocate(std::size_t bytes) {
      const Index size = DryBackend::resident(bytes);
      counted->used += size;
      counted->peak = std::max(counted->peak, counted->used);
      auto own = HostLane::allocate(bytes);
      std::byte* p = own.get();
      return {p, [own = std::move(own), size, all = counted](std::byte*) { all->used -= size; }};
    }
    std::shared_ptr<DryBackend::Bytes> counted = std::make_shared<DryBackend::Bytes>();
  };
  using eigen::Backend::Backend;
  Lane make_lane() const { return Lane(eigen::Backend::make_lane()); }
};

Recipe recipe(double dropout = 0.1) {
  Recipe r;
  r.model = golden::path("nvembed_tiny");
  r.lora = nn::LoraOptions{.rank = 4, .alpha = 8};
  r.lora->dropout = dropout;
  r.chunk_tokens = 240;
  r.stages.resize(1);
  r.stages[0].batch = 6, r.stages[0].hard_negatives = 1;
  r.stages[0].query_max_length = 20, r.stages[0].passage_max_length = 30;
  return r;
}

/// What a real pass of the largest chunk allocates, its gradients left out.
Index real_pass(const Recipe& r) {
  const Counting be(2);
  const auto tuned = train::make_tuned_model(be, r);
  const auto texts = train::detail::largest_chunk(r.stages[0], r.chunk_tokens);
  const Packed batch(texts);
  const std::vector<std::uint64_t> ids(texts.size());
  auto lane = be.make_lane();
  const bool draws = r.lora && r.lora->dropout > 0;
  Gradients<Counting, float> gradients;
  for (int pass = 0; pass < 2; ++pass) {  // there are several chunks
    Tape<Counting> tape(be, lane, tuned.trainable,
                        draws ? Randomness{CounterRng(), row_keys(batch, ids)} : Randomness{});
    tape.recompute_blocks(r.recompute);
    const auto y = (*tuned.model)(tape, batch);
    std::move(tape).backward(y, Tensor<Counting, float>(lane, y.value.shape()), gradients);
  }
  Index own = 0;
  for (const auto& [name, gradient] : gradients) own += 4 * gradient.size();
  return lane.counted->peak - own;
}

/// What a whole step of the greatest texts allocates, its gradients left out.
Index real_step(const Recipe& r) {
  const Counting be(2);
  const auto tuned = train::make_tuned_model(be, r);
  const RecipeStage& stage = r.stages[0];
  std::vector<TokenizedText> texts;
  std::vector<std::uint64_t> ids;
  loss::ContrastiveTargets targets;
  const Index passages = 1 + stage.hard_negatives;
  for (Index i = 0; i < stage.batch * (1 + passages); ++i) {
    const Index length = i < stage.batch ? stage.query_max_length : stage.passage_max_length;
    texts.push_back({std::vector<TokenId>(static_cast<std::size_t>(length)), 0, 0});
    ids.push_back(static_cast<std::uint64_t>(i));
  }
  for (Index i = 0; i < stage.batch; ++i) targets.positive.push_back(i * passages), targets.in_batch.push_back(true);
  auto lane = be.make_lane();
  train::GradCacheOptions options{r.chunk_tokens, r.recompute};
  if (r.lora && r.lora->dropout > 0) options.rng = CounterRng(1);
  const auto result = train::grad_cache(
      be, lane, *tuned.model, tuned.trainable, texts, ids, stage.batch,
      [&](auto& cx, const auto& a, const auto& b) { return loss::InfoNce{}(cx, a, b, targets); }, options);
  CHECK(result.chunks > 1);
  Index own = 0;
  for (const auto& [name, gradient] : result.gradients) own += 4 * gradient.size();
  return lane.counted->peak - own;
}

MemoryPlan plan(const Recipe& r) { return train::plan_training(Counting(1), r); }

}  // namespace

TEST_CASE("memory plan: the dry pass allocates what a real one does") {
  for (const bool recompute : {false, true})
    for (const double dropout : {0.0, 0.1})
      for (const char* full : {"", "layers.2.*", "*norm*", "embed_tokens.*"}) {
        Recipe r = recipe(dropout);
        r.recompute = recompute;
        if (*full) r.full = {full};
        if (std::string(full).find("layers") == 0) r.lora.reset();
        CAPTURE(full);
        CAPTURE(recompute);
        CAPTURE(dropout);
        const Index dim = 64, loss = train::detail::loss_memory(r.stages[0], dim);
        CHECK(plan(r).activations - loss == real_pass(r));
      }
  Recipe r = recipe();
  r.head = train::RecipeHead{16, 2, 8, 2, pool::LatentStart::mean};
  CHECK(plan(r).activations - train::detail::loss_memory(r.stages[0], 64) == real_pass(r));
}

TEST_CASE("memory plan: a step of several chunks keeps within it, and near it") {
  for (const char* full : {"", "layers.2.*", "*"}) {
    CAPTURE(full);
    Recipe r = recipe();
    if (*full) r.full = {full};
    if (std::string(full) == "*") r.lora.reset();
    const Index planned = plan(r).activations, taken = real_step(r);
    CHECK(taken <= planned);
    CHECK(taken >= planned * 8 / 10);
  }
  Recipe r = recipe();  // passages that leave room in a chunk, which queries take
  r.stages[0].passage_max_length = 130;
  CHECK(real_step(r) <= plan(r).activations);
}

TEST_CASE("memory plan: numbers beyond any memory are planned all the same") {
  Recipe r = recipe();
  r.chunk_tokens = 1000000000000;
  r.stages[0].batch = 1 << 20, r.stages[0].hard_negatives = 1 << 16;
  CHECK(plan(r).total() > (Index{1} << 35));
}

TEST_CASE("memory plan: what a recipe changes is seen") {
  const Recipe r = recipe();
  const MemoryPlan whole = plan(r);
  CHECK(whole.total() == whole.frozen + whole.trained + whole.activations + whole.program);
  CHECK(whole.trained == 16 * whole.trained_numbers);

  Recipe other = r;
  other.chunk_tokens = 120;
  CHECK(plan(other).activations < 2 * whole.activations / 3);
  other.chunk_tokens = 1 << 30;  // no more than the batch has
  const Index all = plan(other).activations;
  other.chunk_tokens = 6 * (20 + 2 * 30);
  CHECK(plan(other).activations == all);
  other = r;
  other.recompute = true;
  CHECK(plan(other).activations < whole.activations);
  other = r;
  other.moments = optim::Moments::bf16;
  CHECK(plan(other).trained == 12 * whole.trained_numbers);
  other = r;
  other.precision = "f16";
  CHECK(2 * plan(other).frozen == whole.frozen);
  other = r;
  other.stages.push_back(other.stages[0]);
  other.stages[1].passage_max_length = 500;  // longer than a chunk: one of its own
  CHECK(plan(other).activations > whole.activations);
}

#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <nvembed/autograd/eval.hpp>
#include <nvembed/autograd/tape.hpp>
#include <nvembed/batch/packed.hpp>
#include <nvembed/batch/packer.hpp>
#include <nvembed/batch/row_keys.hpp>
#include <nvembed/core/accumulate.hpp>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace nvembed::train {

struct GradCacheOptions {
  /// Most tokens of a chunk; a longer text makes a chunk of its own. Decides the memory: results depend on it by
  /// rounding alone.
  Index chunk_tokens = 4096;
  /// Makes the inner values of a chunk's layers anew in backward instead of keeping them.
  bool recompute = false;
  /// What dropout draws from, keyed by seed and step; nothing: no dropout.
  std::optional<CounterRng> rng{};
  /// Called after each chunk of either pass with its number of tokens; what it throws ends the step.
  std::function<void(Index)> progress{};
};

/// What a step over a batch gives.
template <class B, class G>
struct GradCacheResult {
  double loss = 0;
  Gradients<B, G> gradients;
  Index tokens = 0;  ///< of all texts
  Index chunks = 0;
};

/// Loss and gradients over a batch of any size in the memory of one chunk (GradCache, Gao et al., arXiv 2101.06983):
/// vectors of all texts are made chunk by chunk, the loss gives their gradients, and each chunk is run again on a tape
/// and goes backward from those of its own. The second pass of the last chunk is spared: a batch that fits in one chunk
/// costs what a plain step costs. Dropout draws by text and position, so both passes draw the same.
///
/// `texts` are the rows of side a, `left` of them, then those of side b; `text_ids`, one each, tell their draws apart.
/// `loss(cx, a (left, dim), b (texts - left, dim))` -> (1, 1) sees the vectors as `model(cx, batch)` makes them.
/// Gradients are by the parameters that `trainable` names; they and all buffers are `lane`'s, which serves step after
/// step. Throws InputError where a side has no text or ids do not
/// fit.
template <class B, class M, class Loss>
auto grad_cache(const B& be, typename B::Lane& lane, const M& model, const Trainable& trainable,
                std::span<const TokenizedText> texts, std::span<const std::uint64_t> text_ids, Index left, Loss&& loss,
                const GradCacheOptions& options = {}) {
  using G = accumulate_t<typename M::scalar>;
  const Index count = static_cast<Index>(texts.size()), dim = model.dim();
  require<InputError>(left > 0 && left < count, "grad_cache", left, " of ", count, " texts are on the left side");
  require<InputError>(text_ids.size() == texts.size(), "grad_cache", text_ids.size(), " ids of ", count, " texts");
  GradCacheResult<B, G> result;
  std::vector<Index> lengths;
  for (const TokenizedText& t : texts) lengths.push_back(static_cast<Index>(t.ids.size()));
  const auto chunks = cut_batches(lengths, options.chunk_tokens);
  result.chunks = static_cast<Index>(chunks.size());

  const auto pack = [&](const std::vector<Index>& chunk) {
    std::vector<TokenizedText> own;
    for (const Index i : chunk) own.push_back(texts[static_cast<std::size_t>(i)]);
    return Packed(own, chunk);
  };
  const auto draws = [&](const Packed& batch) {
    return options.rng ? Randomness{*options.rng, row_keys(batch, text_ids)} : Randomness{};
  };
  const auto report = [&](const Packed& batch) {
    if (options.progress) options.progress(batch.tokens());
  };
  using OnTape = Tape<B, G>;
  const auto on_tape = [&](const Packed& batch) {
    auto tape = std::make_unique<OnTape>(be, lane, trainable, draws(batch));
    tape->recompute_blocks(options.recompute);
    return tape;
  };

  // First pass: vectors of all texts, the last chunk's on the tape that it will go backward on.
  std::vector<G> vectors(static_cast<std::size_t>(count * dim));
  const auto keep = [&](const std::vector<Index>& chunk, const std::vector<G>& rows) {
    for (std::size_t r = 0; r < chunk.size(); ++r)
      std::copy_n(rows.begin() + static_cast<Index>(r) * dim, dim, vectors.begin() + chunk[r] * dim);
  };
  for (std::size_t c = 0; c + 1 < chunks.size(); ++c) {
    const Packed batch = pack(chunks[c]);
    Eval<B> cx(be, lane, draws(batch));
    keep(chunks[c], model(cx, batch).to_host(lane));
    result.tokens += batch.tokens();
    report(batch);
  }
  Packed batch = pack(chunks.back());
  std::unique_ptr<OnTape> tape = on_tape(batch);
  auto y = model(*tape, batch);
  keep(chunks.back(), y.value.to_host(lane));
  result.tokens += batch.tokens();
  report(batch);

  // The loss, and the gradients of all vectors.
  std::vector<G> seeds(vectors.size());
  {
    const Trainable none;
    OnTape on(be, lane, none);
    const std::span<const G> all(vectors);
    const auto da = std::make_shared<Tensor<B, G>>(), db = std::make_shared<Tensor<B, G>>();
    const auto a =
        on.input(Tensor<B, G>::from_host(lane, {left, dim}, all.first(static_cast<std::size_t>(left * dim))), da);
    const auto b = on.input(
        Tensor<B, G>::from_host(lane, {count - left, dim}, all.subspan(static_cast<std::size_t>(left * dim))), db);
    const auto value = loss(on, a, b);
    result.loss = static_cast<double>(value.value.to_host(lane).front());
    const G one(1);
    std::move(on).backward(value, Tensor<B, G>::from_host(lane, {1, 1}, std::span<const G>(&one, 1)));
    const auto take = [&](const Tensor<B, G>& d, Index first) {
      if (!d) return;  // the loss does not depend on this side
      const std::vector<G> host = d.to_host(lane);
      std::copy(host.begin(), host.end(), seeds.begin() + first * dim);
    };
    take(*da, 0);
    take(*db, left);
  }

  // Second pass: each chunk backward from the gradients of its vectors.
  for (std::size_t c = chunks.size(); c-- > 0;) {
    if (!tape) {
      batch = pack(chunks[c]);
      tape = on_tape(batch);
      y = model(*tape, batch);
    }
    std::vector<G> seed;
    for (const Index i : chunks[c]) seed.insert(seed.end(), seeds.begin() + i * dim, seeds.begin() + (i + 1) * dim);
    auto d = Tensor<B, G>::from_host(lane, {static_cast<Index>(chunks[c].size()), dim}, seed);
    std::move(*tape).backward(y, std::move(d), result.gradients);
    y = {};
    tape.reset();
    report(batch);
  }
  return result;
}

}  // namespace nvembed::train

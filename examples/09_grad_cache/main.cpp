// A batch that does not fit, in the memory of a small chunk. Usage: 09_grad_cache MODEL
#include <cmath>
#include <cstdio>
#include <nvembed/nvembed.hpp>
#include <nvembed/training.hpp>
using namespace nvembed;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  using B = onednn::Backend;
  const B be;
  const ModelFiles files = open_model(argv[1]);
  using Model = Embedder<Decoder<B, mask::Bidirectional>, pool::Mean>;
  Model model{Decoder<B, mask::Bidirectional>(files.decoder), {}};
  load_weights(be, model.body, files.weights, Precision::f32, Use::both);
  nn::attach_lora(be, model.body, {.rank = 4, .dropout = 0.1});
  Trainable trainable;
  for_each_leaf(model, [&](const std::string& key, auto& leaf) {
    const std::string name = leaf_name(key, leaf);
    if constexpr (requires { leaf.value.flat(); })
      if (name.find(".lora_") != name.npos) trainable.add(name, leaf);
  });

  // [batch]
  const train::RecordFile records(NVEMBED_EXAMPLE_DATA "/pairs/pairs.jsonl");
  const InputBuilder inputs(files.tokenizer, files.settings);
  constexpr Index queries = 16;
  std::vector<TokenizedText> texts;  // queries, then passages
  std::vector<std::uint64_t> ids;    // what dropout knows them by
  loss::ContrastiveTargets targets;
  for (Index i = 0; i < queries; ++i) {
    texts.push_back(inputs.build(records.at(i).query, {}).text);
    targets.positive.push_back(i);
    targets.in_batch.push_back(true);
  }
  for (Index i = 0; i < queries; ++i) texts.push_back(inputs.build(records.at(i).positives[0], {}).text);
  for (std::size_t i = 0; i < texts.size(); ++i) ids.push_back(i);
  const auto loss = [&](auto& cx, const auto& a, const auto& b) { return loss::InfoNce{}(cx, a, b, targets); };
  // [batch]

  // [step]
  auto lane = be.make_lane();
  const auto step = [&](Index chunk_tokens) {
    return train::grad_cache(be, lane, model, trainable, texts, ids, queries, loss,
                             {.chunk_tokens = chunk_tokens, .rng = CounterRng(3)});
  };
  const auto whole = step(100000), cut = step(100);
  // [step]
  double off = 0, size = 0;
  for (const auto& [name, gradient] : whole.gradients) {
    const auto a = gradient.to_host(lane), b = cut.gradients.at(name).to_host(lane);
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double x = static_cast<double>(a[i]), d = x - static_cast<double>(b[i]);
      off += d * d, size += x * x;
    }
  }
  std::printf("one chunk and several give the same gradients%s\n",
              whole.chunks == 1 && cut.chunks > 4 && std::sqrt(off / size) < 1e-5 ? "" : "?");
}

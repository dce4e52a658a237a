// Fine-tuning with LoRA on 200 pairs of words and their definitions. Usage: 07_finetune MODEL
#include <cstdio>
#include <nvembed/nvembed.hpp>
#include <nvembed/training.hpp>
using namespace nvembed;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  using B = onednn::Backend;
  const B be;
  const ModelFiles files = open_model(argv[1]);
  // [model]
  using Model = Embedder<Decoder<B, mask::Bidirectional>, pool::Mean>;
  Model model{Decoder<B, mask::Bidirectional>(files.decoder), {}};
  load_weights(be, model.body, files.weights, Precision::f32, Use::both);  // frozen; multiplied from both sides
  nn::attach_lora(be, model.body, {.rank = 8, .alpha = 16});
  Trainable trainable;  // LoRA's matrices by their names
  for_each_leaf(model, [&](const std::string& key, auto& leaf) {
    const std::string name = leaf_name(key, leaf);
    if constexpr (requires { leaf.value.flat(); })
      if (name.find(".lora_") != name.npos) trainable.add(name, leaf);
  });
  // [model]

  // The pairs, tokenised: 200 queries, then 200 passages.
  const train::RecordFile records(NVEMBED_EXAMPLE_DATA "/pairs/pairs.jsonl");
  const InputBuilder inputs(files.tokenizer, files.settings);
  std::vector<TokenizedText> texts;
  for (Index i = 0; i < records.size(); ++i) texts.push_back(inputs.build(records.at(i).query, {}).text);
  for (Index i = 0; i < records.size(); ++i) texts.push_back(inputs.build(records.at(i).positives[0], {}).text);

  /// How many of 200 words find their definition among all 200.
  const auto found = [&] {
    Eval<B> cx(be);
    const Index n = records.size();
    const auto v = model(cx, Packed(texts));
    Tensor<B, float> scores(cx.lane(), {n, n});
    be.matmul(cx.lane(), v.mat().block(0, n), false, v.mat().block(n, n), true, 1.0f, scores.mat());
    Index right = 0;
    for (Index i = 0; i < n; ++i)
      right += std::max_element(scores.mat().row(i), scores.mat().row(i) + n) == scores.mat().row(i) + i;
    return right;
  };

  const Index before = found();
  // [train]
  constexpr Index batch = 40, steps = 10;
  optim::AdamW<B> optimizer(be, model, trainable, {});
  std::vector<double> losses;
  auto lane = be.make_lane();
  for (Index step = 0; step < steps; ++step) {
    std::vector<TokenizedText> own;
    std::vector<std::uint64_t> ids;
    loss::ContrastiveTargets targets;
    for (const Index side : {Index{0}, records.size()})
      for (Index i = 0; i < batch; ++i) {
        own.push_back(texts[static_cast<std::size_t>(side + (step * batch + i) % records.size())]);
        ids.push_back(ids.size());
      }
    for (Index i = 0; i < batch; ++i) targets.positive.push_back(i), targets.in_batch.push_back(true);
    const auto result = train::grad_cache(
        be, lane, model, trainable, own, ids, batch,
        [&](auto& cx, const auto& a, const auto& b) { return loss::InfoNce{.temperature = 0.05}(cx, a, b, targets); },
        {.rng = CounterRng(7).at(static_cast<std::uint64_t>(step))});  // what dropout draws from
    optimizer.step(result.gradients, 1e-3);
    losses.push_back(result.loss);
    std::fprintf(stderr, "step %2d  loss %.3f\n", static_cast<int>(step + 1), result.loss);
  }
  // [train]
  const Index after = found();
  std::fprintf(stderr, "%d of 200 words find their definition, before %d\n", static_cast<int>(after),
               static_cast<int>(before));

  save_adapter(be, model.body, {.rank = 8, .alpha = 16}, std::filesystem::temp_directory_path() / "nvembed_adapter");
  const bool falls = losses.back()<0.7 * losses.front(), rises = after> before + 10;
  std::printf("the loss %s, recall %s\n", falls ? "falls" : "does not fall", rises ? "rises" : "does not rise");
}

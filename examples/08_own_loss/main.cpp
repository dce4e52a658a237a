// A loss of one's own. Usage: 08_own_loss MODEL
#include <cstdio>
#include <nvembed/nvembed.hpp>
#include <nvembed/training.hpp>
using namespace nvembed;

// [loss]
/// The mean of (1 - cosine)^2 over pairs that belong together, and nothing else.
struct PullTogether {
  struct Targets {};

  /// a (n, d), b (n, d) -> (1, 1)
  template <Context C, class Var>
  auto operator()(C& cx, const Var& a, const Var& b, const Targets&) const {
    return cx.apply(loss::HostOp<Squares>{}, a, b);
  }

  /// What no op is there for runs on the host, in double.
  struct Squares {
    static constexpr std::string_view name = "pull_together";
    static constexpr std::size_t inputs = 2;

    template <class W>
    W operator()(const loss::HostMatrix<W>* const (&x)[2], loss::HostMatrix<W>* const (&dx)[2], bool) const {
      W sum(0);
      const double n = static_cast<double>(x[0]->rows);
      for (Index i = 0; i < x[0]->rows; ++i) {
        W off(1);
        for (Index c = 0; c < x[0]->cols; ++c) off -= (*x[0])(i, c) * (*x[1])(i, c);
        sum += off * off / n;
        for (const int side : {0, 1})
          for (Index c = 0; dx[side] && c < x[0]->cols; ++c) (*dx[side])(i, c) -= 2.0 * off / n * (*x[1 - side])(i, c);
      }
      return sum;
    }
  };
};
static_assert(Loss<PullTogether, Eval<onednn::Backend>>);
// [loss]

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  using B = onednn::Backend;
  const B be;
  const ModelFiles files = open_model(argv[1]);
  using Model = Embedder<Decoder<B, mask::Bidirectional>, pool::Mean>;
  Model model{Decoder<B, mask::Bidirectional>(files.decoder), {}};
  load_weights(be, model.body, files.weights, Precision::f32, Use::both);
  nn::attach_lora(be, model.body, {.rank = 4, .dropout = 0, .layers = {29}});  // the last layer alone
  Trainable trainable;
  for_each_leaf(model.body.layers[29], [&](const std::string& key, auto& leaf) {
    if constexpr (requires { leaf.value.flat(); })
      if (leaf_name(key, leaf).find("lora_") != std::string::npos) trainable.add(leaf_name(key, leaf), leaf);
  });
  const InputBuilder inputs(files.tokenizer, files.settings);
  std::vector<TokenizedText> texts;
  for (const char* text : {"the sea is deep", "a compiler error", "das Meer ist tief", "ein Fehler des Compilers"})
    texts.push_back(inputs.build(text, {}).text);
  const std::vector<std::uint64_t> ids{0, 1, 2, 3};

  optim::AdamW<B> optimizer(be, model, trainable, {});
  // [use]
  const PullTogether pull;
  const auto value = [&](auto& cx, const auto& a, const auto& b) { return pull(cx, a, b, {}); };
  auto lane = be.make_lane();
  double first = 0, last = 0;
  for (Index step = 0; step < 5; ++step) {
    const auto result = train::grad_cache(be, lane, model, trainable, texts, ids, 2, value);
    optimizer.step(result.gradients, 1e-3);
    (step ? last : first) = result.loss;
  }
  // [use]
  std::printf("translations come %s\n", last < 0.9 * first ? "closer" : "no closer");
}

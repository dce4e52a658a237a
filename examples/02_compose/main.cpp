// A pipeline from parts, then the same with one part replaced. Usage: 02_compose MODEL
#include <cstdio>
#include <nvembed/nvembed.hpp>
using namespace nvembed;

using B = onednn::Backend;  // eigen::Backend works the same

// [parts]
using Ours = Embedder<Decoder<B, mask::Bidirectional>, pool::Mean>;
using Theirs = Embedder<Decoder<B, mask::Causal>, pool::LastToken>;  // two words replaced
// [parts]

template <class Model>
void run(const char* name, const B& be, const ModelFiles& files) {
  // [compose]
  Model model{decltype(Model::body)(files.decoder), {}};  // declares every parameter ...
  load_weights(be, model.body, files.weights);            // ... and fills them from the file

  const InputBuilder inputs(files.tokenizer, files.settings);
  std::vector<TokenizedText> texts;
  for (const char* text : {"The cat sleeps on the sofa.", "A kitten naps on a couch.", "Interest rates rose again."})
    texts.push_back(inputs.build(text, {}).text);

  Eval<B> cx(be);                                             // where layers run: owns a lane of the back end
  const Tensor<B, float> vectors = model(cx, Packed(texts));  // (3, dim), unit rows
  // [compose]
  const auto scores = cx.apply(ops::Matmul{.transpose_b = true}, vectors, vectors).to_host(cx.lane());
  std::printf("%s: cat and kitten %.2f, cat and rates %.2f\n", name, scores[1], scores[2]);
}

int main(int, char** argv) {
  const B be;
  const ModelFiles files = open_model(argv[1]);
  run<Ours>("bidirectional, mean", be, files);
  run<Theirs>("causal, last token", be, files);
}

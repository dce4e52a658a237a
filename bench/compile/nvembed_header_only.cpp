// NV-Embed from its parts, all of the library header-only: the most that a translation unit of a user's costs.
#include <cstdio>
#include <nvembed/nvembed.hpp>

using namespace nvembed;
using B = onednn::Backend;

int main(int, char** argv) {
  const B be;
  const ModelFiles files = open_model(argv[1]);
  Embedder<Decoder<B, mask::Bidirectional>, pool::LatentAttention<B>> model{
      Decoder<B, mask::Bidirectional>(files.decoder), pool::LatentAttention<B>(*files.latent)};
  load_weights(be, model.body, files.weights);
  load_weights(be, model.pool, files.weights);
  const auto folded = pool::fold(be, model.pool);
  const TokenizedText text = InputBuilder(files.tokenizer, files.settings).build("a text", {}).text;
  const Packed batch(std::span(&text, 1));
  Eval<B> cx(be);
  const auto trained = model(cx, batch).to_host(cx.lane());
  const auto pooled = folded(cx, model.body(cx, batch), batch).to_host(cx.lane());
  std::printf("%f %f\n", trained[0], pooled[0]);
}

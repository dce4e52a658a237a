#include <doctest/doctest.h>

#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/model/flop_count.hpp>
#include <nvembed/pool/folded_latent_attention.hpp>
#include <support/backends.hpp>

using namespace nvembed;

namespace {

DecoderConfig small() {
  DecoderConfig c;
  c.vocab_size = 50, c.hidden_size = 24, c.intermediate_size = 40, c.num_layers = 3;
  c.num_heads = 6, c.num_kv_heads = 2, c.head_dim = 8;
  return c;
}

}  // namespace

TEST_CASE("flop_count: two for each weight and token, four for each query, reachable key and column") {
  const DecoderConfig c = small();
  double weights = 0;
  const Decoder<eigen::Backend, mask::Any> declared(c);
  for_each_leaf(declared, [&](const std::string&, const auto& leaf) {
    if constexpr (requires { leaf.value.bytes(); })  // a packed matrix
      weights += static_cast<double>(leaf.declared.rows() * leaf.declared.cols);
  });
  weights -= static_cast<double>(c.vocab_size * c.hidden_size);  // the table is looked up, not multiplied
  const Segment text{0, 10, 4, 4, 0};
  const double width = 3 * 6 * 8;  // layers, heads, columns
  CHECK(flop_count(c, mask::Bidirectional{}, text) == 2 * weights * 10 + 4 * width * 10 * 10);
  CHECK(flop_count(c, mask::Causal{}, text) == 2 * weights * 10 + 4 * width * 55);
  CHECK(flop_count(c, mask::Window{1, 0}, text) == 2 * weights * 10 + 4 * width * 19);
  const double after = static_cast<double>(c.hidden_size * (c.num_heads * c.head_dim + 3 * c.intermediate_size));
  CHECK(flop_count(c, mask::Bidirectional{}, text, {9, 10}) ==
        flop_count(c, mask::Bidirectional{}, text) - 2 * after * 9);
}

TEST_CASE("folded_flop_count: what NV-Embed's head takes, for pooled tokens alone") {
  const LatentAttentionConfig head;
  // 8 heads of 512 latents against 4096 columns, twice; GEGLU's input 4096 x 32768; its output once.
  const double token = 2.0 * (2 * 4096 * 4096.0 + 4096 * 32768.0), once = 2.0 * 16384 * 4096;
  CHECK(folded_flop_count(head, {0, 10, 0, 0, 0}) == 10 * token + once);
  CHECK(folded_flop_count(head, {0, 10, 4, 4, 0}) == 6 * token + once);
}

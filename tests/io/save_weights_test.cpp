#include <doctest/doctest.h>

#include <nvembed/eigen/backend.hpp>
#include <nvembed/io/save_weights.hpp>
#include <support/adapter.hpp>
#include <support/compare.hpp>
#include <support/scratch.hpp>

using namespace nvembed;
using B = eigen::Backend;

TEST_CASE("parameters are saved under checkpoint keys and take their place in a base") {
  const B be(2);
  adapters::Base base("llama_linear_rope");  // biases everywhere
  adapters::Body<B> body(base.config, base.mask);
  nn::for_each_linear(body, [](const std::string& key, auto& linear) {
    if (key.starts_with("layers.1.")) linear.unfreeze();
  });
  load_weights(be, body, base.weights);
  auto lane = be.make_lane();
  std::uint64_t seed = 0;
  for_each_leaf(body, [&](const std::string& key, auto& leaf) {
    if constexpr (requires { leaf.value.flat(); })
      if (key.starts_with("layers.1.") || key == "norm")
        leaf.value = parity::random_tensor<B, float>(lane, leaf.value.shape(), ++seed);
  });
  const auto wanted = [](const std::string& name, const auto&) {
    return name.starts_with("layers.1.") || name.starts_with("norm.");
  };
  const Scratch s;
  const std::string path = s.path("weights.safetensors");
  CHECK(save_weights(be, body, path, [](const std::string&, const auto&) { return false; }) == 0);
  CHECK(s.names().empty());
  CHECK(save_weights(be, body, path, wanted) == 17);  // 7 matrices, 7 biases, 3 norms
  const Safetensors file(path);
  CHECK(file.shape("norm.weight") == std::vector<Index>{72});
  CHECK(file.shape("layers.1.self_attn.k_proj.weight") == std::vector<Index>{36, 72});
  CHECK(file.shape("layers.1.self_attn.k_proj.bias") == std::vector<Index>{36});
  CHECK(file.shape("layers.1.mlp.up_proj.bias") == std::vector<Index>{100});

  const std::string digest = base.weights.digest();
  const std::size_t keys = base.weights.keys().size();
  const Index bytes = base.weights.total_bytes();
  base.weights.replace(path);
  CHECK(base.weights.digest() != digest);
  CHECK(base.weights.keys().size() == keys);
  CHECK(base.weights.total_bytes() > bytes);  // f16 became f32
  CHECK(base.weights.paths().back() == path);
  adapters::Body<B> again(base.config, base.mask);
  load_weights(be, again, base.weights);
  const Json sequences = {{5, 6, 7, 8, 9, 10, 11}};
  CHECK(max_abs_difference(adapters::states(be, again, sequences)[0], adapters::states(be, body, sequences)[0]) < 1e-5);

  SafetensorsWriter out(s.path("stray.safetensors"));
  out.declare("lm_head.weight", "F32", {0, 4});
  out.finish();
  CHECK_THROWS_WITH_AS(base.weights.replace(s.path("stray.safetensors")), doctest::Contains("lm_head.weight"),
                       FileError);
}

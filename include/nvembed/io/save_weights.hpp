#pragma once

#include <cstdint>
#include <nvembed/io/key_map.hpp>
#include <nvembed/io/safetensors_writer.hpp>
#include <nvembed/nn/module.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace nvembed {

/// Writes parameters of a module in f32 into a safetensors file that `Weights::replace` reads: those for which
/// `wanted(dotted name, parameter)`, the parts of a stack as tensors of their own, rows in Hugging Face's order, under
/// our keys (a head's behind `latent_attention_model.`). The file appears whole or not at all. Frozen weights cannot be
/// saved: they are another file's. Returns the number of tensors; where it is 0 no file is written.
template <class B, class M, class Wanted>
Index save_weights(const B& be, const M& module, const std::string& path, Wanted&& wanted) {
  const KeyMap keys = KeyMap::hugging_face("");
  const auto each = [&](auto&& f) {
    for_each_leaf(module, [&](const std::string& key, const auto& leaf) {
      if constexpr (requires { leaf.value.flat(); })
        if (leaf.value && wanted(leaf_name(key, leaf), leaf)) f(key, leaf);
    });
  };
  Index count = 0;
  each([&](const std::string&, const auto& leaf) { count += static_cast<Index>(leaf.declared.parts.size()); });
  if (count == 0) return 0;
  SafetensorsWriter out(path, {{"format", "pt"}});
  each([&](const std::string& key, const auto& leaf) {
    const Index cols = leaf.declared.cols;
    for (const Part& p : leaf.declared.parts)  // biases are declared as columns, norms as one row; files have vectors
      out.declare(keys.foreign(join_key(key, p.key)), DType::f32,
                  cols == 1                   ? std::vector<Index>{p.rows}
                  : leaf.declared.rows() == 1 ? std::vector<Index>{cols}
                                              : std::vector<Index>{p.rows, cols});
  });
  auto lane = be.make_lane();
  each([&](const std::string& key, const auto& leaf) {
    const auto host = leaf.value.to_host(lane);
    const std::vector<float> values(host.begin(), host.end());
    std::size_t begin = 0;
    for (const Part& p : leaf.declared.parts) {
      const auto size = static_cast<std::size_t>(p.rows * leaf.declared.cols);
      out.write(keys.foreign(join_key(key, p.key)), std::as_bytes(std::span(values).subspan(begin, size)));
      begin += size;
    }
  });
  out.finish();
  return count;
}

}  // namespace nvembed

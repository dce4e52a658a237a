#pragma once

#include <filesystem>
#include <nvembed/core/config.hpp>
#include <nvembed/io/adapter.hpp>
#include <nvembed/nn/attach_lora.hpp>
#include <string>
#include <utility>
#include <vector>

namespace nvembed {

/// One update on the host, to be written.
struct HostUpdate {
  std::string matrix;  ///< its dotted name
  Index rank = 0, in = 0, out = 0;
  double scale = 1;
  std::vector<float> a, b;  ///< (rank, in), (out, rank)
};

/// Writes adapter_model.safetensors (f32), then adapter_config.json, both whole or not at all. `options` give what the
/// updates do not tell: rank and alpha that most of them have, dropout, rsLoRA; a matrix of another rank or scale goes
/// into rank_pattern and alpha_pattern. `matrices` are all that the model has. Throws FileError for a folder that
/// cannot be written, InputError for numbers that are not finite; then what was there stays.
NVEMBED_INLINE void write_adapter(const std::filesystem::path& folder, std::vector<HostUpdate> updates,
                                  const nn::LoraOptions& options, const std::vector<std::string>& matrices,
                                  const std::string& base);

/// Saves what is attached to `model` as PEFT would, for PeftModel.from_pretrained over a model without a language-model
/// head: keys begin with `base_model.model.layers.`, rows stand in Hugging Face's order whatever file the base came
/// from. `base` is what the configuration calls the base: a path or a name. Throws InputError where nothing is
/// attached.
template <class B, class M>
void save_adapter(const B& be, const M& model, const nn::LoraOptions& options, const std::filesystem::path& folder,
                  const std::string& base = {}) {
  auto lane = be.make_lane();
  std::vector<HostUpdate> updates;
  std::vector<std::string> matrices;
  nn::for_each_linear(model, [&]<class T>(const std::string& key, const nn::Linear<B, T>& linear) {
    Index begin = 0;
    std::size_t i = 0;
    Index row = 0;
    std::vector<T> a, b;
    if (linear.lora) a = linear.lora->lora_A.value.to_host(lane), b = linear.lora->lora_B.value.to_host(lane);
    for (const Part& p : linear.declared().parts) {
      matrices.push_back(nn::matrix_name(key, p));
      if (linear.lora && i < linear.lora->parts.size() && linear.lora->parts[i].begin == begin) {
        HostUpdate u{matrices.back(),
                     linear.lora->lora_B.declared.cols,
                     linear.declared().cols,
                     p.rows,
                     linear.lora->parts[i].scale,
                     {},
                     {}};
        const Index from_a = static_cast<Index>(i) * u.rank * u.in, from_b = row * u.rank;
        u.a.assign(a.begin() + from_a, a.begin() + from_a + u.rank * u.in);
        u.b.assign(b.begin() + from_b, b.begin() + from_b + u.out * u.rank);
        updates.push_back(std::move(u));
        row += p.rows, ++i;
      }
      begin += p.rows;
    }
  });
  write_adapter(folder, std::move(updates), options, matrices, base);
}

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/save_adapter.inl>
#endif

#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <nvembed/io/adapter.hpp>
#include <nvembed/nn/attach_lora.hpp>
#include <string>
#include <utility>
#include <vector>

namespace nvembed {

/// Throws FileError unless every update of `adapter` belongs to a matrix of `model` and fits it.
template <class M>
void check_adapter(const M& model, const Adapter& adapter) {
  std::map<std::string, std::pair<Index, Index>> matrices;
  nn::for_each_linear(model, [&](const std::string& key, const auto& linear) {
    for (const Part& p : linear.declared().parts) matrices[nn::matrix_name(key, p)] = {p.rows, linear.declared().cols};
  });
  adapter.check(matrices);
}

/// Attaches an adapter's values to the Linears of a decoder, beside its frozen weights: to be trained further, or to
/// swap adapters on one base (copies of a model share frozen weights). What was attached before goes; `detach_lora`
/// takes it off again. Matrices of a stack share the largest of their ranks, smaller ones are filled up with zeros.
/// Throws FileError for an adapter of another base or numbers that are not finite; then nothing has been changed.
/// Returns the number of adapted matrices. For inference alone `load` merges adapter and base, which costs nothing
/// afterwards.
template <class B, class M>
Index load_adapter(const B& be, M& model, const Adapter& adapter) {
  check_adapter(model, adapter);
  for (const auto& [name, u] : adapter.updates()) adapter_values(u.a), adapter_values(u.b);
  auto lane = be.make_lane();
  nn::for_each_linear(model, [&]<class T>(const std::string& key, nn::Linear<B, T>& linear) {
    Index rank = 0;
    std::vector<const AdapterUpdate*> updates;
    for (const Part& p : linear.declared().parts)
      if (const AdapterUpdate* u = adapter.find(nn::matrix_name(key, p))) {
        updates.push_back(u);
        rank = std::max(rank, u->rank());
      }
    linear.lora = nn::declare_lora(key, linear, rank, 1.0, adapter.options().dropout,
                                   [&](const std::string& name) { return adapter.find(name) != nullptr; });
    if (!linear.lora) return;
    nn::Lora<B, T>& lora = *linear.lora;
    const Index in = lora.lora_A.declared.cols, rows = lora.lora_B.declared.rows();
    std::vector<T> a(static_cast<std::size_t>(lora.lora_A.declared.rows() * in), T(0)),
        b(static_cast<std::size_t>(rows * rank), T(0));
    Index row = 0;
    for (std::size_t i = 0; i < updates.size(); ++i) {
      const AdapterUpdate& u = *updates[i];
      lora.parts[i].scale = u.scale;
      const std::vector<float> ua = adapter_values(u.a), ub = adapter_values(u.b);
      for (std::size_t k = 0; k < ua.size(); ++k)
        a[static_cast<std::size_t>(static_cast<Index>(i) * rank * in) + k] = T(ua[k]);
      for (Index r = 0; r < u.b.rows; ++r, ++row)
        for (Index c = 0; c < u.rank(); ++c)
          b[static_cast<std::size_t>(row * rank + c)] = T(ub[static_cast<std::size_t>(r * u.rank() + c)]);
    }
    lora.lora_A.value = Tensor<B, T>::from_host(lane, {lora.lora_A.declared.rows(), in}, a);
    lora.lora_B.value = Tensor<B, T>::from_host(lane, {rows, rank}, b);
  });
  return static_cast<Index>(adapter.updates().size());
}

/// The same from a folder.
template <class B, class M>
Index load_adapter(const B& be, M& model, const std::filesystem::path& folder) {
  return load_adapter(be, model, Adapter(folder));
}

}  // namespace nvembed

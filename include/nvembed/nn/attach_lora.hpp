#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/nn/linear.hpp>
#include <nvembed/nn/lora_options.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace nvembed::nn {

/// f(dotted key, linear) for every Linear of a module, in the order of `reflect`. The key is that of the stack; a
/// matrix's own name is `matrix_name(key, part)`.
template <class M, class F>
void for_each_linear(M& module, F&& f, const std::string& prefix = {}) {
  std::remove_const_t<M>::reflect(module, [&](std::string_view key, auto& member) {
    const std::string full = join_key(prefix, key);
    if constexpr (requires { member.lora; })
      f(full, member);
    else if constexpr (!requires { member.declared; })
      for_each_linear(member, f, full);
  });
}

/// The dotted name of a matrix of a stack without `.weight`: `layers.0.self_attn.q_proj`.
inline std::string matrix_name(std::string_view key, const Part& part) {
  constexpr std::string_view suffix = "weight";
  std::string name = join_key(key, part.key);
  if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  if (name.ends_with('.')) name.pop_back();
  return name;
}

/// The number of a decoder layer in a dotted name, if it has one: 3 of `layers.3.mlp.up_proj`.
inline std::optional<Index> layer_number(std::string_view name) {
  constexpr std::string_view before = "layers.";
  const std::size_t at = name.find(before);
  Index n = 0;
  if (at == name.npos ||
      std::from_chars(name.data() + at + before.size(), name.data() + name.size(), n).ec != std::errc())
    return {};
  return n;
}

/// A Linear's update for those of its matrices that `wanted(name)` names, declared but without values.
template <class B, class T, class Wanted>
std::optional<Lora<B, T>> declare_lora(const std::string& key, const Linear<B, T>& linear, Index rank, double scale,
                                       double dropout, Wanted&& wanted) {
  const Parts& weight = linear.declared();
  Lora<B, T> lora;
  lora.lora_A.declared.cols = weight.cols;
  lora.lora_B.declared.cols = rank;
  Index begin = 0;
  for (const Part& p : weight.parts) {
    const std::string name = matrix_name(key, p);
    if (wanted(name)) {
      const std::string own = matrix_name("", p);
      lora.lora_A.declared.parts.push_back({join_key(own, "lora_A.weight"), rank});
      lora.lora_B.declared.parts.push_back({join_key(own, "lora_B.weight"), p.rows});
      lora.parts.push_back({begin, p.rows, scale});
    }
    begin += p.rows;
  }
  if (lora.parts.empty()) return {};
  lora.dropout = dropout;
  lora.stream = fnv1a(key);
  return lora;
}

/// Gives the Linears of `model` that the options name an update that is zero as yet: A uniform in +-1 / sqrt(in), as
/// PEFT begins, a function of seed and name; B zero. What was attached before goes. Returns the number of adapted
/// matrices. Throws InputError for options out of range, or where a target module or a layer is not in the model; then
/// nothing has been changed.
template <class B, class M>
Index attach_lora(const B& be, M& model, const LoraOptions& options) {
  options.validate();
  std::vector<bool> found(options.target_modules.size()), layers(options.layers.size());
  const auto wanted = [&](const std::string& name) {
    bool here = options.layers.empty();
    const std::optional<Index> layer = layer_number(name);
    for (std::size_t i = 0; i < layers.size(); ++i)
      if (layer == options.layers[i]) here = layers[i] = true;
    bool is = false;
    for (std::size_t i = 0; i < found.size(); ++i)
      if (LoraOptions::is(name, options.target_modules[i])) is = found[i] = true;
    return here && is;
  };
  for_each_linear(model, [&](const std::string& key, const auto& linear) {
    for (const Part& p : linear.declared().parts) wanted(matrix_name(key, p));
  });
  for (std::size_t i = 0; i < found.size(); ++i)
    require<InputError>(found[i], "lora", "the model has no linear layer ", options.target_modules[i]);
  for (std::size_t i = 0; i < layers.size(); ++i)
    require<InputError>(layers[i], "lora", "the model has no layer ", options.layers[i]);

  auto lane = be.make_lane();
  Index matrices = 0;
  for_each_linear(model, [&]<class T>(const std::string& key, Linear<B, T>& linear) {
    linear.lora = declare_lora(key, linear, options.rank, options.scale(), options.dropout, wanted);
    if (!linear.lora) return;
    auto& [A, B_, parts, dropout, stream] = *linear.lora;
    matrices += static_cast<Index>(parts.size());
    const Index in = A.declared.cols;
    const double bound = 1 / std::sqrt(static_cast<double>(in));
    std::vector<T> values;
    values.reserve(static_cast<std::size_t>(A.declared.rows() * in));
    for (const Part& p : A.declared.parts) {
      const CounterRng rng = CounterRng(options.seed).at(fnv1a(join_key(key, p.key)));
      for (Index i = 0; i < p.rows * in; ++i)
        values.push_back(static_cast<T>(bound * (2 * rng.at(static_cast<std::uint64_t>(i)).uniform() - 1)));
    }
    A.value = Tensor<B, T>::from_host(lane, {A.declared.rows(), in}, values);
    values.assign(static_cast<std::size_t>(B_.declared.rows() * options.rank), T(0));
    B_.value = Tensor<B, T>::from_host(lane, {B_.declared.rows(), options.rank}, values);
  });
  return matrices;
}

/// Takes all updates away: the model is what it was.
template <class M>
void detach_lora(M& model) {
  for_each_linear(model, [](const std::string&, auto& linear) { linear.lora.reset(); });
}

}  // namespace nvembed::nn

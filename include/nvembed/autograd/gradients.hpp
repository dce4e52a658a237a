#pragma once

#include <map>
#include <nvembed/core/tensor.hpp>
#include <string>
#include <utility>

namespace nvembed {

/// Gradients by their parameters' dotted names, as optimizer state and checkpoints are. Parameters that a loss does not
/// depend on are absent.
template <class B, class T = float>
class Gradients {
 public:
  using Map = std::map<std::string, Tensor<B, T>>;

  /// Adds to what is there. Throws ShapeError where the shapes differ.
  void add(const B& be, typename B::Lane& lane, const std::string& name, Tensor<B, T> gradient) {
    const auto [at, fresh] = map_.try_emplace(name, gradient);
    if (fresh) return;
    require<ShapeError>(at->second.shape() == gradient.shape(), "gradients", name, " has ", at->second.shape().str(),
                        ", ", gradient.shape().str(), " was added");
    // A new tensor: others may share the buffers of both.
    Tensor<B, T> sum(lane, gradient.shape());
    be.add(lane, std::as_const(at->second).mat(), std::as_const(gradient).mat(), sum.mat());
    at->second = std::move(sum);
  }
  void add(const B& be, typename B::Lane& lane, const Gradients& other) {
    for (const auto& [name, gradient] : other.map_) add(be, lane, name, gradient);
  }

  bool contains(const std::string& name) const { return map_.contains(name); }
  /// Throws InputError where there is none of that name.
  const Tensor<B, T>& at(const std::string& name) const {
    const auto found = map_.find(name);
    require<InputError>(found != map_.end(), "gradients", "none of ", name);
    return found->second;
  }
  auto begin() const { return map_.begin(); }
  auto end() const { return map_.end(); }
  std::size_t size() const { return map_.size(); }

 private:
  Map map_;
};

}  // namespace nvembed

#pragma once

#include <nvembed/core/parameter.hpp>
#include <string>
#include <unordered_map>
#include <utility>

namespace nvembed {

/// Which parameters get gradients, and what they are called. Known by their address: the model they belong to stays
/// where it is.
class Trainable {
 public:
  template <class B, class T>
  void add(std::string name, const Parameter<B, T>& parameter) {
    names_.insert_or_assign(&parameter, std::move(name));
  }
  /// nullptr for a frozen one.
  const std::string* find(const void* parameter) const {
    const auto found = names_.find(parameter);
    return found == names_.end() ? nullptr : &found->second;
  }
  std::size_t size() const { return names_.size(); }

 private:
  std::unordered_map<const void*, std::string> names_;
};

}  // namespace nvembed

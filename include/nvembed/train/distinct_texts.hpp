#pragma once

#include <deque>
#include <nvembed/core/shape.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace nvembed::train {

/// Texts by number, from 0 in the order in which they first came, each once. Equal is equal to the byte.
class DistinctTexts {
 public:
  DistinctTexts() = default;
  DistinctTexts(DistinctTexts&&) = default;  // a deque's elements keep their place, so views of them stay
  DistinctTexts& operator=(DistinctTexts&&) = default;
  DistinctTexts(const DistinctTexts&) = delete;
  DistinctTexts& operator=(const DistinctTexts&) = delete;

  /// The text's number, a new one where it is new.
  Index add(std::string_view text) {
    if (const auto found = numbers_.find(text); found != numbers_.end()) return found->second;
    const std::string& kept = texts_.emplace_back(text);
    numbers_.emplace(kept, size() - 1);
    return size() - 1;
  }
  std::optional<Index> find(std::string_view text) const {
    const auto found = numbers_.find(text);
    return found == numbers_.end() ? std::nullopt : std::optional(found->second);
  }
  Index size() const { return static_cast<Index>(texts_.size()); }
  const std::string& operator[](Index i) const { return texts_[static_cast<std::size_t>(i)]; }

 private:
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, Index> numbers_;
};

}  // namespace nvembed::train

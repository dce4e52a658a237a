#pragma once

#include <initializer_list>
#include <memory>
#include <nvembed/core/segment.hpp>
#include <vector>

/// Texts of these lengths, packed one behind the other, a third of each a prefix and a quarter not pooled.
inline std::shared_ptr<const std::vector<nvembed::Segment>> segments(std::initializer_list<nvembed::Index> sizes) {
  auto s = std::make_shared<std::vector<nvembed::Segment>>();
  nvembed::Index begin = 0;
  for (const nvembed::Index n : sizes) {
    s->push_back({begin, n, n / 3, n / 4, static_cast<nvembed::Index>(s->size())});
    begin += n;
  }
  return s;
}

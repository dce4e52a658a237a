#pragma once

#include <concepts>
#include <nvembed/core/host_lane.hpp>

namespace nvembed {

/// A back end whose tensors lie in memory that the host reads and writes (`eigen`, `onednn`), with threads that run
/// whatever they are given: what an optimizer's element loops need. A device's memory is refused at compile time.
template <class B>
concept HostMemory = std::derived_from<typename B::Lane, HostLane> && requires(const B& be) {
  { be.make_lane() } -> std::same_as<typename B::Lane>;
};

}  // namespace nvembed

#pragma once

#include <concepts>
#include <cstddef>
#include <memory>

namespace nvembed {

/// A worker on a device: its queue, workspace and buffers. A context owns one; kernels and allocation take it; a buffer
/// goes back to the lane that made it. Calls may return before their work is done; other lanes see what a lane has
/// written once it was synchronised or is gone. Not shared between threads.
template <class L>
concept Lane = std::movable<L> && requires(L& lane, std::size_t bytes, void* to, const void* from) {
  { lane.allocate(bytes) } -> std::same_as<std::shared_ptr<std::byte>>;  // device memory, not zeroed
  { lane.upload(to, from, bytes) } -> std::same_as<void>;                // host to device
  { lane.download(to, from, bytes) } -> std::same_as<void>;              // device to host, done on return
  { lane.synchronize() } -> std::same_as<void>;
};

}  // namespace nvembed

// Copies and fills. What is pageable is staged at the call, what is pinned is read or written when the stream gets
// there.

#include <cstring>
#include <memory>
#include <vector>

#include "state.hpp"

namespace emulator {
namespace {

enum class Place { device, pinned, pageable };

struct Copy {
  void* to;
  std::size_t to_pitch;
  const void* from;
  std::size_t from_pitch, width, height;

  std::size_t to_extent() const { return (height - 1) * to_pitch + width; }
  std::size_t from_extent() const { return (height - 1) * from_pitch + width; }
  void run() const {
    for (std::size_t i = 0; i < height; ++i)
      std::memmove(static_cast<std::byte*>(to) + i * to_pitch, static_cast<const std::byte*>(from) + i * from_pitch,
                   width);
  }
};

Place place_of(const void* p, std::size_t bytes) {
  if (find_allocation(p) != runtime().allocations.end()) return Place::device;
  return find_pinned(p, bytes) != nullptr ? Place::pinned : Place::pageable;
}

bool inside(const void* p, std::size_t bytes) {
  const auto it = find_allocation(p);
  return reinterpret_cast<std::uintptr_t>(p) + bytes <= it->first + it->second.size;
}

void count_reads(const void* p, std::size_t by) {
  if (Pinned* pinned = find_pinned(p, 1)) pinned->reads += by;
}

cudaError_t copy(const Copy& c, cudaMemcpyKind kind, cudaStream_t handle, bool synchronous) {
  const auto stream = find_stream(handle);
  if (!stream) return cudaErrorInvalidResourceHandle;
  ++runtime().counts.copies;
  if (c.width == 0 || c.height == 0) return cudaSuccess;
  if (c.to == nullptr || c.from == nullptr || c.width > c.to_pitch || c.width > c.from_pitch)
    return cudaErrorInvalidValue;
  const Place to = place_of(c.to, c.to_extent()), from = place_of(c.from, c.from_extent());
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
  if (kind != cudaMemcpyDefault) {
    const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    if (to_device != (to == Place::device) || from_device != (from == Place::device)) return cudaErrorInvalidValue;
  }
  if ((to == Place::device && !inside(c.to, c.to_extent())) ||
      (from == Place::device && !inside(c.from, c.from_extent())))
    return cudaErrorInvalidValue;

  tick(*stream);
  if (to == Place::device) touch_range(c.to, c.to_extent(), *stream, "copy");
  if (from == Place::device) touch_range(c.from, c.from_extent(), *stream, "copy");
  if (stream->capture) return synchronous ? wait_for(*stream) : enqueue(*stream, [c] { c.run(); });

  cudaError_t error;
  if (from == Place::pageable && to == Place::device) {
    const std::size_t bytes = c.width * c.height;
    auto staged = std::make_shared<std::vector<std::byte>>(bytes);
    Copy{staged->data(), c.width, c.from, c.from_pitch, c.width, c.height}.run();
    error = enqueue(*stream, [c, staged, held = std::make_shared<Held>(bytes)] {
      Copy{c.to, c.to_pitch, staged->data(), c.width, c.width, c.height}.run();
    });
  } else if (from == Place::pinned) {
    count_reads(c.from, 1);
    error = enqueue(*stream, [c] {
      c.run();
      count_reads(c.from, static_cast<std::size_t>(-1));
    });
  } else {
    // What the host reads too early shall not look like a result.
    if (to == Place::pinned && find_pinned(c.to, 1)->reads == 0)
      for (std::size_t i = 0; i < c.height; ++i)
        std::memset(static_cast<std::byte*>(c.to) + i * c.to_pitch, 0xFF, c.width);
    error = enqueue(*stream, [c] { c.run(); });
  }
  if (error != cudaSuccess) return error;
  const bool both_device = to == Place::device && from == Place::device;
  if (to == Place::pageable || (synchronous && !both_device)) return wait_for(*stream);
  return cudaSuccess;
}

cudaError_t fill(void* ptr, int value, std::size_t count, cudaStream_t handle) {
  const auto stream = find_stream(handle);
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (count == 0) return cudaSuccess;
  if (find_allocation(ptr) == runtime().allocations.end() || !inside(ptr, count)) return cudaErrorInvalidValue;
  tick(*stream);
  touch_range(ptr, count, *stream, "memset");
  return enqueue(*stream, [=] { std::memset(ptr, value, count); });
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

cudaError_t cudaMemcpy(void* dst, const void* src, size_t count, cudaMemcpyKind kind) {
  return call([&] { return copy({dst, count, src, count, count, 1}, kind, nullptr, true); });
}
cudaError_t cudaMemcpyAsync(void* dst, const void* src, size_t count, cudaMemcpyKind kind, cudaStream_t stream) {
  return call([&] { return copy({dst, count, src, count, count, 1}, kind, stream, false); });
}
cudaError_t cudaMemcpy2D(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width, size_t height,
                         cudaMemcpyKind kind) {
  return call([&] { return copy({dst, dpitch, src, spitch, width, height}, kind, nullptr, true); });
}
cudaError_t cudaMemcpy2DAsync(void* dst, size_t dpitch, const void* src, size_t spitch, size_t width, size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  return call([&] { return copy({dst, dpitch, src, spitch, width, height}, kind, stream, false); });
}
cudaError_t cudaMemset(void* ptr, int value, size_t count) {
  return call([&] { return fill(ptr, value, count, nullptr); });
}
cudaError_t cudaMemsetAsync(void* ptr, int value, size_t count, cudaStream_t stream) {
  return call([&] { return fill(ptr, value, count, stream); });
}

}  // extern "C"

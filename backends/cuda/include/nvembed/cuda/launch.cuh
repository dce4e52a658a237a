#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nvembed/cuda/check.hpp>
#include <nvembed/cuda/queue.hpp>
#include <type_traits>
#include <utility>

namespace nvembed::cuda {
namespace detail {

/// A kernel and all that it is launched with, as bytes of which none is left to chance.
template <class... Params>
class KernelCall {
  static_assert((std::is_trivially_copyable_v<Params> && ...), "arguments of a kernel are copied byte by byte");
  static_assert(((alignof(Params) <= 16) && ...), "calls lie at multiples of 16 bytes");
  struct Head {
    void (*kernel)(Params...) = nullptr;
    std::size_t shared_bytes = 0;
    std::array<std::uint32_t, 6> sizes{};  // grid, block
  };
  static constexpr std::size_t count = sizeof...(Params);
  /// Where each argument lies, and where the last ends.
  static constexpr std::array<std::size_t, count + 1> places = [] {
    constexpr std::array<std::size_t, count> sizes{sizeof(Params)...}, alignments{alignof(Params)...};
    std::array<std::size_t, count + 1> p{};
    std::size_t at = sizeof(Head);
    for (std::size_t i = 0; i < count; ++i) {
      at = (at + alignments[i] - 1) / alignments[i] * alignments[i];
      p[i] = at;
      at += sizes[i];
    }
    p[count] = at;
    return p;
  }();

 public:
  static constexpr std::size_t size = places[count];
  static constexpr bool comparable = (plain_bytes<Params> && ...);

  /// Into `size` zeroed bytes.
  static void write(std::byte* to, void (*kernel)(Params...), dim3 grid, dim3 block, std::size_t shared_bytes,
                    const Params&... params) {
    const Head head{kernel, shared_bytes, {grid.x, grid.y, grid.z, block.x, block.y, block.z}};
    std::memcpy(to, &head, sizeof head);
    std::size_t i = 0;
    const auto put = [&]<class P>(const P& p) {
      if constexpr (!std::is_empty_v<P>) std::memcpy(to + places[i], &p, sizeof p);
      ++i;
    };
    (put(params), ...);
  }

  static void run(cudaStream_t stream, const std::byte* from) {
    Head head;
    std::memcpy(&head, from, sizeof head);
    constexpr std::size_t without_asking = 48 << 10;  // more shared memory than that a kernel must be allowed
    if (head.shared_bytes > without_asking)
      check(cudaFuncSetAttribute(head.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(head.shared_bytes)),
            "shared memory of a kernel");
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(head.sizes[0], head.sizes[1], head.sizes[2]);
    config.blockDim = dim3(head.sizes[3], head.sizes[4], head.sizes[5]);
    config.dynamicSmemBytes = head.shared_bytes;
    config.stream = stream;
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      check(cudaLaunchKernelEx(&config, head.kernel, *reinterpret_cast<const Params*>(from + places[i])...),
            "kernel launch");
    }
    (std::index_sequence_for<Params...>());
  }
};

}  // namespace detail

/// Runs `kernel` behind what `queue` has; arguments are converted to its parameters. Nothing to do where the grid is
/// empty. Throws DeviceError.
template <class... Params, class... Args>
void launch(void (*kernel)(Params...), dim3 grid, dim3 block, std::size_t shared_bytes, Queue& queue, Args&&... args) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  using Call = detail::KernelCall<Params...>;
  alignas(16) std::array<std::byte, Call::size> bytes{};
  Call::write(bytes.data(), kernel, grid, block, shared_bytes, static_cast<const Params&>(args)...);
  queue.push(&Call::run, bytes, Call::comparable);
}

}  // namespace nvembed::cuda

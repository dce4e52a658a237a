#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <nvembed/core/config.hpp>
#include <span>
#include <type_traits>
#include <vector>

namespace nvembed::cuda {

/// Whether equal values of a type have equal bytes, so that a call can be told to be the same as an earlier one.
template <class T>
inline constexpr bool plain_bytes =
    std::has_unique_object_representations_v<T> || std::is_floating_point_v<T> || std::is_empty_v<T>;

/// The way to a stream. All that a pass asks of the device (kernels, products, uploads) comes through here in order and
/// is written down; a pass ends where the host waits. What was asked for twice, call by call with the same arguments,
/// becomes a CUDA graph. From then on a pass is held back as long as it agrees with a graph; one that agrees to its end
/// goes to the device as one launch, with its own uploads, and of another what was held back is sent call by call.
/// A lone short text has hundreds of small kernels: it is bound by their launches. One thread at a time, but `retire`.
class Queue {
 public:
  /// Puts a call on a stream; its arguments lie at an address aligned to 16 bytes.
  using Run = void (*)(cudaStream_t, const std::byte* arguments);

  NVEMBED_INLINE explicit Queue(int device);
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  NVEMBED_INLINE ~Queue();

  /// A call. `comparable`: its arguments are told from others by their bytes. Throws DeviceError, as all here: also for
  /// a call that was held back until now. Where one of those does not get to the device, none is taken any more.
  NVEMBED_INLINE void push(Run run, std::span<const std::byte> arguments, bool comparable);
  /// Host to device. `from` may change once the call is over: what does not fit into pinned memory at once waits for
  /// what went before.
  NVEMBED_INLINE void upload(void* to, const void* from, std::size_t bytes);
  /// Ends a pass: all of it is on the stream.
  NVEMBED_INLINE void flush();
  /// Ends a pass and waits until it is done.
  NVEMBED_INLINE void wait();
  /// Memory of the stream's pool that goes back behind this pass. On any thread.
  NVEMBED_INLINE void retire(std::byte* p) noexcept;

  /// Behind all that was pushed until now; the calling thread is then on its device.
  NVEMBED_INLINE cudaStream_t stream();
  /// The same without what is held back: for memory that the pass will use.
  cudaStream_t raw_stream() const { return stream_; }
  /// Whether work that was held back never got to the device.
  bool lost() const { return lost_; }

 private:
  struct Call {
    Run run = nullptr;  // none: an upload
    std::size_t begin = 0, size = 0;
  };
  struct Upload {
    void* to = nullptr;
    std::size_t bytes = 0;
  };
  /// A pass as it was asked for.
  struct Pass {
    std::vector<Call> calls;
    std::vector<std::byte> arguments;
    std::size_t upload_bytes = 0;

    NVEMBED_INLINE bool has(std::size_t i, Run run, std::span<const std::byte> with) const;
    NVEMBED_INLINE void add(Run run, std::span<const std::byte> with);
    /// f(call, its arguments) for the first n
    template <class F>
    void each(std::size_t n, F&& f) const {
      for (std::size_t i = 0; i < n; ++i) f(calls[i], arguments.data() + calls[i].begin);
    }
  };
  /// A pass that may come again.
  struct Known {
    Pass pass;
    cudaGraphExec_t graph = nullptr;
    std::byte* pinned = nullptr;  // what the graph uploads
    bool refused = false;         // CUDA makes no graph of it
    bool running = false;         // the pinned memory may still be read

    Known() = default;
    Known(const Known&) = delete;
    ~Known() {
      if (graph) cudaGraphExecDestroy(graph);
      if (pinned) cudaFreeHost(pinned);
    }
  };
  /// Pinned memory through which uploads go, a few chunks in turn: one is filled while others are on their way.
  struct Chunk {
    std::byte* data = nullptr;
    std::size_t used = 0;
    cudaEvent_t done = nullptr;  // recorded behind the last copy out of it
  };
  static constexpr std::size_t chunk_bytes = std::size_t{8} << 20;
  static constexpr std::size_t alignment = 256;  // of uploads in pinned memory
  static constexpr std::size_t most_calls = 8192, fewest_calls = 8, most_known = 64;
  // A pass with more to upload, as 4,096 tokens have, is long on the device: its first calls run there while the host
  // makes the others, where they are not held back.
  static constexpr std::size_t most_upload_bytes = std::size_t{16} << 10;
  static constexpr std::size_t aligned(std::size_t n) { return (n + alignment - 1) / alignment * alignment; }

  /// Whether the call is held back; else the caller sends it.
  NVEMBED_INLINE bool note(Run run, std::span<const std::byte> arguments, bool comparable);
  NVEMBED_INLINE void send_held(std::size_t calls);
  NVEMBED_INLINE void use_device() const;
  NVEMBED_INLINE void check_complete() const;
  NVEMBED_INLINE void stage(void* to, const void* from, std::size_t bytes);
  NVEMBED_INLINE void make_graph(Known& known);
  NVEMBED_INLINE void launch_graph(Known& known);
  NVEMBED_INLINE void keep_pass();
  NVEMBED_INLINE void end_pass();
  NVEMBED_INLINE void begin_pass();
  NVEMBED_INLINE void release_retired();
  NVEMBED_INLINE void forget();

  int device_;
  cudaStream_t stream_ = nullptr;
  std::array<Chunk, 4> chunks_;
  std::size_t chunk_ = 0;

  Pass pass_;                              // so far
  std::vector<std::byte> held_uploads_;    // what they bring, each at a multiple of the alignment
  bool writing_ = true, holding_ = false;  // the pass is written down; is held back
  bool lost_ = false;
  std::vector<Known*> agreeing_;               // with the pass so far
  std::vector<std::unique_ptr<Known>> known_;  // the latest last

  std::mutex mutex_;
  std::vector<std::byte*> retired_;
};

}  // namespace nvembed::cuda

#if !defined(NVEMBED_COMPILED)
#include <nvembed/cuda/queue.inl>
#endif

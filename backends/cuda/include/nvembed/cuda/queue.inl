#pragma once

#include <algorithm>
#include <cstring>
#include <exception>
#include <nvembed/core/error.hpp>
#include <nvembed/cuda/check.hpp>
#include <nvembed/cuda/queue.hpp>
#include <utility>

namespace nvembed::cuda {

NVEMBED_INLINE bool Queue::Pass::has(std::size_t i, Run run, std::span<const std::byte> with) const {
  return i < calls.size() && calls[i].run == run && calls[i].size == with.size() &&
         std::memcmp(arguments.data() + calls[i].begin, with.data(), with.size()) == 0;
}

NVEMBED_INLINE void Queue::Pass::add(Run run, std::span<const std::byte> with) {
  constexpr std::size_t step = 16;
  calls.push_back({run, arguments.size(), with.size()});
  arguments.insert(arguments.end(), with.begin(), with.end());
  arguments.resize((arguments.size() + step - 1) / step * step);
}

NVEMBED_INLINE Queue::Queue(int device) : device_(device) {
  use_device();
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "stream");
}

NVEMBED_INLINE Queue::~Queue() {
  cudaSetDevice(device_);
  cudaStreamSynchronize(stream_);
  forget();
  for (const Chunk& chunk : chunks_) {
    if (chunk.done) cudaEventDestroy(chunk.done);
    if (chunk.data) cudaFreeHost(chunk.data);
  }
  for (std::byte* p : retired_) cudaFreeAsync(p, stream_);
  cudaStreamSynchronize(stream_);
  cudaStreamDestroy(stream_);
}

NVEMBED_INLINE void Queue::use_device() const { check(cudaSetDevice(device_), "choosing the device"); }

NVEMBED_INLINE void Queue::push(Run run, std::span<const std::byte> arguments, bool comparable) {
  if (note(run, arguments, comparable)) return;
  use_device();
  run(stream_, arguments.data());
}

NVEMBED_INLINE void Queue::upload(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  const Upload what{to, bytes};
  const bool few = pass_.upload_bytes + bytes <= most_upload_bytes;
  const bool held = note(nullptr, std::as_bytes(std::span(&what, 1)), few);
  if (few) pass_.upload_bytes += aligned(bytes);
  if (!held) return stage(to, from, bytes);
  const auto* data = static_cast<const std::byte*>(from);
  held_uploads_.insert(held_uploads_.end(), data, data + bytes);
  held_uploads_.resize(aligned(held_uploads_.size()));
}

NVEMBED_INLINE bool Queue::note(Run run, std::span<const std::byte> arguments, bool comparable) {
  check_complete();
  if (!writing_) return false;
  const std::size_t i = pass_.calls.size();
  if (!comparable || i == most_calls) {
    if (holding_) send_held(i);
    writing_ = false;
    return false;
  }
  if (i == 0)
    for (const auto& known : known_) agreeing_.push_back(known.get()), holding_ = holding_ || known->graph;
  pass_.add(run, arguments);
  std::erase_if(agreeing_, [&](const Known* known) { return !known->pass.has(i, run, arguments); });
  if (holding_ && std::ranges::none_of(agreeing_, [](const Known* known) { return known->graph != nullptr; }))
    send_held(i);
  return holding_;
}

NVEMBED_INLINE void Queue::send_held(std::size_t calls) {
  holding_ = false;
  lost_ = true;  // unless all of it gets there
  use_device();
  std::size_t at = 0;
  pass_.each(calls, [&](const Call& call, const std::byte* arguments) {
    if (call.run) return call.run(stream_, arguments);
    Upload what;
    std::memcpy(&what, arguments, sizeof what);
    stage(what.to, held_uploads_.data() + at, what.bytes);
    at += aligned(what.bytes);
  });
  held_uploads_.clear();
  lost_ = false;
}

NVEMBED_INLINE void Queue::check_complete() const {
  require<DeviceError>(!lost_, "cuda",
                       "an earlier error has cost this lane work that it was asked for; a new lane is needed");
}

NVEMBED_INLINE void Queue::stage(void* to, const void* from, std::size_t bytes) {
  use_device();
  for (std::size_t done = 0; done < bytes;) {
    Chunk* chunk = &chunks_[chunk_];
    if (chunk->used == chunk_bytes) {
      check(cudaEventRecord(chunk->done, stream_), "upload");
      chunk_ = (chunk_ + 1) % chunks_.size();
      chunk = &chunks_[chunk_];
    }
    if (!chunk->data) {
      void* p = nullptr;
      check(cudaMallocHost(&p, chunk_bytes), "pinned memory");
      chunk->data = static_cast<std::byte*>(p);
      check(cudaEventCreateWithFlags(&chunk->done, cudaEventDisableTiming), "upload");
    } else if (chunk->used == chunk_bytes) {  // from the last time round
      check(cudaEventSynchronize(chunk->done), "upload");
      chunk->used = 0;
    }
    const std::size_t n = std::min(bytes - done, chunk_bytes - chunk->used);
    std::memcpy(chunk->data + chunk->used, static_cast<const std::byte*>(from) + done, n);
    check(cudaMemcpyAsync(static_cast<std::byte*>(to) + done, chunk->data + chunk->used, n, cudaMemcpyHostToDevice,
                          stream_),
          "upload");
    chunk->used = std::min(chunk_bytes, aligned(chunk->used + n));
    done += n;
  }
}

NVEMBED_INLINE void Queue::flush() {
  check_complete();
  try {
    use_device();
    if (writing_ && !pass_.calls.empty()) end_pass();
  } catch (...) {
    lost_ = lost_ || holding_;
    begin_pass();
    throw;
  }
  begin_pass();
  release_retired();
}

NVEMBED_INLINE void Queue::end_pass() {
  const std::size_t calls = pass_.calls.size();
  const auto found =
      std::ranges::find_if(agreeing_, [&](const Known* known) { return known->pass.calls.size() == calls; });
  Known* same = found == agreeing_.end() ? nullptr : *found;
  if (same) {
    const auto known = std::ranges::find_if(known_, [&](const auto& k) { return k.get() == same; });
    std::rotate(known, known + 1, known_.end());
  }
  if (holding_ && same && same->graph) return launch_graph(*same);
  if (holding_) send_held(calls);
  if (!same)
    keep_pass();
  else if (!same->graph && !same->refused)
    make_graph(*same);
}

NVEMBED_INLINE void Queue::begin_pass() {
  pass_.calls.clear();
  pass_.arguments.clear();
  pass_.upload_bytes = 0;
  held_uploads_.clear();
  agreeing_.clear();
  writing_ = true;
  holding_ = false;
}

NVEMBED_INLINE void Queue::keep_pass() {
  if (pass_.calls.size() < fewest_calls) return;
  if (known_.size() == most_known) {
    if (known_.front()->running) check(cudaStreamSynchronize(stream_), "synchronisation");
    known_.erase(known_.begin());
  }
  known_.push_back(std::make_unique<Known>());
  known_.back()->pass = pass_;
}

NVEMBED_INLINE void Queue::make_graph(Known& known) {
  known.refused = true;  // until it is made
  void* pinned = nullptr;
  if (known.pass.upload_bytes && cudaMallocHost(&pinned, known.pass.upload_bytes) != cudaSuccess) {
    cudaGetLastError();
    return;
  }
  known.pinned = static_cast<std::byte*>(pinned);
  if (cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal) != cudaSuccess) {
    cudaGetLastError();
    return;
  }
  bool complete = true;
  try {
    std::size_t at = 0;
    known.pass.each(known.pass.calls.size(), [&](const Call& call, const std::byte* arguments) {
      if (call.run) return call.run(stream_, arguments);
      Upload what;
      std::memcpy(&what, arguments, sizeof what);
      check(cudaMemcpyAsync(what.to, known.pinned + at, what.bytes, cudaMemcpyHostToDevice, stream_), "upload");
      at += aligned(what.bytes);
    });
  } catch (const std::exception&) {  // the capture must end, and nothing is lost: the pass is on the stream
    complete = false;
  }
  cudaGraph_t graph = nullptr;
  complete = cudaStreamEndCapture(stream_, &graph) == cudaSuccess && complete;
  if (complete && cudaGraphInstantiate(&known.graph, graph, 0) != cudaSuccess) known.graph = nullptr;
  if (graph) cudaGraphDestroy(graph);
  known.refused = !known.graph;
  if (known.refused) cudaGetLastError();  // so that the next call does not tell it
}

NVEMBED_INLINE void Queue::launch_graph(Known& known) {
  if (known.running) check(cudaStreamSynchronize(stream_), "synchronisation");
  if (!held_uploads_.empty()) std::memcpy(known.pinned, held_uploads_.data(), held_uploads_.size());
  known.running = cudaGraphLaunch(known.graph, stream_) == cudaSuccess;
  if (known.running) return;
  cudaGetLastError();  // no memory for the graph, say: the calls need none
  cudaGraphExecDestroy(std::exchange(known.graph, nullptr));
  known.refused = true;
  send_held(known.pass.calls.size());
}

NVEMBED_INLINE void Queue::wait() {
  flush();
  check(cudaStreamSynchronize(stream_), "synchronisation");
  for (const auto& known : known_) known->running = false;
}

NVEMBED_INLINE cudaStream_t Queue::stream() {
  flush();
  return stream_;
}

NVEMBED_INLINE void Queue::retire(std::byte* p) noexcept {
  std::lock_guard lock(mutex_);
  retired_.push_back(p);
}

NVEMBED_INLINE void Queue::release_retired() {
  std::vector<std::byte*> memory;
  {
    std::lock_guard lock(mutex_);
    memory.swap(retired_);
  }
  if (memory.empty()) return;
  forget();  // a graph may upload to it
  for (std::byte* p : memory) cudaFreeAsync(p, stream_);
}

NVEMBED_INLINE void Queue::forget() {
  if (std::ranges::any_of(known_, [](const auto& known) { return known->running; })) cudaStreamSynchronize(stream_);
  agreeing_.clear();
  known_.clear();
}

}  // namespace nvembed::cuda

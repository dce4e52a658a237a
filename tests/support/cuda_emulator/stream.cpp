// Streams and events. Work is queued and runs when the host waits for it.

#include <algorithm>
#include <chrono>
#include <utility>

#include "schedule.hpp"
#include "state.hpp"

namespace emulator {
namespace {

constexpr std::size_t held_limit = std::size_t{256} << 20;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void push(Stream& stream, Work work) {
  stream.queue.push_back(std::move(work));
  ++stream.enqueued;
}

/// What the stream does from now on comes after the work of `on` up to `position`.
void order_after(Stream& stream, const std::shared_ptr<Stream>& on, std::uint64_t position) {
  if (on->done < position) push(stream, [on, position] { drain(*on, position); });
}

std::vector<std::shared_ptr<Stream>> all_streams() {
  std::vector<std::shared_ptr<Stream>> all{runtime().legacy};
  for (const auto& [handle, stream] : runtime().streams) all.push_back(stream);
  all.insert(all.end(), runtime().orphans.begin(), runtime().orphans.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  if (order().schedule == Schedule::backward) std::reverse(all.begin(), all.end());
  if (order().schedule == Schedule::shuffled)
    for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[order().random() % i]);
  return all;
}

void invalidate(Capture& capture) { capture.invalidated = true; }

Event* find_event(cudaEvent_t event) {
  const auto it = runtime().events.find(event);
  return it == runtime().events.end() ? nullptr : it->second.get();
}

cudaError_t query(Stream& stream, std::uint64_t position) {
  if (stream.done >= position) return cudaSuccess;
  drain(stream, stream.done + 1);  // who polls gets there
  return stream.done >= position ? cudaSuccess : cudaErrorNotReady;
}

}  // namespace

std::shared_ptr<Stream> find_stream(cudaStream_t stream) {
  if (stream == nullptr || stream == cudaStreamLegacy) return runtime().legacy;
  const auto it = runtime().streams.find(stream);
  return it == runtime().streams.end() ? nullptr : it->second;
}

void tick(Stream& stream) {
  stream.clock.merge(runtime().host);
  if (!stream.capture) {
    if (stream.id == 0) {
      for (const auto& [handle, other] : runtime().streams)
        if (other->blocking) stream.clock.merge(other->clock);
    } else if (stream.blocking) {
      stream.clock.merge(runtime().legacy->clock);
    }
  }
  stream.clock.set(stream.id, ++stream.ticks);
}

bool comes_before(std::size_t stream, std::uint64_t tick, const Stream& later) { return later.clock[stream] >= tick; }

cudaError_t enqueue(Stream& stream, Work work) {
  if (stream.capture) {
    if (stream.capture->invalidated) return cudaErrorStreamCaptureInvalidated;
    stream.capture->nodes->work.push_back(std::move(work));
    return cudaSuccess;
  }
  if (stream.id == 0) {
    for (const auto& [handle, other] : runtime().streams) {
      if (!other->blocking) continue;
      if (other->capture) {
        invalidate(*other->capture);
        return cudaErrorStreamCaptureImplicit;
      }
      order_after(stream, other, other->enqueued);
    }
  } else if (stream.blocking) {
    order_after(stream, runtime().legacy, runtime().legacy->enqueued);
  }
  push(stream, std::move(work));
  if (stream.queue.size() > runtime().queue_limit || runtime().held_bytes > held_limit) drain(stream, stream.enqueued);
  return cudaSuccess;
}

void drop_work() {
  const auto streams = all_streams();
  for (const auto& stream : streams) {
    const auto dropped = std::move(stream->queue);
    stream->queue.clear();
    stream->done = stream->enqueued;
  }
  runtime().orphans.clear();
}

void drain(Stream& stream, std::uint64_t position) {
  while (stream.done < position && !stream.queue.empty()) {
    const Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    try {
      const Access access;
      work();
    } catch (...) {  // nothing goes on after it, as on a device
      drop_work();
      throw;
    }
    ++stream.done;
  }
}

cudaError_t unsafe_in_capture() {
  if (runtime().captures == 0) return cudaSuccess;
  cudaError_t error = cudaSuccess;
  for (const auto& [handle, stream] : runtime().streams) {
    if (!stream->capture || stream->capture->mode == cudaStreamCaptureModeRelaxed) continue;
    if (stream->capture->mode == cudaStreamCaptureModeThreadLocal &&
        stream->capture->thread != std::this_thread::get_id())
      continue;
    invalidate(*stream->capture);
    error = cudaErrorStreamCaptureUnsupported;
  }
  return error;
}

cudaError_t wait_for(Stream& stream) {
  if (stream.capture) {
    invalidate(*stream.capture);
    return cudaErrorStreamCaptureUnsupported;
  }
  ++runtime().counts.host_waits;
  if (stream.id == 0)
    for (const auto& [handle, other] : runtime().streams)
      if (other->blocking && !other->capture) {
        drain(*other, other->enqueued);
        runtime().host.merge(other->clock);
      }
  drain(stream, stream.enqueued);
  runtime().host.merge(stream.clock);
  trim_pools();
  return cudaSuccess;
}

cudaError_t wait_for_all() {
  if (const cudaError_t error = unsafe_in_capture(); error != cudaSuccess) return error;
  ++runtime().counts.host_waits;
  for (const auto& stream : all_streams()) {
    drain(*stream, stream->enqueued);
    if (!stream->capture) runtime().host.merge(stream->clock);
  }
  runtime().orphans.clear();
  trim_pools();
  return cudaSuccess;
}

}  // namespace emulator

using namespace emulator;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* out, unsigned int flags) {
  return call([&] {
    if (out == nullptr || flags > cudaStreamNonBlocking) return cudaErrorInvalidValue;
    auto stream = std::make_shared<Stream>();
    stream->id = runtime().next_stream++;
    stream->blocking = (flags & cudaStreamNonBlocking) == 0;
    *out = stream.get();
    runtime().streams.emplace(stream.get(), stream);
    return cudaSuccess;
  });
}
cudaError_t cudaStreamCreate(cudaStream_t* out) { return cudaStreamCreateWithFlags(out, cudaStreamDefault); }

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  return call([&] {
    const auto it = runtime().streams.find(handle);
    if (it == runtime().streams.end()) return cudaErrorInvalidResourceHandle;
    if (it->second->capture) return cudaErrorStreamCaptureUnsupported;
    if (!it->second->queue.empty()) runtime().orphans.push_back(it->second);
    runtime().streams.erase(it);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return call([&] {
    const auto stream = find_stream(handle);
    return stream ? wait_for(*stream) : cudaErrorInvalidResourceHandle;
  });
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return call([&] {
    const auto stream = find_stream(handle);
    if (!stream) return cudaErrorInvalidResourceHandle;
    if (stream->capture) {
      invalidate(*stream->capture);
      return cudaErrorStreamCaptureUnsupported;
    }
    const cudaError_t status = query(*stream, stream->enqueued);
    if (status == cudaSuccess) runtime().host.merge(stream->clock);
    return status;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return call([] { return wait_for_all(); });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event_handle, unsigned int) {
  return call([&] {
    const auto stream = find_stream(handle);
    Event* event = find_event(event_handle);
    if (!stream || event == nullptr) return cudaErrorInvalidResourceHandle;
    if (!event->stream) return cudaSuccess;
    if (event->capture) {
      if (event->capture->over) return cudaErrorCapturedEvent;
      if (stream->capture && stream->capture != event->capture) return cudaErrorStreamCaptureMerge;
      if (stream->id == 0) return cudaErrorStreamCaptureImplicit;
      stream->capture = event->capture;
      stream->capture->members.insert(stream.get());
      stream->clock.merge(event->clock);
      return cudaSuccess;
    }
    if (stream->capture) return cudaErrorStreamCaptureIsolation;
    tick(*stream);
    stream->clock.merge(event->clock);
    return enqueue(*stream, [on = event->stream, position = event->position] { drain(*on, position); });
  });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t fn, void* user_data) {
  return call([&] {
    const auto stream = find_stream(handle);
    if (!stream) return cudaErrorInvalidResourceHandle;
    tick(*stream);
    return enqueue(*stream, [fn, user_data] { fn(user_data); });
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned int flags) {
  return call([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    auto event = std::make_unique<Event>();
    event->flags = flags;
    *out = event.get();
    runtime().events.emplace(*out, std::move(event));
    return cudaSuccess;
  });
}
cudaError_t cudaEventCreate(cudaEvent_t* out) { return cudaEventCreateWithFlags(out, cudaEventDefault); }

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return call([&] { return runtime().events.erase(event) == 1 ? cudaSuccess : cudaErrorInvalidResourceHandle; });
}

cudaError_t cudaEventRecord(cudaEvent_t event_handle, cudaStream_t handle) {
  return call([&] {
    const auto stream = find_stream(handle);
    Event* event = find_event(event_handle);
    if (!stream || event == nullptr) return cudaErrorInvalidResourceHandle;
    if (stream->capture && stream->capture->invalidated) return cudaErrorStreamCaptureInvalidated;
    tick(*stream);
    event->stream = stream;
    event->capture = stream->capture;
    event->time = std::make_shared<double>(0);
    event->clock = stream->clock;
    if (stream->capture) return cudaSuccess;
    const cudaError_t error = enqueue(*stream, [time = event->time] { *time = now(); });
    event->position = stream->enqueued;
    return error;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  return call([&] {
    Event* event = find_event(handle);
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    if (!event->stream) return cudaSuccess;
    if (event->capture) return cudaErrorCapturedEvent;
    ++runtime().counts.host_waits;
    drain(*event->stream, event->position);
    runtime().host.merge(event->clock);
    trim_pools();
    return cudaSuccess;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  return call([&] {
    Event* event = find_event(handle);
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    if (!event->stream) return cudaSuccess;
    if (event->capture) return cudaErrorCapturedEvent;
    const cudaError_t status = query(*event->stream, event->position);
    if (status == cudaSuccess) runtime().host.merge(event->clock);
    return status;
  });
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start, cudaEvent_t end) {
  return call([&] {
    Event *a = find_event(start), *b = find_event(end);
    if (ms == nullptr) return cudaErrorInvalidValue;
    if (a == nullptr || b == nullptr || !a->stream || !b->stream || ((a->flags | b->flags) & cudaEventDisableTiming))
      return cudaErrorInvalidResourceHandle;
    if (a->capture || b->capture) return cudaErrorCapturedEvent;
    if (a->stream->done < a->position || b->stream->done < b->position) return cudaErrorNotReady;
    *ms = static_cast<float>((*b->time - *a->time) * 1e3);
    return cudaSuccess;
  });
}

}  // extern "C"

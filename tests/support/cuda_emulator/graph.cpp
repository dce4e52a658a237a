// Capture of a stream's work, and its running as a graph.

#include <utility>

#include "state.hpp"

using namespace emulator;

namespace {

void end_capture(Capture& capture) {
  capture.over = true;
  --runtime().captures;
  const auto members = std::move(capture.members);  // the last stream lets go of the capture
  for (Stream* member : members) member->capture.reset();
}

/// Work that was forked to other streams has been waited for by the first.
bool joined(const Capture& capture) {
  for (const Stream* member : capture.members)
    if (!comes_before(member->id, member->ticks, *capture.origin)) return false;
  return true;
}

}  // namespace

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  return call([&] {
    const auto stream = find_stream(handle);
    if (!stream) return cudaErrorInvalidResourceHandle;
    if (stream->id == 0) return cudaErrorStreamCaptureUnsupported;
    if (stream->capture) return cudaErrorInvalidValue;
    auto capture = std::make_shared<Capture>();
    capture->origin = stream.get();
    capture->mode = mode;
    capture->members.insert(stream.get());
    stream->capture = std::move(capture);
    ++runtime().captures;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  return call([&] {
    const auto stream = find_stream(handle);
    if (!stream) return cudaErrorInvalidResourceHandle;
    if (graph == nullptr || !stream->capture) return cudaErrorInvalidValue;
    *graph = nullptr;
    const std::shared_ptr<Capture> capture = stream->capture;
    if (capture->origin != stream.get()) return cudaErrorStreamCaptureUnmatched;
    const bool is_joined = joined(*capture);
    end_capture(*capture);
    if (capture->invalidated) return cudaErrorStreamCaptureInvalidated;
    if (!is_joined) return cudaErrorStreamCaptureUnjoined;
    *graph = new CUgraph_st{capture->nodes};
    runtime().graphs.insert(*graph);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  return call([&] {
    const auto stream = find_stream(handle);
    if (!stream) return cudaErrorInvalidResourceHandle;
    *status = !stream->capture               ? cudaStreamCaptureStatusNone
              : stream->capture->invalidated ? cudaStreamCaptureStatusInvalidated
                                             : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  return call([&] {
    if (exec == nullptr || runtime().graphs.count(graph) == 0) return cudaErrorInvalidValue;
    *exec = new CUgraphExec_st{graph->nodes};
    runtime().execs.insert(*exec);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream) {
  return call(
      [&] { return runtime().execs.count(exec) == 0 || !find_stream(stream) ? cudaErrorInvalidValue : cudaSuccess; });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t handle) {
  return call([&] {
    const auto stream = find_stream(handle);
    if (!stream) return cudaErrorInvalidResourceHandle;
    if (runtime().execs.count(exec) == 0) return cudaErrorInvalidValue;
    ++runtime().counts.graph_launches;
    tick(*stream);
    for (const auto& [address, serial] : exec->nodes->touched) {
      const auto it = runtime().allocations.find(address);
      if (it == runtime().allocations.end() || it->second.serial != serial)
        throw Error("a graph is launched that uses memory which was freed");
      touch(it->second, *stream, "graph");
    }
    return enqueue(*stream, [nodes = exec->nodes] {
      for (const Work& node : nodes->work) node();
    });
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return call([&] {
    if (runtime().execs.erase(exec) == 0) return cudaErrorInvalidValue;
    delete exec;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return call([&] {
    if (runtime().graphs.erase(graph) == 0) return cudaErrorInvalidValue;
    delete graph;
    return cudaSuccess;
  });
}

}  // extern "C"

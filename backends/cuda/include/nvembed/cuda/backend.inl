#pragma once

#include <nvembed/cuda/backend.hpp>
#include <nvembed/cuda/device.hpp>

namespace nvembed::cuda {

NVEMBED_INLINE std::shared_ptr<const Device> Backend::open(const Options& options) {
  return std::make_shared<const Device>(options);
}
NVEMBED_INLINE std::string Backend::device_name() const { return device_->name(); }
NVEMBED_INLINE std::uint64_t Backend::cudnn_attentions() const { return device_->cudnn_attentions(); }
NVEMBED_INLINE Index Backend::free_memory() const { return device_->free_memory(); }

}  // namespace nvembed::cuda

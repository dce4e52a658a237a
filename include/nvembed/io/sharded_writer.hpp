#pragma once

#include <map>
#include <memory>
#include <nvembed/core/config.hpp>
#include <nvembed/io/safetensors_writer.hpp>
#include <string>
#include <vector>

namespace nvembed {

/// Writes a checkpoint as transformers has it: `model.safetensors`, or, where that would be larger than `shard_size`
/// bytes, `model-0000K-of-0000N.safetensors` and `model.safetensors.index.json`. Tensors are declared, then written in
/// the same order; a file is open at a time. Each file appears whole, the index last.
class ShardedWriter {
 public:
  /// Throws InputError for a size below 1.
  NVEMBED_INLINE ShardedWriter(std::string folder, Index shard_size);

  NVEMBED_INLINE void declare(const std::string& name, DType dtype, std::vector<Index> shape);
  /// Names of the files that will be written. Nothing can be declared any more.
  NVEMBED_INLINE std::vector<std::string> files();
  /// The next bytes of a tensor; the one before must be whole.
  NVEMBED_INLINE void write(const std::string& name, std::span<const std::byte> bytes);
  NVEMBED_INLINE void finish();

 private:
  struct Tensor {
    std::string name;
    DType dtype;
    std::vector<Index> shape;
    Index bytes;
    std::size_t shard;
  };
  NVEMBED_INLINE void open(std::size_t shard);

  std::string folder_;
  Index shard_size_, bytes_ = 0, filled_ = 0;  // in the last shard
  std::vector<Tensor> tensors_;
  std::map<std::string, std::size_t> shard_of_;
  std::vector<std::string> files_;
  std::unique_ptr<SafetensorsWriter> out_;
  std::size_t at_ = 0;  // the shard that is open
};

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/sharded_writer.inl>
#endif

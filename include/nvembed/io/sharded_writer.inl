#pragma once

#include <cstdio>
#include <nvembed/io/json.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/sharded_writer.hpp>
#include <utility>

namespace nvembed {

NVEMBED_INLINE ShardedWriter::ShardedWriter(std::string folder, Index shard_size)
    : folder_(std::move(folder)), shard_size_(shard_size) {
  require<InputError>(shard_size >= 1, "export", "a shard of ", shard_size, " bytes holds nothing");
}

NVEMBED_INLINE void ShardedWriter::declare(const std::string& name, DType dtype, std::vector<Index> shape) {
  require<FileError>(files_.empty(), "export", printable(name), " is declared after the files were named");
  Index bytes = info(dtype).bytes;
  for (const Index extent : shape) bytes *= extent;
  // A tensor that is larger than a shard has one of its own.
  std::size_t shard = tensors_.empty() ? 0 : tensors_.back().shard;
  if (filled_ > 0 && filled_ + bytes > shard_size_) ++shard, filled_ = 0;
  filled_ += bytes;
  bytes_ += bytes;
  shard_of_[name] = shard;
  tensors_.push_back({name, dtype, std::move(shape), bytes, shard});
}

NVEMBED_INLINE std::vector<std::string> ShardedWriter::files() {
  if (!files_.empty() || tensors_.empty()) return files_;
  const std::size_t count = tensors_.back().shard + 1;
  if (count == 1) {
    files_ = {"model.safetensors"};
    return files_;
  }
  require<InputError>(count < 100000, "export", count, " shards are too many; use a larger shard size");
  for (std::size_t i = 0; i < count; ++i) {
    char name[64];
    std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", i + 1, count);
    files_.emplace_back(name);
  }
  files_.emplace_back("model.safetensors.index.json");
  return files_;
}

NVEMBED_INLINE void ShardedWriter::open(std::size_t shard) {
  if (out_) out_->finish();
  out_ = std::make_unique<SafetensorsWriter>(cat(folder_, '/', files()[shard]),
                                             SafetensorsWriter::Metadata{{"format", "pt"}});
  for (const Tensor& t : tensors_)
    if (t.shard == shard) out_->declare(t.name, t.dtype, t.shape);
  at_ = shard;
}

NVEMBED_INLINE void ShardedWriter::write(const std::string& name, std::span<const std::byte> bytes) {
  const auto shard = shard_of_.find(name);
  require<FileError>(shard != shard_of_.end() && (!out_ || shard->second >= at_), "export", folder_, ": ",
                     printable(name), shard == shard_of_.end() ? " was not declared" : " is written out of order");
  require<FileError>(shard->second <= (out_ ? at_ + 1 : 0), "export", folder_, ": ", printable(name),
                     " comes before tensors of an earlier shard");
  if (!out_ || shard->second != at_) open(shard->second);
  out_->write(name, bytes);
}

NVEMBED_INLINE void ShardedWriter::finish() {
  require<FileError>(!tensors_.empty(), "export", folder_, ": no tensors were written");
  require<FileError>(out_ && at_ == tensors_.back().shard, "export", folder_, ": not all tensors were written");
  out_->finish();
  out_.reset();
  if (files_.size() == 1) return;
  Json map = Json::object();
  for (const Tensor& t : tensors_) map[t.name] = files_[t.shard];
  const Json index{{"metadata", {{"total_size", bytes_}}}, {"weight_map", map}};
  write_file(cat(folder_, '/', files_.back()), index.dump(2) + "\n", "export");
}

}  // namespace nvembed

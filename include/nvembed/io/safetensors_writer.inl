#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <nvembed/io/json.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/safetensors_format.hpp>
#include <nvembed/io/safetensors_writer.hpp>
#include <utility>

namespace nvembed {

NVEMBED_INLINE SafetensorsWriter::SafetensorsWriter(const std::string& path, Metadata metadata)
    : file_(path, "safetensors"), metadata_(std::move(metadata)) {}

NVEMBED_INLINE void SafetensorsWriter::declare(const std::string& name, std::string_view dtype,
                                               std::vector<Index> shape) {
  const auto refuse = [&](bool ok, std::string_view why) {
    require<FileError>(ok, "safetensors", file_.path(), ": ", printable(name), " ", why);
  };
  refuse(!data_, "is declared after bytes were written");
  refuse(!name.empty() && name != "__metadata__", "is no name for a tensor");
  Entry e;
  e.width = detail::safetensors_element_bytes(dtype);
  refuse(e.width > 0, cat("has dtype ", printable(dtype), ", which is unknown"));
  refuse(std::all_of(shape.begin(), shape.end(), [](Index n) { return n >= 0; }), "has a negative extent");
  const auto count = detail::element_count(shape);
  refuse(count && *count <= std::numeric_limits<Index>::max() / e.width, "is too large");
  e.bytes = *count * e.width;
  e.dtype = dtype;
  e.shape = std::move(shape);
  refuse(entries_.emplace(name, std::move(e)).second, "is declared twice");
}

NVEMBED_INLINE void SafetensorsWriter::write_header() {
  std::vector<std::pair<const std::string*, Entry*>> order;
  for (auto& [name, entry] : entries_) order.emplace_back(&name, &entry);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second->width > b.second->width; });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata_.empty()) header["__metadata__"] = metadata_;
  Index end = 0;
  for (const auto& [name, e] : order) {
    e->begin = end;
    end += e->bytes;
    header[*name] = {{"dtype", e->dtype}, {"shape", e->shape}, {"data_offsets", {e->begin, end}}};
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');  // the data is aligned too
  const std::uint64_t length = text.size();
  char prefix[8];
  std::memcpy(prefix, &length, 8);
  file_.write(std::string_view(prefix, 8));
  file_.write(text);
  data_ = static_cast<Index>(8 + text.size());
}

NVEMBED_INLINE void SafetensorsWriter::write(std::string_view name, std::span<const std::byte> bytes) {
  const auto at = entries_.find(name);
  require<FileError>(at != entries_.end(), "safetensors", file_.path(), ": ", printable(name), " was not declared");
  if (!data_) write_header();
  Entry& e = at->second;
  const Index n = static_cast<Index>(bytes.size());
  require<FileError>(n <= e.bytes - e.written, "safetensors", file_.path(), ": ", printable(name), " has ", e.bytes,
                     " bytes; ", n - (e.bytes - e.written), " too many were written");
  file_.write_at(*data_ + e.begin + e.written, bytes);
  e.written += n;
}

NVEMBED_INLINE void SafetensorsWriter::finish() {
  if (!data_) write_header();
  for (const auto& [name, e] : entries_)
    require<FileError>(e.written == e.bytes, "safetensors", file_.path(), ": ", printable(name), " has ", e.bytes,
                       " bytes, ", e.written, " were written");
  file_.commit();
}

}  // namespace nvembed

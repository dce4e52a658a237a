#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <nvembed/io/digest_of_samples.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/safetensors.hpp>
#include <nvembed/io/safetensors_format.hpp>
#include <utility>

namespace nvembed {
namespace detail {

/// Everything about one header entry except how it lies beside the others.
inline Safetensors::Entry safetensors_entry(const Json& json, std::span<const std::byte> data, std::string_view where) {
  Safetensors::Entry e;
  e.dtype = json_get<std::string>(json, "dtype", where);
  const Json& shape = json_array(json, "shape", where);
  require<FileError>(shape.size() <= 64, "safetensors", where, ": shape of ", shape.size(), " dimensions");
  for (const Json& extent : shape) {
    e.shape.push_back(json_as<Index>(extent, "shape", where));
    require<FileError>(e.shape.back() >= 0, "safetensors", where, ": negative extent ", e.shape.back());
  }
  const Json& offsets = json_array(json, "data_offsets", where);
  require<FileError>(offsets.size() == 2, "safetensors", where, ": data_offsets should be two numbers");
  const Index begin = json_as<Index>(offsets[0], "data_offsets", where);
  const Index end = json_as<Index>(offsets[1], "data_offsets", where);
  require<FileError>(0 <= begin && begin <= end && end <= static_cast<Index>(data.size()), "safetensors", where,
                     ": data_offsets ", begin, " to ", end, " do not lie in the ", data.size(),
                     " bytes of data; is the file complete?");
  e.bytes = data.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  const auto count = element_count(e.shape);
  require<FileError>(count.has_value(), "safetensors", where, ": shape ", shape_text(e.shape), " is too large");
  if (const Index width = safetensors_element_bytes(e.dtype))
    require<FileError>(*count <= (end - begin) / width && *count * width == end - begin, "safetensors", where, ": ",
                       end - begin, " bytes do not hold shape ", shape_text(e.shape), " of ", e.dtype);
  return e;
}

/// Tensors must follow each other without overlap. Gaps that alignment explains are let pass, larger ones are not.
inline void check_layout(std::vector<std::pair<std::span<const std::byte>, std::string_view>> parts,
                         std::span<const std::byte> data, std::string_view path) {
  constexpr std::ptrdiff_t alignment = 64;
  std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.data(), a.first.size()) < std::pair(b.first.data(), b.first.size());
  });
  const std::byte* end = data.data();
  for (const auto& [bytes, name] : parts) {
    require<FileError>(bytes.data() >= end, "safetensors", path, ": tensor ", printable(name), " overlaps another");
    require<FileError>(bytes.data() - end < alignment, "safetensors", path, ": ", bytes.data() - end,
                       " bytes before tensor ", printable(name), " belong to none");
    end = bytes.data() + bytes.size();
  }
  const auto rest = data.data() + data.size() - end;
  require<FileError>(rest < alignment, "safetensors", path, ": ", rest, " bytes at the end belong to no tensor");
}

}  // namespace detail

NVEMBED_INLINE Safetensors::Safetensors(const std::string& path) : path_(path) {
  if (path.ends_with(".json"))
    read_index();
  else
    entries_ = read_file_entries(path);
}

NVEMBED_INLINE std::map<std::string, Safetensors::Entry, std::less<>> Safetensors::read_file_entries(
    const std::string& path) {
  constexpr std::uint64_t longest_header = 100'000'000;  // the reference implementation's limit
  MappedFile file(path);
  const auto bytes = file.bytes();
  require<FileError>(bytes.size() >= 8, "safetensors", path, ": ", bytes.size(), " bytes are no safetensors file");
  std::uint64_t length;
  std::memcpy(&length, bytes.data(), 8);
  require<FileError>(length <= longest_header && length <= bytes.size() - 8, "safetensors", path, ": header of ",
                     length, " bytes in a file of ", bytes.size(),
                     "; this is no safetensors file, or it is incomplete");
  const auto header = bytes.subspan(8, static_cast<std::size_t>(length)), data = bytes.subspan(8 + header.size());
  const std::string_view text(reinterpret_cast<const char*>(header.data()), header.size());
  const Json json = parse_json(text, path, DuplicateKeys::refuse);
  require<FileError>(json.is_object(), "safetensors", path, ": the header is no JSON object");

  std::map<std::string, Entry, std::less<>> entries;
  std::vector<std::pair<std::span<const std::byte>, std::string_view>> parts;
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__") {
      require<FileError>(value.is_object(), "safetensors", path, ": __metadata__ is no JSON object");
      for (const auto& [key, word] : value.items())
        metadata_[key] = json_as<std::string>(word, printable(key), cat(path, ": __metadata__"));
      continue;
    }
    const auto at =
        entries.emplace(name, detail::safetensors_entry(value, data, cat(path, ": ", printable(name)))).first;
    at->second.file = files_.size();
    parts.emplace_back(at->second.bytes, at->first);
  }
  detail::check_layout(std::move(parts), data, path);
  headers_.push_back(bytes.first(8 + header.size()));
  files_.push_back(std::move(file));
  return entries;
}

NVEMBED_INLINE void Safetensors::read_index() {
  const Json json = parse_json(read_file(path_), path_, DuplicateKeys::refuse);
  const std::string folder = path_.substr(0, path_.find_last_of('/') + 1);
  std::map<std::string, std::map<std::string, Entry, std::less<>>> shards;
  for (const auto& [name, value] : json_object(json, "weight_map", path_).items()) {
    const auto shard = json_as<std::string>(value, printable(name), path_);
    require<FileError>(!shard.empty() && shard != "." && shard != ".." &&
                           shard.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos,
                       "safetensors", path_, ": ", printable(name), " lies in \"", printable(shard),
                       "\", which is no plain file name");
    auto at = shards.find(shard);
    if (at == shards.end()) {
      require<FileError>(file_exists(folder + shard), "safetensors", folder + shard, ": is not there, though ", path_,
                         " names it; is the download complete?");
      at = shards.emplace(shard, read_file_entries(folder + shard)).first;
    }
    const auto entry = at->second.find(name);
    require<FileError>(entry != at->second.end(), "safetensors", folder + shard, ": tensor ", printable(name),
                       " is not there, though ", path_, " says so");
    entries_.emplace(name, entry->second);
  }
}

NVEMBED_INLINE const Safetensors::Entry& Safetensors::at(std::string_view name) const {
  const Entry* entry = find(name);
  require<FileError>(entry, "safetensors", path_, ": no tensor ", name);
  return *entry;
}

NVEMBED_INLINE RawWeight Safetensors::weight(std::string_view name) const {
  const Entry& e = at(name);
  const std::string where = cat(files_[e.file].path(), ": ", name);
  const auto dtype = detail::safetensors_dtype(e.dtype);
  require<FileError>(dtype.has_value(), "safetensors", where, " is stored as ", printable(e.dtype),
                     "; weights can be F32, F16, BF16 or F64");
  require<FileError>(e.shape.size() == 1 || e.shape.size() == 2, "safetensors", where, " has shape ",
                     detail::shape_text(e.shape), "; a matrix or vector was expected");
  const bool matrix = e.shape.size() == 2;
  return {e.bytes, *dtype, matrix ? e.shape[0] : 1, e.shape.back(), {}, files_[e.file].owner(), where, true};
}

NVEMBED_INLINE std::string Safetensors::digest() const {
  DigestOfSamples digest;
  for (std::size_t f = 0; f < files_.size(); ++f) digest.add_file(headers_[f], files_[f].bytes().size());
  for (const auto& [name, entry] : entries_) digest.add_tensor(entry.bytes);
  return digest.hex();
}

}  // namespace nvembed

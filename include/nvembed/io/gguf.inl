#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <nvembed/io/gguf.hpp>
#include <nvembed/io/gguf_reader.hpp>
#include <nvembed/io/gguf_types.hpp>
#include <nvembed/io/printable.hpp>

namespace nvembed {
namespace detail {

/// Bytes of a tensor; throws where its extents make no sense for its type.
inline std::uint64_t gguf_tensor_bytes(const Gguf::Tensor& t, const GgmlType& type, std::string_view where) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<Index>::max());
  std::uint64_t elements = 1;
  for (const Index e : t.dims) {
    require<FileError>(elements <= most / static_cast<std::uint64_t>(e), "gguf", where, " has too many elements");
    elements *= static_cast<std::uint64_t>(e);
  }
  require<FileError>(t.dims[0] % type.block == 0, "gguf", where, ": rows of ", t.dims[0], " elements are no whole ",
                     type.name, " blocks of ", type.block);
  const auto blocks = elements / static_cast<std::uint64_t>(type.block);
  require<FileError>(blocks <= most / static_cast<std::uint64_t>(type.bytes), "gguf", where, " has too many elements");
  return blocks * static_cast<std::uint64_t>(type.bytes);
}

}  // namespace detail

NVEMBED_INLINE Gguf::Gguf(const std::string& path) : file_(path) {
  const auto bytes = file_.bytes();
  GgufReader in(bytes, path);
  require<FileError>(bytes.size() >= 4 && std::memcmp(bytes.data(), "GGUF", 4) == 0, "gguf", path,
                     ": is no GGUF file (it does not start with \"GGUF\")");
  in.number<std::uint32_t>("magic");
  const auto version = in.number<std::uint32_t>("version");
  require<FileError>(version == 0 || (version & 0xFFFF) != 0, "gguf", path,
                     ": is a big-endian file; convert it to little-endian");
  require<FileError>(version == 2 || version == 3, "gguf", path, ": has version ", version, "; 2 and 3 can be read");
  constexpr std::size_t most = std::size_t{1} << 16;  // far beyond what models have
  const std::size_t tensor_count = in.count(24, "tensors", most), value_count = in.count(13, "metadata values", most);

  for (std::size_t i = 0; i < value_count; ++i) {
    const std::string_view key = in.name("metadata key");
    const GgufType type = in.type(key);
    require<FileError>(metadata_.emplace(key, in.value(type, key)).second, "gguf", path, ": key ", printable(key),
                       " stands there twice");
  }

  std::vector<std::pair<std::uint64_t, Tensor*>> placed;
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < tensor_count; ++i) {
    const std::string_view name = in.name("tensor name");
    const auto [at, fresh] = tensors_.emplace(name, Tensor{});
    require<FileError>(fresh, "gguf", path, ": tensor ", printable(name), " stands there twice");
    const auto rank = in.number<std::uint32_t>(name);
    require<FileError>(1 <= rank && rank <= 4, "gguf", path, ": tensor ", printable(name), " has ", rank,
                       " dimensions; 1 to 4 can be read");
    for (std::uint32_t d = 0; d < rank; ++d) {
      const auto extent = in.number<std::uint64_t>(name);
      require<FileError>(1 <= extent && extent <= std::uint64_t{1} << 48, "gguf", path, ": tensor ", printable(name),
                         " has extent ", extent);
      at->second.dims.push_back(static_cast<Index>(extent));
    }
    at->second.type = in.number<std::uint32_t>(name);
    placed.emplace_back(in.number<std::uint64_t>(name), &at->second);
    names.push_back(name);
  }

  const Index alignment = get_or<Index>("general.alignment", 32);
  require<FileError>(
      1 <= alignment && alignment <= 1 << 20 && std::has_single_bit(static_cast<std::uint64_t>(alignment)), "gguf",
      path, ": general.alignment is ", alignment, "; it should be a power of two");
  const auto unit = static_cast<std::size_t>(alignment);
  const std::size_t start = std::min((in.position() + unit - 1) / unit * unit, bytes.size());
  header_ = bytes.first(in.position());
  const auto data = bytes.subspan(start);
  for (std::size_t i = 0; i < placed.size(); ++i) {
    const auto [offset, tensor] = placed[i];
    const std::string where = cat(path, ": tensor ", printable(names[i]));
    const GgmlType* type = ggml_type(tensor->type);
    require<FileError>(type, "gguf", where, " has unknown type ", tensor->type);
    const std::uint64_t size = detail::gguf_tensor_bytes(*tensor, *type, where);
    require<FileError>(offset % unit == 0, "gguf", where, ": offset ", offset, " is no multiple of ", alignment);
    require<FileError>(offset <= data.size() && size <= data.size() - offset, "gguf", where, ": ", size,
                       " bytes at offset ", offset, " do not lie in the ", data.size(),
                       " bytes of data; is the file complete?");
    tensor->bytes = data.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  }
  std::sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 1; i < placed.size(); ++i)
    require<FileError>(placed[i].first - placed[i - 1].first >= placed[i - 1].second->bytes.size(), "gguf", path,
                       ": two tensors overlap at offset ", placed[i].first);
}

NVEMBED_INLINE RawWeight Gguf::weight(std::string_view name) const {
  const auto at = tensors_.find(name);
  require<FileError>(at != tensors_.end(), "gguf", path(), ": no tensor ", name);
  const Tensor& t = at->second;
  const std::string where = cat(path(), ": ", name);
  const GgmlType& type = *ggml_type(t.type);
  require<FileError>(
      type.dtype.has_value(), "gguf", where, " is stored as ", type.name,
      ", which cannot be decoded; F32, F16, BF16, F64, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K and Q6_K can");
  for (std::size_t d = 2; d < t.dims.size(); ++d)
    require<FileError>(t.dims[d] == 1, "gguf", where, " has ", t.dims.size(), " dimensions; a matrix was expected");
  return {t.bytes, *type.dtype, t.dims.size() == 1 ? 1 : t.dims[1], t.dims[0], {}, file_.owner(), where, true};
}

NVEMBED_INLINE void Gguf::missing(std::string_view key) const {
  fail<FileError>("gguf", path(), ": key ", key, " is missing");
}

NVEMBED_INLINE const GgufArray& Gguf::array(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) missing(key);
  const auto* a = std::get_if<GgufArray>(value);
  require<FileError>(a, "gguf", path(), ": ", key, " is no array");
  return *a;
}

NVEMBED_INLINE std::vector<std::string_view> Gguf::strings(std::string_view key) const {
  const GgufArray& a = array(key);
  require<FileError>(a.type == GgufType::string, "gguf", path(), ": ", key, " is no array of strings");
  return a.strings();
}

NVEMBED_INLINE std::vector<double> Gguf::numbers(std::string_view key) const {
  const GgufArray& a = array(key);
  require<FileError>(gguf_value_bytes(a.type) > 0, "gguf", path(), ": ", key, " is no array of numbers");
  return a.numbers();
}

NVEMBED_INLINE bool Gguf::as_bool(std::string_view key, const GgufValue& value) const {
  const auto* b = std::get_if<bool>(&value);
  require<FileError>(b, "gguf", path(), ": ", key, " is no boolean");
  return *b;
}

NVEMBED_INLINE Index Gguf::as_index(std::string_view key, const GgufValue& value) const {
  if (const auto* i = std::get_if<std::int64_t>(&value)) return *i;
  const auto* u = std::get_if<std::uint64_t>(&value);
  require<FileError>(u, "gguf", path(), ": ", key, " is no integer");
  require<FileError>(*u <= static_cast<std::uint64_t>(std::numeric_limits<Index>::max()), "gguf", path(), ": ", key,
                     " is ", *u, ", which is too large");
  return static_cast<Index>(*u);
}

NVEMBED_INLINE double Gguf::as_double(std::string_view key, const GgufValue& value) const {
  if (const auto* d = std::get_if<double>(&value)) return *d;
  if (const auto* i = std::get_if<std::int64_t>(&value)) return static_cast<double>(*i);
  const auto* u = std::get_if<std::uint64_t>(&value);
  require<FileError>(u, "gguf", path(), ": ", key, " is no number");
  return static_cast<double>(*u);
}

NVEMBED_INLINE std::string_view Gguf::as_string(std::string_view key, const GgufValue& value) const {
  const auto* s = std::get_if<std::string_view>(&value);
  require<FileError>(s, "gguf", path(), ": ", key, " is no string");
  return *s;
}

}  // namespace nvembed

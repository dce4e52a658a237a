#include "vector_format.hpp"

#include <bit>
#include <charconv>
#include <cstring>
#include <nvembed/core/error.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/embed/quantize.hpp>

namespace cli {
namespace {

static_assert(std::endian::native == std::endian::little, "the files written here are little-endian");

void append_bytes(std::string& out, const void* data, std::size_t size) {
  out.append(static_cast<const char*>(data), size);
}

template <class T>
void append_number(std::string& out, T value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);  // of a float: the fewest digits that give it back
  out.append(text, end.ptr);
}

/// f(stored component) for each.
template <class F>
void for_each_stored(OutputType type, std::span<const float> row, F&& f) {
  switch (type) {
    case OutputType::f32:
      for (const float x : row) f(x);
      return;
    case OutputType::f16:
      for (const float x : row) f(nvembed::Float16(x));
      return;
    case OutputType::int8:
      for (const std::int8_t x : nvembed::to_int8(row)) f(x);
      return;
    case OutputType::binary:
      for (const std::uint8_t x : nvembed::to_binary(row)) f(x);
      return;
  }
}

}  // namespace

OutputType output_type(const std::string& name) {
  if (name == "f16") return OutputType::f16;
  if (name == "int8") return OutputType::int8;
  return name == "binary" ? OutputType::binary : OutputType::f32;
}

Index stored_width(OutputType type, Index dim) { return type == OutputType::binary ? (dim + 7) / 8 : dim; }

Index npy_row_bytes(OutputType type, Index dim) {
  return stored_width(type, dim) * (type == OutputType::f32 ? 4 : type == OutputType::f16 ? 2 : 1);
}

std::string npy_header(OutputType type, Index rows, Index dim) {
  static constexpr const char* descr[] = {"<f4", "<f2", "|i1", "|u1"};
  std::string header("\x93NUMPY\x01\x00", 8);
  const std::uint16_t length = npy_header_size - 10;
  append_bytes(header, &length, sizeof length);
  header += nvembed::cat("{'descr': '", descr[static_cast<int>(type)], "', 'fortran_order': False, 'shape': (", rows,
                         ", ", stored_width(type, dim), "), }");
  header.resize(npy_header_size - 1, ' ');
  return header + '\n';
}

void append_npy(std::string& out, OutputType type, std::span<const float> row) {
  for_each_stored(type, row, [&](auto x) { append_bytes(out, &x, sizeof x); });
}

void append_json(std::string& out, OutputType type, std::span<const float> row, const Record& record, Index number) {
  out += "{\"id\": " + (record.id.empty() ? std::to_string(number) : record.id) + ", \"embedding\": [";
  bool first = true;
  for_each_stored(type, row, [&]<class T>(T x) {
    if (!first) out += ", ";
    first = false;
    if constexpr (std::is_same_v<T, nvembed::Float16>)
      append_number(out, static_cast<float>(x));
    else if constexpr (std::is_integral_v<T>)
      append_number(out, static_cast<int>(x));
    else
      append_number(out, x);
  });
  out += "]}\n";
}

std::string tokens_header(Index tokens, Index dim, Index texts) {
  const Index end = tokens * dim * 4;
  std::string json = nvembed::cat("{\"embeddings\":{\"dtype\":\"F32\",\"shape\":[", tokens, ",", dim,
                                  "],\"data_offsets\":[0,", end, "]},\"offsets\":{\"dtype\":\"I64\",\"shape\":[",
                                  texts + 1, "],\"data_offsets\":[", end, ",", end + (texts + 1) * 8, "]}}");
  json.resize(tokens_header_size - 8, ' ');  // the format allows spaces behind
  const std::uint64_t length = json.size();
  std::string header;
  append_bytes(header, &length, sizeof length);
  return header + json;
}

}  // namespace cli

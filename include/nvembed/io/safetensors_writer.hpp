#pragma once

#include <cstddef>
#include <map>
#include <nvembed/core/config.hpp>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/io/atomic_file.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed {

/// Writes a `.safetensors` file: all tensors are declared, then their bytes come in any order and in pieces of any
/// size, so that nothing but a piece is ever held. The file appears whole or not at all (AtomicFile). The widest
/// elements lie first, as the reference implementation has it, so that each tensor is aligned. FileError names the
/// file.
///   SafetensorsWriter out(path, {{"format", "pt"}});
///   out.declare("weight", "F32", {rows, cols});
///   out.write("weight", std::as_bytes(std::span(values)));
///   out.finish();
class SafetensorsWriter {
 public:
  using Metadata = std::map<std::string, std::string>;

  /// Throws where PATH cannot be written.
  NVEMBED_INLINE explicit SafetensorsWriter(const std::string& path, Metadata metadata = {});

  /// A tensor that will be written: dtype as the format spells it (F32, F16, BF16, F64, I64, U8, ...). Throws for a
  /// name that was declared already, an unknown dtype, a negative extent, and once something was written.
  NVEMBED_INLINE void declare(const std::string& name, std::string_view dtype, std::vector<Index> shape);
  void declare(const std::string& name, DType dtype, std::vector<Index> shape) {
    declare(name, info(dtype).name, std::move(shape));
  }
  /// The next bytes of a tensor, little-endian. Throws for a name that was not declared and for bytes beyond its shape.
  NVEMBED_INLINE void write(std::string_view name, std::span<const std::byte> bytes);
  /// The file takes its name. Throws where bytes of a tensor are missing.
  NVEMBED_INLINE void finish();

 private:
  struct Entry {
    std::string dtype;
    std::vector<Index> shape;
    Index width = 0, bytes = 0;    // of an element, of all
    Index begin = 0, written = 0;  // in the data
  };
  NVEMBED_INLINE void write_header();

  AtomicFile file_;
  Metadata metadata_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::optional<Index> data_;  // where the data begins, once the header is written
};

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/safetensors_writer.inl>
#endif

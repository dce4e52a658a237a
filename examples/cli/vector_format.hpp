#pragma once

#include <cstdint>
#include <nvembed/core/shape.hpp>
#include <span>
#include <string>

#include "input.hpp"

namespace cli {

/// How a component is stored.
enum class OutputType : std::uint8_t { f32, f16, int8, binary };
OutputType output_type(const std::string& name);

/// How many components (bytes, where they are bits) a stored row of `dim` components has.
Index stored_width(OutputType type, Index dim);

/// Bytes of a row in a .npy file.
Index npy_row_bytes(OutputType type, Index dim);

/// The beginning of a .npy file: 128 bytes whatever the numbers, so that it can be written before the rows are counted.
std::string npy_header(OutputType type, Index rows, Index dim);
inline constexpr Index npy_header_size = 128;

/// Appends a row as a .npy file has it, or as a line `{"id": ..., "embedding": [...]}`; texts without an id of their
/// own get their number, from 0.
void append_npy(std::string& out, OutputType type, std::span<const float> row);
void append_json(std::string& out, OutputType type, std::span<const float> row, const Record& record, Index number);

/// The beginning of a .safetensors file with `embeddings` (tokens, dim) F32 and `offsets` (texts + 1) I64: 512 bytes.
std::string tokens_header(Index tokens, Index dim, Index texts);
inline constexpr Index tokens_header_size = 512;

}  // namespace cli

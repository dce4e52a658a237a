#pragma once

#include <functional>
#include <nvembed/core/config.hpp>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/embed/export_folder.hpp>
#include <nvembed/embed/export_options.hpp>
#include <nvembed/embed/model_files.hpp>
#include <span>
#include <string>

/// The parts of `export_model` that know no back end.
namespace nvembed::detail {

inline constexpr const char* export_head_file = "head.safetensors";

/// Decodes the rows of a tensor and hands them on in another type (f32, f16 or bf16), a few MiB at a time. Throws
/// FileError naming the tensor for numbers that are not finite or too large.
NVEMBED_INLINE void convert_rows(const RawWeight& raw, DType to,
                                 const std::function<void(std::span<const std::byte>)>& sink);

/// Whether the model stands on an NV-Embed checkpoint, whose layout is kept.
NVEMBED_INLINE bool has_released_layout(const ModelFiles& files);

/// Throws FileError where the base is not the one that the embedder was trained on, every file of it read.
NVEMBED_INLINE void check_whole_base(const ModelFiles& files);

/// All files beside the weights: tokenizer, side files, nvembed.json, and config.json last. The
/// weights are there already.
NVEMBED_INLINE void write_side_files(const ModelFiles& files, Precision precision, ExportFolder& out, Exported& done);

/// The folder, opened. Throws FileError where it is not the model that was written, but for its weights.
NVEMBED_INLINE ModelFiles check_export(const ModelFiles& files, const std::filesystem::path& folder);

}  // namespace nvembed::detail

#if !defined(NVEMBED_COMPILED)
#include <nvembed/embed/export_parts.inl>
#endif

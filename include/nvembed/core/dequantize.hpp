#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/core/raw_weight.hpp>

namespace nvembed {

/// Decodes `cols` stored elements of type `dtype` (whole blocks) at `bytes` into `out`. Plain loops: the definition
/// that faster code is held against. Block layouts: ggml's `ggml-quants` format as the `gguf` package documents it.
NVEMBED_INLINE void dequantize(DType dtype, const std::byte* bytes, Index cols, float* out);

/// Decodes logical row r of `w` into `out` (cols).
inline void dequantize_row(const RawWeight& w, Index r, float* out) { dequantize(w.dtype, w.row(r), w.cols, out); }

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/core/dequantize.inl>
#endif

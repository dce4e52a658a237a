#pragma once

#include <cstdint>

namespace nvembed::pool {

/// What a new head begins as. `released`: as the released code makes it, latents from N(0, 1), linears uniform in
/// +-1 / sqrt(in) with their biases, norms at 1 and 0. `mean`: the same, but the two projections back into the stream
/// (to_out, ff.net.2) zero, so that it begins as mean pooling and what training finds is added to that.
enum class LatentStart : std::uint8_t { mean, released };

}  // namespace nvembed::pool

#pragma once

#include <nvembed/core/shape.hpp>

namespace cli {

/// How fast this machine multiplies matrices in f32, in FLOP/s: (rows, in) times (in, out), every thread one plain
/// library call for its share of `out`; the best of some calls in about half a second. What a model reaches is told as
/// a share of this, measured in the same run: machines differ, and so does one machine from hour to hour.
double gemm_ceiling(nvembed::Index threads, nvembed::Index rows = 512, nvembed::Index in = 4096,
                    nvembed::Index out = 14336);

}  // namespace cli

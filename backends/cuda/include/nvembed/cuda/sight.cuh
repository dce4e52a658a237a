#pragma once

#include <cuda_runtime.h>

#include <nvembed/core/segment.hpp>
#include <nvembed/mask/mask.hpp>

/// How a kernel learns which keys a query sees. `range` holds them all; where `by_element`, it is asked key by key,
/// too.
namespace nvembed::cuda {

/// Ranges computed once a batch, for masks that are exact in their `keys`: one kernel serves them all.
struct RangeSight {
  static constexpr bool by_element = false;
  __device__ int2 range(const int2* ranges, const Segment& s, int query) const { return ranges[s.begin + query]; }
  __device__ bool allows(int, int, const Segment&) const { return true; }
};

/// Any other mask, asked itself.
template <Mask M>
struct MaskSight {
  static constexpr bool by_element = true;
  M mask;
  __device__ int2 range(const int2*, const Segment& s, int query) const {
    const Range keys = keys_within(mask, {query, query + 1}, s);
    return make_int2(static_cast<int>(keys.begin), static_cast<int>(keys.end));
  }
  __device__ bool allows(int query, int key, const Segment& s) const { return mask.allows(query, key, s); }
};

}  // namespace nvembed::cuda

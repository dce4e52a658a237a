#pragma once

/// NVEMBED_HD marks code that also runs on a device (masks, segments, counter-based random numbers).
#if defined(__CUDACC__)
#define NVEMBED_HD __host__ __device__
#else
#define NVEMBED_HD
#endif

/// A function that is not a template is `inline` in header-only use and an ordinary function of the compiled target.
/// `NVEMBED_COMPILED` is set by the `..._compiled` CMake targets only; the definitions are then left out. They stand in
/// `X.inl` beside `X.hpp`, and the compiled targets compile exactly those; definitions of templates stand in `X.tpp`.
#if defined(NVEMBED_COMPILED)
#define NVEMBED_INLINE
#else
#define NVEMBED_INLINE inline
#endif

#pragma once

/// Everything, for users. A back end is included where its CMake target is linked.

#include <nvembed/autograd/eval.hpp>
#include <nvembed/embed/embedder.hpp>
#include <nvembed/embed/load.hpp>
#include <nvembed/embed/quantize.hpp>
#include <nvembed/embed/similarity.hpp>
#include <nvembed/embed/text_embedder.hpp>
#include <nvembed/mask/any.hpp>
#include <nvembed/mask/parse.hpp>
#include <nvembed/model/decoder.hpp>
#include <nvembed/ops/gather_rows.hpp>
#include <nvembed/ops/matmul.hpp>
#include <nvembed/pool/any.hpp>
#include <nvembed/version.hpp>

#if defined(NVEMBED_WITH_EIGEN)
#include <nvembed/eigen/backend.hpp>
#endif
#if defined(NVEMBED_WITH_ONEDNN)
#include <nvembed/onednn/backend.hpp>
#endif
#if defined(NVEMBED_WITH_CUDA)
#if defined(__CUDACC__)
#include <nvembed/cuda/backend.cuh>
#else
#include <nvembed/cuda/backend.hpp>
#endif
#endif

#include <nvembed/embed/instances.hpp>

#pragma once

#include <nvembed/eigen/backend.hpp>
#if defined(NVEMBED_WITH_ONEDNN)
#include <nvembed/onednn/backend.hpp>
/// Every back end for float that this build has.
#define NVEMBED_TEST_BACKENDS nvembed::eigen::Backend, nvembed::onednn::Backend
#else
#define NVEMBED_TEST_BACKENDS nvembed::eigen::Backend
#endif

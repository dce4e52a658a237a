// A build of the CUDA back end that has no cuDNN, on the emulated device.
#include <doctest/doctest.h>

#include <nvembed/cuda/backend.hpp>
#if defined(NVEMBED_WITH_CUDNN)
#error "this program is about builds without it"
#endif

using nvembed::cuda::Backend;

TEST_CASE("cuda: a build without cuDNN says so where its attention is asked for") {
  CHECK_THROWS_WITH_AS(Backend(1, {.cudnn_attention = true}),
                       "[cuda] cuDNN's attention is not in this build; CMake's -DNVEMBED_WITH_CUDNN=ON adds it",
                       nvembed::DeviceError);
  const Backend be(1);
  nvembed::cuda::Lane lane = be.make_lane();
  CHECK(lane.allocate(100) != nullptr);
}

#include "gemm_ceiling.hpp"

#include <algorithm>
#include <nvembed/core/host_lane.hpp>
#include <vector>

#if defined(NVEMBED_WITH_ONEDNN)
#include <nvembed/onednn/product.hpp>
#else
#include <nvembed/eigen/product.hpp>
#endif

#include "timer.hpp"

namespace cli {
namespace {

using nvembed::Index;

/// y (rows, n) = x (rows, k) w (k, n), the rows of w and y `stride` apart. With w lying so, oneDNN is at its fastest.
void product(const float* x, Index rows, Index k, const float* w, Index n, float* y, Index stride) {
#if defined(NVEMBED_WITH_ONEDNN)
  nvembed::onednn::sgemm(false, false, rows, n, k, 1.0f, x, k, w, stride, 0.0f, y, stride);
#else
  nvembed::eigen::detail::product(x, k, rows, k, w, stride, n, false, 1.0f, y, stride);
#endif
}

}  // namespace

double gemm_ceiling(Index threads, Index rows, Index in, Index out) {
  constexpr double long_enough = 0.5;
  constexpr int fewest_calls = 3;
  nvembed::HostLane lane(std::make_shared<nvembed::ThreadPool>(threads));
  const std::vector<float> x(static_cast<std::size_t>(rows * in), 0.5f), w(static_cast<std::size_t>(in * out), 0.25f);
  std::vector<float> y(static_cast<std::size_t>(rows * out));
  double best = 0;
  const Timer whole;
  for (int calls = 0; calls < fewest_calls || whole.seconds() < long_enough; ++calls) {
    const Timer timer;
    lane.parallel_for(threads, [&](Index t, nvembed::Worker&) {
      const Index first = out * t / threads, n = out * (t + 1) / threads - first;
      if (n > 0) product(x.data(), rows, in, w.data() + first, n, y.data() + first, out);
    });
    best = std::max(best, 2.0 * static_cast<double>(rows * in * out) / timer.seconds());
  }
  return best;
}

}  // namespace cli

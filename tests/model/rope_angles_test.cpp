#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nvembed/model/rope_angles.hpp>
#include <vector>

using namespace nvembed;

TEST_CASE("rope_angles: cosines and sines as the mathematical library has them, at every position") {
  DecoderConfig c;
  c.head_dim = 128;
  c.rope_theta = 1e6;
  const std::vector<double> frequencies = rope_frequencies(c);
  for (const Index positions : {1, 63, 64, 65, 32768}) {
    std::vector<double> cos(static_cast<std::size_t>(positions) * frequencies.size()), sin(cos.size());
    rope_angles<double>(frequencies, positions, cos, sin);
    double worst = 0;
    for (std::size_t i = 0; i < cos.size(); ++i) {
      const long double angle = static_cast<long double>(i / frequencies.size()) * frequencies[i % frequencies.size()];
      worst = std::max({worst, std::abs(static_cast<double>(cos[i] - std::cos(angle))),
                        std::abs(static_cast<double>(sin[i] - std::sin(angle)))});
    }
    CAPTURE(positions);
    CHECK(worst < 1e-11);  // the angle's own rounding: 32,768 * 2^-53
  }
}

// Encodes two texts. Usage: encode MODEL
#include <cmath>
#include <cstdio>
#include <nvembed/nvembed.hpp>

int main(int, char** argv) {
  const auto model = nvembed::load<nvembed::eigen::Backend>(argv[1]);
  const auto e = model.encode({"a text", "another text"});
  const auto s = nvembed::similarity(e, e);
  std::printf("%.6f %.6f\n%.6f %.6f\n", s(0, 0), s(0, 1), s(1, 0), s(1, 1));
  return std::abs(s(0, 0) - 1) < 1e-5f && std::abs(s(1, 1) - 1) < 1e-5f && s(0, 1) < 0.9999f ? 0 : 1;
}

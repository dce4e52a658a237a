#include <cstdio>
#include <nvembed/nvembed.hpp>

int main(int, char** argv) {
  const auto model = nvembed::load<nvembed::BACK_END::Backend>(argv[1]);
  const auto e = model.encode({"a text", "another text"});
  const auto s = nvembed::similarity(e, e);
  std::printf("%.2f %.2f\n", s(0, 0), s(0, 1));
}

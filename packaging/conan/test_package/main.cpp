#include <cstdio>
#include <nvembed/nvembed.hpp>

// A package has no model at hand: that a missing one is reported shows that headers and libraries are of one piece.
template <class Backend>
bool reports_missing_model() {
  try {
    nvembed::load<Backend>("no such model");
  } catch (const nvembed::Error& e) {
    std::printf("nvembed %s: %s\n", NVEMBED_VERSION, e.what());
    return true;
  }
  return false;
}

int main() {
  bool good = reports_missing_model<nvembed::eigen::Backend>();
#if defined(NVEMBED_WITH_ONEDNN)
  good = reports_missing_model<nvembed::onednn::Backend>() && good;
#endif
  return good ? 0 : 1;
}

#include <cmath>
#include <cstring>
#include <nvembed/io/npy_file.hpp>

#include "fuzz.hpp"

// Stored vectors.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  const std::string path = folder.write("index.npy", fuzz::text(data, size));
  fuzz::survives([&] {
    const nvembed::NpyFile file(path);
    const auto values = file.values();
    fuzz::check(values.size() == static_cast<std::size_t>(file.rows() * file.cols()) * sizeof(float),
                "as many values as the shape says");
    for (std::size_t i = 0; i < values.size(); i += sizeof(float)) {
      float v;
      std::memcpy(&v, values.data() + i, sizeof v);
      fuzz::check(std::isfinite(v), "values are finite");
    }
  });
  return 0;
}

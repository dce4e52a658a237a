#include <cmath>
#include <nvembed/embed/embedder_folder.hpp>
#include <nvembed/io/adapter.hpp>

#include "fuzz.hpp"

// A folder of an adapter or an embedder, between NUL bytes: adapter_config.json, nvembed.json, the tensors.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Folder folder;
  const auto parts = fuzz::parts(fuzz::text(data, size), 3);
  static const std::string names[] = {"adapter_config.json", "nvembed.json", "adapter_model.safetensors"};
  for (std::size_t i = 0; i < std::size(names); ++i) {
    if (i < parts.size() && !parts[i].empty())
      folder.write(names[i], parts[i]);
    else
      folder.remove(names[i]);
  }
  fuzz::survives([&] {
    const nvembed::Adapter adapter(folder.path());
    fuzz::check(!adapter.updates().empty(), "an adapter adapts something");
    for (const auto& [name, u] : adapter.updates()) {
      fuzz::check(u.a.rows >= 1 && u.a.rows == u.b.cols, "halves fit each other");
      fuzz::check(std::isfinite(u.scale), "a scale is finite");
      fuzz::survives([&u = u] {
        for (const auto* half : {&u.a, &u.b})
          for (const float v : nvembed::adapter_values(*half)) fuzz::check(std::isfinite(v), "numbers are finite");
      });
    }
  });
  fuzz::survives([&] {
    const auto e = nvembed::read_embedder_folder(folder.path());
    fuzz::check(e.head.has_value() == e.latent.has_value(), "a head has sizes");
    fuzz::check(e.settings.max_length >= 0, "a length is none below zero");
  });
  return 0;
}

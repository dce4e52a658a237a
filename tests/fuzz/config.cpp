#include <cmath>
#include <nvembed/io/config.hpp>
#include <nvembed/model/parameter_count.hpp>
#include <nvembed/model/rope_angles.hpp>

#include "fuzz.hpp"

// A config.json: what is accepted must be a model that can be counted and whose angles are numbers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::survives([&] {
    const nvembed::ModelConfig c = nvembed::config_from_json(fuzz::text(data, size), "config.json");
    fuzz::check(nvembed::parameter_count(c.decoder) > 0, "the decoder's parameters can be counted");
    for (const double f : nvembed::rope_frequencies(c.decoder)) fuzz::check(std::isfinite(f), "frequencies are finite");
    if (!c.latent) return;
    fuzz::check(nvembed::parameter_count(*c.latent) > 0, "the head's parameters can be counted");
    fuzz::check(nvembed::folded_parameter_count(*c.latent) > 0, "the folded head's too");
  });
  return 0;
}

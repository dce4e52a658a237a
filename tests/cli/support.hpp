#pragma once

#include <nvembed/io/save_adapter.hpp>
#include <string>
#include <support/program.hpp>
#include <vector>

/// What tests of the program with models of several folders share.
namespace program {

/// An adapter of one matrix of nvembed_tiny.
inline void write_adapter(const fs::path& folder, const std::string& base) {
  const nvembed::HostUpdate u{"layers.0.self_attn.q_proj",  2, 64, 64, 2, std::vector<float>(128, 0.1F),
                              std::vector<float>(128, 0.2F)};
  nvembed::nn::LoraOptions options;
  options.rank = 2, options.alpha = 4;
  nvembed::write_adapter(folder, {u}, options, {u.matrix}, base);
}

/// The .npy file that `encode` makes of two texts.
inline std::string encoded(const Scratch& s, const std::string& model) {
  const Result r = run(s, "encode " + model + " -i " + s.file("in.txt", "one text\nanother\n") + " -o " + s("out.npy"));
  CAPTURE(r.err);
  REQUIRE(r.status == 0);
  return content(s("out.npy"));
}

}  // namespace program

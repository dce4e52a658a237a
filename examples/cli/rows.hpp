#pragma once

#include <nvembed/embed/encode_options.hpp>
#include <nvembed/search/host_matrix.hpp>
#include <string>
#include <vector>

#include "input.hpp"
#include "model.hpp"
#include "options.hpp"

namespace cli {

/// Vectors of texts, one row each.
struct Rows {
  Index dim = 0;
  std::vector<float> values;
  Index count() const { return dim ? static_cast<Index>(values.size()) / dim : 0; }
  nvembed::search::HostMatrix matrix() const { return {values.data(), count(), dim}; }
};

/// Encodes texts that are in memory, with a progress bar called `what` and a summary after it; `name` is what messages
/// call their source.
Rows encode_all(const Model& model, const Options& o, const nvembed::EncodeOptions& encode,
                const std::vector<Record>& records, const std::string& name, const char* what);

}  // namespace cli

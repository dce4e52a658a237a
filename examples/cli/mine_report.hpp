#pragma once

#include <nvembed/io/json.hpp>
#include <nvembed/train/mining_counts.hpp>
#include <nvembed/train/record.hpp>
#include <string>

namespace cli {

using nvembed::Index;
using nvembed::Json;

/// What `nvembed mine` did, in figures.
struct MineReport {
  std::string teacher, instruction, rule, choice;
  nvembed::train::MiningCounts counts;
  Index records = 0, negatives = 0, fewest = 0, wanting = 0;
  double encode_seconds = 0, search_seconds = 0;

  /// A record as it is written; `fewer`: than were asked for.
  void add(const nvembed::train::Record& record, bool fewer);
  /// Some lines for people.
  std::string str() const;
  Json json() const;
};

}  // namespace cli

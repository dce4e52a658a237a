#include "mine_report.hpp"

#include <algorithm>
#include <cstdio>
#include <nvembed/core/error.hpp>

#include "progress_bar.hpp"

namespace cli {
namespace {

std::string number(double value, const char* format = "%.4f") {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

void MineReport::add(const nvembed::train::Record& record, bool fewer) {
  const auto n = static_cast<Index>(record.negatives.size());
  fewest = records == 0 ? n : std::min(fewest, n);
  ++records;
  negatives += n;
  wanting += fewer;
}

std::string MineReport::str() const {
  using nvembed::cat;
  const auto& c = counts;
  std::string ranks;
  for (const double mean : c.mean_by_rank) ranks += " " + number(mean);
  return cat(
      "records            ", grouped(records), ", ", grouped(c.queries), " different queries\n", "candidates         ",
      grouped(c.candidates), "\n",  //
      "negatives          ", number(static_cast<double>(negatives) / static_cast<double>(records), "%.2f"),
      " a record, ", fewest, " at least; ", grouped(wanting), " records got fewer than were asked for\n",
      "scores, positives  ", number(c.mean_positive), ", the lowest of each query ", number(c.mean_lowest_positive),
      "\n", "scores, negatives ", ranks, " by rank\n", "never negatives    ", grouped(c.known_positives), " answers, ",
      grouped(c.equal_to_query), " equal to the query, ", grouped(c.own_negatives), " kept negatives, ",
      grouped(c.above_limit), " above the rule's limit, ", grouped(c.skipped), " passed over\n",  //
      "time               ", duration(encode_seconds), " for the teacher, ", duration(search_seconds), " to search\n");
}

Json MineReport::json() const {
  const auto& c = counts;
  return {{"teacher", teacher},
          {"instruction", instruction},
          {"rule", rule},
          {"choose", choice},
          {"records", records},
          {"queries", c.queries},
          {"candidates", c.candidates},
          {"negatives",
           {{"mean", static_cast<double>(negatives) / static_cast<double>(records)},
            {"min", fewest},
            {"records_with_fewer", wanting}}},
          {"scores",
           {{"positive", c.mean_positive}, {"lowest_positive", c.mean_lowest_positive}, {"by_rank", c.mean_by_rank}}},
          {"excluded",
           {{"known_positives", c.known_positives},
            {"equal_to_query", c.equal_to_query},
            {"own_negatives", c.own_negatives},
            {"above_limit", c.above_limit},
            {"skipped", c.skipped}}},
          {"seconds", {{"teacher", encode_seconds}, {"search", search_seconds}}}};
}

}  // namespace cli

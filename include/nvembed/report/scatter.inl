#pragma once

#include <algorithm>
#include <limits>
#include <nvembed/report/scatter.hpp>

namespace nvembed::report {

NVEMBED_INLINE std::string html(const Scatter& s) {
  constexpr double size = 460, margin = 10;
  constexpr std::size_t coloured = 8;
  double low_x = std::numeric_limits<double>::infinity(), high_x = -low_x, low_y = low_x, high_y = -low_x;
  for (const auto& p : s.points) {
    low_x = std::min(low_x, p.x), high_x = std::max(high_x, p.x);
    low_y = std::min(low_y, p.y), high_y = std::max(high_y, p.y);
  }
  const double span_x = high_x > low_x ? high_x - low_x : 1, span_y = high_y > low_y ? high_y - low_y : 1;

  Figure figure(s.title);
  figure.caption(s.caption);
  for (std::size_t g = 0; g < std::min(coloured, s.groups.size()); ++g) figure.legend(s.groups[g], Figure::colour(g));
  if (s.groups.size() > coloured)
    figure.legend(std::to_string(s.groups.size() - coloured) + " others", Figure::colour(coloured));
  std::string svg = "<svg viewBox=\"0 0 " + fixed(size, 0) + " " + fixed(size, 0) + "\" role=\"img\" aria-label=\"" +
                    escape(s.title) + "\">";
  for (const bool rest : {true, false})  // the named groups lie above the others
    for (const auto& p : s.points) {
      if ((p.group >= coloured) != rest) continue;
      svg += "<circle cx=\"" + fixed(margin + (p.x - low_x) / span_x * (size - 2 * margin), 1) + "\" cy=\"" +
             fixed(size - margin - (p.y - low_y) / span_y * (size - 2 * margin), 1) + "\" r=\"" +
             (rest ? "2.4" : "3.2") + "\" fill=\"" + Figure::colour(p.group) + "\" fill-opacity=\"" +
             (rest ? ".5" : ".8") + "\"><title>" + escape(p.name) + "</title></circle>";
    }
  return figure.html(svg + "</svg>");
}

}  // namespace nvembed::report

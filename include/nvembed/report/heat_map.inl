#pragma once

#include <algorithm>
#include <nvembed/report/heat_map.hpp>

namespace nvembed::report {

NVEMBED_INLINE std::string html(const HeatMap& m) {
  constexpr double label = 190, cell_height = 18, width = 1040;
  const double cell_width = (width - label) / static_cast<double>(std::max<std::size_t>(m.columns.size(), 1));
  const double most = m.values.empty() ? 1 : std::max(1e-12, *std::max_element(m.values.begin(), m.values.end()));
  Figure figure(m.title);
  figure.caption(m.caption);
  std::string svg = "<svg viewBox=\"0 0 " + fixed(width, 0) + " " +
                    fixed(cell_height * static_cast<double>(m.rows.size()), 0) + "\" role=\"img\" aria-label=\"" +
                    escape(m.title) + "\">";
  for (std::size_t r = 0; r < m.rows.size(); ++r) {
    const double y = cell_height * static_cast<double>(r);
    svg += "<text x=\"" + fixed(label - 8, 0) + "\" y=\"" + fixed(y + 13, 1) + "\" text-anchor=\"end\">" +
           escape(shortened(m.rows[r], 28)) + "</text>";
    for (std::size_t c = 0; c < m.columns.size(); ++c) {
      const double v = m.values[r * m.columns.size() + c];
      svg += "<rect x=\"" + fixed(label + cell_width * static_cast<double>(c), 2) + "\" y=\"" + fixed(y + 1, 1) +
             "\" width=\"" + fixed(cell_width + 0.05, 2) + "\" height=\"" + fixed(cell_height - 2, 1) +
             "\" fill=\"rgba(var(--heat)," + fixed(v / most, 3) + ")\"><title>" + escape(m.rows[r]) + ", " +
             escape(m.columns[c]) + ": " + fixed(v, 4) + "</title></rect>";
    }
  }
  return figure.html(svg + "</svg>");
}

}  // namespace nvembed::report

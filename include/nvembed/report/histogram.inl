#pragma once

#include <algorithm>
#include <limits>
#include <nvembed/report/histogram.hpp>

namespace nvembed::report {

NVEMBED_INLINE std::string html(const Histogram& h) {
  constexpr double width = 360, height = 190, left = 6, right = 354, top = 8, bottom = 168;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const auto& g : h.groups)
    for (const double v : g.values) low = std::min(low, v), high = std::max(high, v);
  if (low > high) low = high = 0;  // no values at all
  if (low == high) low -= 0.5, high += 0.5;
  const auto bins = static_cast<std::size_t>(h.bins);
  std::vector<std::vector<double>> shares;
  double most = 1e-12;
  for (const auto& g : h.groups) {
    std::vector<double> share(bins);
    for (const double v : g.values) {
      const double place = (v - low) / (high - low) * static_cast<double>(bins);
      share[std::min(bins - 1, static_cast<std::size_t>(std::max(0.0, place)))] +=
          1 / static_cast<double>(g.values.size());
    }
    most = std::max(most, *std::max_element(share.begin(), share.end()));
    shares.push_back(std::move(share));
  }
  const auto x = [&](double bin) { return fixed(left + (right - left) * bin / static_cast<double>(bins), 1); };
  const auto y = [&](double share) { return fixed(bottom - (bottom - top) * share / most, 1); };

  Figure figure(h.title);
  figure.caption(h.caption);
  std::string svg = "<svg viewBox=\"0 0 " + fixed(width, 0) + " " + fixed(height, 0) + "\" role=\"img\" aria-label=\"" +
                    escape(h.title) + "\">";
  for (std::size_t g = 0; g < shares.size(); ++g) {
    const std::string colour = Figure::colour(g);
    figure.legend(h.groups[g].name + " (" + std::to_string(h.groups[g].values.size()) + ")", colour);
    std::string outline;  // steps over the bins
    for (std::size_t b = 0; b < bins; ++b) {
      const std::string level = y(shares[g][b]);
      outline += (b ? " L" : "M") + x(static_cast<double>(b)) + " " + level + " L" + x(static_cast<double>(b + 1)) +
                 " " + level;
    }
    const std::string base = y(0);
    svg += "<path d=\"" + outline + " L" + x(static_cast<double>(bins)) + " " + base + " L" + x(0) + " " + base +
           " Z\" fill=\"" + colour + "\" fill-opacity=\".18\"/><path d=\"" + outline + "\" fill=\"none\" stroke=\"" +
           colour + "\" stroke-width=\"1.75\"/>";
  }
  svg += "<line x1=\"" + fixed(left, 0) + "\" y1=\"" + fixed(bottom, 0) + "\" x2=\"" + fixed(right, 0) + "\" y2=\"" +
         fixed(bottom, 0) + "\" stroke=\"var(--axis)\"/>";
  for (const double at : {0.0, 0.5, 1.0}) {
    const char* anchor = at == 0 ? "start" : at == 1 ? "end" : "middle";
    svg += "<text x=\"" + x(at * static_cast<double>(bins)) + "\" y=\"" + fixed(bottom + 16, 0) + "\" text-anchor=\"" +
           anchor + "\">" + fixed(low + at * (high - low), 2) + "</text>";
  }
  return figure.html(svg + "</svg>");
}

}  // namespace nvembed::report

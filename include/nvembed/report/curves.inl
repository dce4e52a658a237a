#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <nvembed/report/curves.hpp>

namespace nvembed::report {
namespace detail {

/// A distance of marks, 1, 2 or 5 times a power of ten, that makes about `count` of them.
inline double step_of_marks(double span, double count) {
  const double raw = span / count, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (raw <= factor * power) return factor * power;
  return 10 * power;
}

/// As short as tells it from its neighbours.
inline std::string mark(double value, double step) {
  if (std::abs(value) < step / 1e6) return "0";
  const double digits = -std::floor(std::log10(step) + 1e-9);
  if (digits > 4) {
    const double exponent = std::floor(std::log10(std::abs(value)) + 1e-9);
    return fixed(value / std::pow(10, exponent), static_cast<int>(std::max(0.0, digits + exponent))) + "e" +
           fixed(exponent, 0);
  }
  return fixed(value, static_cast<int>(std::max(0.0, digits)));
}

}  // namespace detail

NVEMBED_INLINE std::string html(const Curves& c) {
  constexpr double width = 460, height = 260, left = 52, right = 12, top = 10, bottom = 34;
  constexpr double infinite = std::numeric_limits<double>::infinity();
  double low_x = infinite, high_x = -infinite, low_y = infinite, high_y = -infinite;
  for (const auto& line : c.lines)
    for (const auto& [x, y] : line.points) {
      if (!std::isfinite(y)) continue;
      low_x = std::min(low_x, x), high_x = std::max(high_x, x);
      low_y = std::min(low_y, y), high_y = std::max(high_y, y);
    }
  Figure figure(c.title);
  figure.caption(c.caption);
  if (low_x > high_x) return figure.html("<p>nothing yet</p>");
  if (low_x == high_x) low_x -= 0.5, high_x += 0.5;
  if (low_y == high_y) {
    const double room = std::max(std::abs(low_y) / 10, 1e-6);
    low_y -= room, high_y += room;
  }
  const double mark_y = detail::step_of_marks(high_y - low_y, 5), mark_x = detail::step_of_marks(high_x - low_x, 6);
  low_y = std::floor(low_y / mark_y) * mark_y, high_y = std::ceil(high_y / mark_y) * mark_y;
  const auto at_x = [&](double x) { return left + (x - low_x) / (high_x - low_x) * (width - left - right); };
  const auto at_y = [&](double y) { return top + (high_y - y) / (high_y - low_y) * (height - top - bottom); };
  const auto straight = [&](double x1, double y1, double x2, double y2, const std::string& style) {
    return "<line x1=\"" + fixed(x1, 1) + "\" y1=\"" + fixed(y1, 1) + "\" x2=\"" + fixed(x2, 1) + "\" y2=\"" +
           fixed(y2, 1) + "\" " + style + "/>";
  };
  const auto label = [&](double x, double y, const std::string& anchor, const std::string& text) {
    return "<text x=\"" + fixed(x, 1) + "\" y=\"" + fixed(y, 1) + "\" text-anchor=\"" + anchor +
           "\" font-size=\"11\" fill=\"currentColor\" fill-opacity=\".7\">" + escape(text) + "</text>";
  };

  std::string svg = "<svg viewBox=\"0 0 " + fixed(width, 0) + " " + fixed(height, 0) + "\" role=\"img\" aria-label=\"" +
                    escape(c.title) + "\">";
  for (double y = low_y; y <= high_y + mark_y / 2; y += mark_y) {
    svg += straight(left, at_y(y), width - right, at_y(y), "stroke=\"currentColor\" stroke-opacity=\".12\"");
    svg += label(left - 6, at_y(y) + 4, "end", detail::mark(y, mark_y));
  }
  for (double x = std::ceil(low_x / mark_x) * mark_x; x <= high_x + mark_x / 1e6; x += mark_x)
    svg += label(at_x(x), height - bottom + 16, "middle", detail::mark(x, mark_x));
  svg += label((left + width - right) / 2, height - 4, "middle", c.x_name);
  for (const double x : c.bounds)
    if (x > low_x && x < high_x)
      svg += straight(at_x(x), top, at_x(x), height - bottom,
                      "stroke=\"currentColor\" stroke-opacity=\".4\" stroke-dasharray=\"3 3\"");

  std::size_t colours = 0;
  for (const auto& line : c.lines) {
    const std::string colour = line.faint ? "currentColor" : Figure::colour(colours++);
    if (c.lines.size() > 1 && !line.faint) figure.legend(line.name, colour);
    std::string path;
    bool pen = false;
    for (const auto& [x, y] : line.points) {
      if (!std::isfinite(y)) {
        pen = false;
        continue;
      }
      path += (pen ? " L" : " M") + fixed(at_x(x), 1) + " " + fixed(at_y(y), 1);
      pen = true;
      if (line.marked)
        svg += "<circle cx=\"" + fixed(at_x(x), 1) + "\" cy=\"" + fixed(at_y(y), 1) + "\" r=\"3.2\" fill=\"" + colour +
               "\"><title>" +
               escape(line.name + ": " + detail::mark(x, mark_x) + ", " + detail::mark(y, mark_y / 100)) +
               "</title></circle>";
    }
    svg += "<path d=\"" + path + "\" fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"" +
           (line.faint ? "1" : "2") + "\" stroke-opacity=\"" + (line.faint ? ".25" : "1") + "\"/>";
  }
  return figure.html(svg + "</svg>");
}

}  // namespace nvembed::report

#pragma once

#include <nvembed/report/escape.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed::report {

/// A drawing (SVG) in a card, with a title, a legend where there is more than one colour, and a line below.
class Figure {
 public:
  explicit Figure(std::string_view title) : title_(title) {}

  /// `colour` is a CSS colour; the page's own are colour(0), colour(1), ...
  void legend(std::string_view name, std::string_view colour) {
    legend_ += "<span><i style=\"background:" + std::string(colour) + "\"></i>" + escape(name) + "</span>";
  }
  void caption(std::string_view text) { caption_ = "<figcaption>" + escape(text) + "</figcaption>"; }
  std::string html(std::string_view svg) const {
    return "<figure class=\"card\"><h3>" + escape(title_) + "</h3>" +
           (legend_.empty() ? "" : "<div class=\"legend\">" + legend_ + "</div>") + std::string(svg) + caption_ +
           "</figure>\n";
  }

  /// Eight colours that can be told apart, and one for the rest.
  static std::string colour(std::size_t i) { return i < 8 ? "var(--c" + std::to_string(i + 1) + ")" : "var(--rest)"; }

 private:
  std::string title_, legend_, caption_;
};

/// Figures side by side, as many as fit.
inline std::string grid(const std::vector<std::string>& figures) {
  std::string s = "<div class=\"grid\">\n";
  for (const std::string& f : figures) s += f;
  return s + "</div>\n";
}

}  // namespace nvembed::report

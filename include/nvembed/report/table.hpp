#pragma once

#include <nvembed/report/escape.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed::report {

/// A table that the reader can sort by any column.
class Table {
 public:
  /// Numbers stand to the right and are sorted from the highest at the first click.
  void column(std::string_view title, bool number = false) {
    head_ += std::string("<th") + (number ? " class=\"n\"" : "") + "><button>" + escape(title) + "</button></th>";
  }
  void row() { body_ += body_.empty() ? "<tr>" : "</tr>\n<tr>"; }
  void cell(std::string_view text) { body_ += "<td>" + escape(text) + "</td>"; }
  void cell(std::optional<double> number, int digits = 2) {
    const std::string shown = number ? fixed(*number, digits) : "";
    body_ += "<td class=\"n\" data-v=\"" + shown + "\">" + shown + "</td>";
  }
  /// A cell that is HTML already; sorted by `key`.
  void cell_html(std::string_view html, double key) {
    body_ += "<td data-v=\"" + fixed(key, 6) + "\">" + std::string(html) + "</td>";
  }
  std::string html() const {
    return "<div class=\"card scroll\"><table class=\"sort\"><thead><tr>" + head_ + "</tr></thead><tbody>" + body_ +
           (body_.empty() ? "" : "</tr>") + "</tbody></table></div>\n";
  }

 private:
  std::string head_, body_;
};

}  // namespace nvembed::report

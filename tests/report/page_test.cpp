#include <doctest/doctest.h>

#include <nvembed/report/heat_map.hpp>
#include <nvembed/report/histogram.hpp>
#include <nvembed/report/page.hpp>
#include <nvembed/report/scatter.hpp>
#include <nvembed/report/table.hpp>

using namespace nvembed::report;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

}  // namespace

TEST_CASE("text cannot break out of the page") {
  CHECK(escape("a<b>&\"\x01\x1B") == "a&lt;b&gt;&amp;&quot;");
  Page page("<script>");
  page.heading("<i>");
  page.paragraph("\"&");
  const std::string html = page.html();
  CHECK(count(html, "<script>") == 1);  // the page's own
  CHECK(html.find("<h2>&lt;i&gt;</h2>") != std::string::npos);
  CHECK(html.find("http") == std::string::npos);
  CHECK(shortened("\xC3\xA4\xC3\xB6", 3) == "\xC3\xA4\xE2\x80\xA6");
  CHECK(shortened("abc", 3) == "abc");
}

TEST_CASE("tables") {
  Table t;
  t.column("name");
  t.column("value", true);
  t.row();
  t.cell("x");
  t.cell(1.5);
  t.row();
  t.cell("y");
  t.cell(std::nullopt);
  const std::string html = t.html();
  CHECK(count(html, "<tr>") == 3);
  CHECK(count(html, "</tr>") == 3);
  CHECK(count(html, "<td") == 4);
  CHECK(html.find("data-v=\"1.50\">1.50<") != std::string::npos);
  CHECK(html.find("data-v=\"\"><") != std::string::npos);
}

TEST_CASE("drawings, also of nothing and of one value") {
  Histogram h{"cosines", "below", {{"a", {0.1, 0.2, 0.2}}, {"b", {0.2}}}};
  CHECK(count(html(h), "<path") == 4);
  for (const Histogram& odd :
       {Histogram{"t", "", {{"a", {1, 1}}}}, Histogram{"t", "", {{"a", {}}}}, Histogram{"t", "", {}}}) {
    const std::string s = html(odd);
    CHECK(s.find("nan") == std::string::npos);
    CHECK(s.find("inf") == std::string::npos);
  }
  Scatter s{"points", "", {"one", "two"}, {{0, 0, 0, "a<"}, {1, 2, 1, "b"}, {1, 2, 12, "c"}}};
  CHECK(count(html(s), "<circle") == 3);
  CHECK(html(s).find("a&lt;") != std::string::npos);
  CHECK(html(Scatter{"none", "", {}, {}}).find("nan") == std::string::npos);
  HeatMap m{"map", "", {"r1", "r2"}, {"c1", "c2", "c3"}, {0, 1, 2, 3, 4, 5}};
  CHECK(count(html(m), "<rect") == 6);
  CHECK(html(HeatMap{"none", "", {}, {}, {}}).find("nan") == std::string::npos);
}

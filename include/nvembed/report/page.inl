#pragma once

#include <nvembed/report/escape.hpp>
#include <nvembed/report/page.hpp>

namespace nvembed::report {
namespace detail {

inline constexpr std::string_view style = R"css(
:root{color-scheme:light dark;--page:#f9f9f7;--surface:#fff;--text:#16161a;--muted:#5f5f66;--line:#dcdcd6;--axis:#a9a9a2;
--c1:#2a78d6;--c2:#d9591f;--c3:#1b8a5a;--c4:#8a5cd0;--c5:#b58a00;--c6:#c2417f;--c7:#1394a8;--c8:#7a6a55;--rest:#b9b9b2;
--good:#1b8a5a;--bad:#c0392b;--heat:42,120,214}
@media (prefers-color-scheme:dark){:root{--page:#131316;--surface:#1c1c20;--text:#ececf0;--muted:#a3a3ad;--line:#34343b;--axis:#5d5d66;
--c1:#5b9ff0;--c2:#f08a55;--c3:#4fc38d;--c4:#b294f0;--c5:#dcb53c;--c6:#ec7fb0;--c7:#4cc3d6;--c8:#b8a68d;--rest:#55555e;
--good:#4fc38d;--bad:#f07f72;--heat:91,159,240}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1120px;margin:0 auto;padding:24px 20px 64px}
h1{font-size:26px;line-height:1.25;margin:8px 0 4px;overflow-wrap:anywhere}
h2{font-size:19px;margin:40px 0 8px}
h3{font-size:15px;margin:0 0 6px;font-weight:600}
p{margin:0 0 12px;max-width:75ch}
p,.note,figcaption{color:var(--muted)}
.card{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.grid{display:grid;gap:14px;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));margin:12px 0}
.tiles{display:grid;gap:12px;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));margin:16px 0}
.tile b{display:block;font-size:24px;font-weight:600;font-variant-numeric:tabular-nums}
.tile span{color:var(--muted);font-size:13px}
.scroll{overflow-x:auto;padding:0}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{padding:6px 10px;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}
tr:last-child td{border-bottom:0}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
th{font-weight:600;color:var(--muted);white-space:normal;vertical-align:bottom}
th button{all:unset;cursor:pointer}
th button:focus-visible{outline:2px solid var(--c1);outline-offset:2px}
th[aria-sort=ascending] button::after{content:" \25B2"}
th[aria-sort=descending] button::after{content:" \25BC"}
figure{margin:0}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--muted);font:12px system-ui,sans-serif}
.legend{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:13px;color:var(--muted);margin:2px 0 6px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:6px}
ol.hits{margin:4px 0 14px;padding-left:22px}
ol.hits li{margin:3px 0;overflow-wrap:anywhere}
details{margin:10px 0}summary{cursor:pointer;font-weight:600}details[open] summary{margin-bottom:10px}
.mark{font-weight:600;margin-right:6px}.good{color:var(--good)}.bad{color:var(--bad)}
)css";

/// Tables sort by a click on a column's title.
inline constexpr std::string_view script = R"js(
document.querySelectorAll('table.sort').forEach(table=>{
  table.querySelectorAll('th button').forEach(button=>button.onclick=()=>{
    const head=button.parentElement,column=[...head.parentElement.children].indexOf(head);
    const down=head.getAttribute('aria-sort')!=='descending'&&(head.classList.contains('n')||head.getAttribute('aria-sort')==='ascending');
    table.querySelectorAll('th').forEach(other=>other.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort',down?'descending':'ascending');
    const key=row=>{const cell=row.children[column],v=cell&&cell.dataset.v;return !cell||v===''?null:v===undefined?cell.textContent:Number(v)};
    const rows=[...table.tBodies[0].rows].map(row=>[key(row),row]);
    rows.sort(([a],[b])=>a===null||b===null?(a===null)-(b===null):(a<b?-1:a>b?1:0)*(down?-1:1));
    rows.forEach(([,row])=>table.tBodies[0].append(row));
  });
});
)js";

}  // namespace detail

NVEMBED_INLINE void Page::heading(std::string_view text) { body_ += "<h2>" + escape(text) + "</h2>\n"; }

NVEMBED_INLINE void Page::paragraph(std::string_view text) { body_ += "<p>" + escape(text) + "</p>\n"; }

NVEMBED_INLINE std::string Page::html() const {
  std::string s = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  s += "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>" + escape(title_) +
       "</title>\n";
  s += "<style>";
  s += detail::style;
  s += "</style>\n</head>\n<body>\n<main>\n<h1>" + escape(title_) + "</h1>\n" + body_ + "</main>\n<script>";
  s += detail::script;
  s += "</script>\n</body>\n</html>\n";
  return s;
}

}  // namespace nvembed::report

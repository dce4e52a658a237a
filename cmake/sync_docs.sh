#!/usr/bin/env bash
# Code in the docs is cut out of examples/, never typed in. A block is marked in the page by
#   <!-- from examples/03_own_mask/main.cpp mask -->
# followed by a fenced block, and in the source by two lines "// [mask]".
#   cmake/sync_docs.sh           rewrites the blocks
#   cmake/sync_docs.sh --check   fails where a block differs, naming page and mark
set -euo pipefail
cd "$(dirname "$0")/.."
status=0
for page in README.md docs/*.md docs/*/*.md; do
  [ -e "$page" ] || continue
  fresh=$(awk '
    function cut(file, mark,    line, inside, text, found) {
      while ((getline line < file) > 0) {
        if (line ~ "^[ \t]*// \\[" mark "\\]$") { inside = !inside; found = 1; continue }
        if (inside) text = text line "\n"
      }
      close(file)
      if (!found) { print FILENAME ": " file " has no mark [" mark "]" > "/dev/stderr"; exit 1 }
      return unindent(text)
    }
    function unindent(text,    n, lines, i, depth, out) {
      n = split(text, lines, "\n"); depth = 99
      for (i = 1; i < n; ++i) if (lines[i] != "") { match(lines[i], /^ */); if (RLENGTH < depth) depth = RLENGTH }
      for (i = 1; i < n; ++i) out = out substr(lines[i], depth + 1) "\n"
      return out
    }
    /^<!-- from / { print; fill = cut($3, $4); wait = 1; next }
    wait && /^```/ { print; printf "%s", fill; wait = 0; skip = 1; next }
    skip && /^```/ { skip = 0 }
    !skip { print }' "$page")
  if [ "${1:-}" = --check ]; then
    if ! diff -u "$page" <(printf '%s\n' "$fresh"); then
      echo "$page differs from its sources: run cmake/sync_docs.sh" >&2
      status=1
    fi
  else
    printf '%s\n' "$fresh" >"$page.new" && mv "$page.new" "$page"
  fi
done
exit $status

#!/usr/bin/env bash
# gpu.sh [BUILD [OUT.json]]: everything that only a machine with an NVIDIA GPU can show, in one JSON. BUILD is a tree of the
# preset `gpu` (cmake --preset gpu && cmake --build --preset gpu), build/gpu unless named; it may have been built elsewhere.
#   * the tests of the CUDA back end, held against the Eigen back end on this machine's CPU
#   * some of them under compute-sanitizer: memcheck, racecheck, synccheck
#   * bench_gpu, with the shares of what the device does in a large product
# The exit status tells whether all tests passed. GPU_SH_SKIP="sanitizer bench" leaves parts out, GPU_SH_EXCEPT the tests of
# that pattern (those on SmolLM2 need the demo's model), GPU_SH_SECONDS limits each sanitizer.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
build=${1:-build/gpu} out=${2:-gpu.json} failed=0 skip=" ${GPU_SH_SKIP:-} "
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LD_LIBRARY_PATH=$build/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

device=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader | head -n 1) || { echo "gpu.sh: no NVIDIA GPU" >&2; exit 2; }
echo "== $device"
entry() { printf '  {"name": "%s", "status": %d, "seconds": %s}' "$1" "$2" "$3" >>"$work/entries"; }

# run NAME LIMIT COMMAND...
run() {
  local name=$1 limit=$2 begin status
  shift 2
  begin=$(date +%s.%N)
  timeout "$limit" "$@" >"$work/log" 2>&1
  status=$?
  [ -s "$work/entries" ] && printf ',\n' >>"$work/entries"
  entry "$name" $status "$(awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }')"
  if [ $status -eq 0 ]; then
    echo "ok    $name: $(grep -E 'test cases:|ERROR SUMMARY|RACECHECK SUMMARY' "$work/log" | tail -n 1)"
  else
    failed=1
    echo "FAIL  $name: status $status"
    grep -vE '^\s*$' "$work/log" | tail -n "${GPU_SH_LINES:-25}"
  fi
}

for program in "$build"/bin/test_*; do
  run "${program##*/}" 240 "$program" --test-case='*cuda*' --test-case-exclude="${GPU_SH_EXCEPT:-}" --no-version
done
sanitizer=$(command -v compute-sanitizer || true)
if [ -n "$sanitizer" ] && [[ $skip != *" sanitizer "* ]]; then
  for tool in memcheck racecheck synccheck; do
    run "$tool" "${GPU_SH_SECONDS:-600}" "$sanitizer" --tool $tool --error-exitcode 9 "$build/bin/test_backends_cuda" \
      --test-case='*16-bit*Float16*' --test-case-exclude='*BFloat16*' --no-version
  done
fi
bench=null
if [ -x "$build/bin/bench_gpu" ] && [[ $skip != *" bench "* ]]; then
  if "$build/bin/bench_gpu" "$work/bench.json" && [ -s "$work/bench.json" ]; then
    bench=$(cat "$work/bench.json")
  else
    failed=1
  fi
fi
printf '{\n "machine": "%s",\n "tests": [\n%s\n ],\n "bench": %s\n}\n' "$device" "$(cat "$work/entries")" "$bench" >"$out"
exit $failed

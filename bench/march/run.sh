#!/usr/bin/env bash
# What the lack of -march=native costs a user of the library: builds main.cpp both ways, header-only and compiled, and runs
# them in turns on the demo's model.
#   bench/march/run.sh [ROUNDS [BUILD_TYPE]]      8 rounds, Release (-O3); RelWithDebInfo is -O2
# Prints for each form the median and the range, over the rounds, of time without the flag / time with it.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-8} type=${2:-Release}
model=$(cmake/fetch_model.sh)
build=build/march/$type
for way in portable native; do
  flags=
  [ $way = portable ] || flags=-march=native
  cmake -S bench/march -B "$build/$way" -DCMAKE_BUILD_TYPE="$type" -DCMAKE_CXX_FLAGS=$flags >/dev/null
  cmake --build "$build/$way" -j 2 --target march_onednn march_onednn_compiled >/dev/null
done
python3 - "$model" "$build" "$rounds" <<'PYTHON'
import json, statistics, subprocess, sys
model, build, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open("examples/data/passages.jsonl") as passages, open(build + "/texts", "w") as out:
    for line, _ in zip(passages, range(50)):
        print(json.loads(line)["text"].replace("\n", " "), file=out)
for form in "onednn", "onednn_compiled":
    ratios, bits = {"tokenise": [], "encode": []}, set()
    for r in range(rounds):
        times = {}
        for way in ("portable", "native") if r % 2 else ("native", "portable"):
            run = subprocess.run([f"{build}/{way}/march_{form}", model, build + "/texts"], check=True, capture_output=True)
            *seconds, hash = run.stdout.decode().split()
            times[way] = list(map(float, seconds))
            bits.add(hash)
        for i, what in enumerate(ratios):
            ratios[what].append(times["portable"][i] / times["native"][i])
    for what, r in ratios.items():
        print(f"{form:16} {what:9} {statistics.median(r):.3f}  ({min(r):.3f} to {max(r):.3f})", end="  ")
        print(f"last {times['portable'][i]:.2f} s") if what == "encode" else print()
    print(f"{form:16} bits {'are the same' if len(bits) == 1 else 'DIFFER'}")
PYTHON

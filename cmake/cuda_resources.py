#!/usr/bin/env python3
"""cuda_resources.py [--update]: compiles src/cuda.cu for sm_80, sm_90 and sm_100 and holds the registers and spills of its
kernels against backends/cuda/registers.txt; fails where a kernel takes more than it says. --update writes the file.
A line: architecture, most registers, most bytes of spilled stores, instances, kernel (with its head size, for attention)."""
import collections
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parent.parent
table = root / "backends/cuda/registers.txt"
found = collections.defaultdict(lambda: [0, 0, 0])  # registers, spills, instances


def compile_for(arch):
    with tempfile.NamedTemporaryFile(suffix=".o") as out:
        return subprocess.run(
            ["nvcc", "-std=c++20", "-O3", "-DNDEBUG", "-DNVEMBED_COMPILED", f"-gencode=arch=compute_{arch},code=sm_{arch}",
             "--expt-relaxed-constexpr", "-diag-suppress=554", "-Xptxas=-v", f"-I{root}/include",
             f"-I{root}/backends/cuda/include", "-c", str(root / "src/cuda.cu"), "-o", out.name],
            capture_output=True, text=True)


architectures = ("80", "90", "100")
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    runs = list(pool.map(compile_for, architectures))
for arch, run in zip(architectures, runs):
    if run.returncode:
        sys.exit(run.stderr)
    entries = re.findall(r"Compiling entry function '(\S+)' for 'sm_\d+'(.*?)Used (\d+) registers", run.stderr, re.S)
    names = subprocess.run(["c++filt"], input="\n".join(e[0] for e in entries), capture_output=True, text=True,
                           check=True).stdout.splitlines()
    for name, (_, between, registers) in zip(names, entries):
        size = re.search(r"attention_(?:tensor|general)_kernel<[^,]+, (\d+)", name)
        kernel = re.search(r"(\w+)_kernel", name).group(1) + (f"<{size.group(1)}>" if size else "")
        entry = found["sm_" + arch, kernel]
        entry[0] = max(entry[0], int(registers))
        entry[1] = max(entry[1], int(re.search(r"(\d+) bytes spill stores", between).group(1)))
        entry[2] += 1
if not found:
    sys.exit("cuda_resources: ptxas said nothing of any kernel")
if "--update" in sys.argv:
    table.write_text("".join(f"{a} {r} {s} {n} {k}\n" for (a, k), (r, s, n) in sorted(found.items())))
    sys.exit()
expected = {}
for line in table.read_text().splitlines():
    a, r, s, _, k = line.split()
    expected[a, k] = int(r), int(s)
problems = []
for (a, k), (r, s, _) in sorted(found.items()):
    most = expected.get((a, k))
    if most is None:
        problems.append(f"{a} {k}: not in {table.name}; --update adds it")
    elif r > most[0] or s > most[1]:
        problems.append(f"{a} {k}: {r} registers, {s} bytes spilled; {table.name} has {most[0]} and {most[1]}")
print("\n".join(problems) or f"{sum(n for _, _, n in found.values())} kernels keep to their registers")
sys.exit(bool(problems))

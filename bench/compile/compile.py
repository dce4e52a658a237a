#!/usr/bin/env python3
"""Measures what the library costs to compile and holds it against bench/compile/budgets.json.

    compile.py [--all] [--update] [--only NAME]

umbrella     a user's program: nvembed.hpp, load and encode, over the compiled libraries (examples/01_encode)
header_only  NV-Embed from its parts, nothing compiled beforehand
build        the whole release build with its tests, on all cores; only with --all, for it takes minutes

Figures are processor time (user), the least of --repeats: wall time says more about who else uses the machine. The
build's budget is minutes on two cores, so its processor time is divided by two. Exit 1 where something is over its
budget, or more than a quarter over the last figure that --update wrote, which tells on a machine as fast as that one
was. ccache is left out.
"""
import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUDGETS = Path(__file__).with_name("budgets.json")
SOURCES = {"umbrella": "examples/01_encode/main.cpp", "header_only": "bench/compile/nvembed_header_only.cpp"}
GROWTH = 1.25


def run(command, folder=ROOT):
    """User seconds of a command and all it starts."""
    environment = dict(os.environ, CCACHE_DISABLE="1")
    environment.pop("CMAKE_CXX_COMPILER_LAUNCHER", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    r = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if r.returncode:
        sys.exit(f"{shlex.join(map(str, command))}\n{r.stdout}")
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--all", action="store_true", help="the whole build too")
    p.add_argument("--update", action="store_true", help="write the figures as the new baseline")
    p.add_argument("--only", choices=[*SOURCES, "build"])
    p.add_argument("--repeats", type=int, default=2)
    p.add_argument("--json", action="store_true", help="print one JSON object")
    a = p.parse_args()
    wanted = [a.only] if a.only else [*SOURCES, *(["build"] if a.all else [])]

    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        run(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DNVEMBED_BUILD_BENCH=ON",
             "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"])
        commands = {c["file"]: shlex.split(c["command"])
                    for c in json.loads((Path(folder) / "compile_commands.json").read_text())}
        for name in wanted:
            if name == "build":
                measured[name] = run(["cmake", "--build", folder]) / 2
            else:
                command = commands[str(ROOT / SOURCES[name])]
                command[command.index("-o") + 1] = str(Path(folder) / "measured.o")
                measured[name] = min(run(command, folder) for _ in range(a.repeats))

    budgets = json.loads(BUDGETS.read_text())
    over = False
    for name, seconds in measured.items():
        b = budgets[name]
        limit = min(b["budget_s"], b.get("baseline_s", b["budget_s"]) * GROWTH)
        b["measured_s"] = round(seconds, 1)
        over = over or seconds > limit
        if not a.json:
            print(f"{name:12} {seconds:7.1f} s   baseline {b.get('baseline_s', 0):7.1f} s   budget {b['budget_s']} s"
                  f"{'   OVER' if seconds > limit else ''}")
    if a.json:
        print(json.dumps({name: budgets[name] for name in measured}))
    if a.update:
        for name, b in budgets.items():
            if "measured_s" in b:
                b["baseline_s"] = b.pop("measured_s")
        BUDGETS.write_text(json.dumps(budgets, indent=2) + "\n")
        return 0
    return int(over)


if __name__ == "__main__":
    sys.exit(main())

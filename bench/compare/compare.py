#!/usr/bin/env python3
"""Runs nvembed and other software on the same work, one right after the other, and writes tables.

    compare.py --peers DIR --models DIR --xquad DIR --python VENV/bin/python [--results FILE.json] [--doc FILE.md]

--peers   a folder of scripts that measure the others and print one JSON object a line: bench_encode.py (its events
          are read in `encode_table` below) and bench_layer.py; they are not part of this repository
--models  the model files that its prepare_models.py wrote; nvembed reads the same float32 weights from DIR/hf
--xquad   queries.jsonl and corpus.jsonl, whose texts are encoded
--python  an interpreter that has the others installed

Results are added to the JSON file after each run, those of the same name replaced, so --only measures a part again and
--only none rewrites the tables alone. --doc replaces what stands between `<!-- compare NAME -->` and
`<!-- compare end -->` in a document. Ids are made once, by the peers' tokenizer, and are the same for all; nobody's
tokenisation is timed.
"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORKLOADS = "W1", "W2", "W3", "W4"
# Rows of the table, in the order they run: how weights are held, then who. torch-f32 leaves vectors to judge the rest.
ROWS = [
    ("float32", ["torch-f32", "nvembed-f32", "openvino-f32", "ort-f32", "llamacpp-f32"]),
    ("16 bits", ["nvembed-f16", "nvembed-bf16", "torch-bf16", "openvino-bf16", "llamacpp-f16"]),
    ("8 bits", ["nvembed-int8", "openvino-int8", "ort-int8", "llamacpp-q8_0"]),
    ("4 bits, the file's blocks", ["nvembed-q4", "llamacpp-as-is"]),
]
# name: (benchmark of ours, command of the other)
PIECES = {
    "attention, 2,048 tokens, 9 heads of 64": (
        r"^attention<onednn::Backend, mask::Bidirectional>/model:0/tokens:2048/", ["torch_attention", 9, 64, 2048]),
    "attention, 2,048 tokens, 32 heads of 128": (
        r"^attention<onednn::Backend, mask::Bidirectional>/model:1/tokens:2048/", ["torch_attention", 32, 128, 2048]),
    "latent head of NV-Embed, 512 tokens": (
        r"^latent_head_folded<onednn::Backend>/tokens:512/", ["bench_layer", "latent"]),
    "Mistral-7B layer, 512 tokens": (
        r"^decoder_layer<onednn::Backend>/model:1/tokens:512/texts:1/precision:0/", ["bench_layer", "mistral"]),
}

DUMP_IDS = """
import json, pathlib, sys
sys.path.insert(0, sys.argv[1])
import bench_encode
work = bench_encode.read_texts(pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[2]))
every = int(sys.argv[4])
json.dump({w: x if w == "W4" else x[::every] for w, x in work.items()}, open(sys.argv[5], "w"))
"""
COSINES = """
import json, pathlib, sys
import numpy as np
reference, folder = np.load(sys.argv[1]), pathlib.Path(sys.argv[2])
worst = {}
for name in reference.files:
    if (folder / (name + ".f32")).exists():
        x = np.fromfile(folder / (name + ".f32"), np.float32).reshape(reference[name].shape)
        worst[name] = round(float((reference[name] * x).sum(1).min()), 5)
print(json.dumps(worst))
"""


def machine():
    info = {}
    for line in open("/proc/cpuinfo"):
        key, _, value = line.partition(":")
        info.setdefault(key.strip(), value.strip())
    sets = [s for s in ("avx2", "avx512f", "avx512_vnni", "amx_bf16") if s in info.get("flags", "").split()]
    return f"{info.get('model name', 'unknown CPU')}, {len(os.sched_getaffinity(0))} cores, {' '.join(sets)}"


class Runs:
    def __init__(self, a):
        self.a = a
        self.results = json.loads(a.results.read_text()) if a.results.exists() else {"encode": {}, "pieces": {}}
        self.environment = dict(os.environ, OMP_NUM_THREADS=str(a.threads), TOKENIZERS_PARALLELISM="false")

    def run(self, command, own=False):
        """Standard output; what a command says on its way to failing goes to standard error."""
        command = shlex.split(self.a.launcher) + [str(c) for c in command]
        print("+", " ".join(command), file=sys.stderr, flush=True)
        # Our threads are the cores of the process; theirs are set by the environment.
        return subprocess.run(command, env=None if own else self.environment, stdout=subprocess.PIPE, text=True,
                              check=True).stdout

    def lines(self, command, own=False):
        return [json.loads(s) for s in self.run(command, own).splitlines() if s.startswith("{")]

    def save(self):
        self.results.update(machine=machine(), threads=self.a.threads)
        self.a.results.write_text(json.dumps(self.results, indent=1) + "\n")

    def encode(self, name, ids, scratch):
        a = self.a
        if name.startswith("nvembed-"):
            precision = name.removeprefix("nvembed-")
            model = a.gguf if precision == "q4" else a.models / "hf"
            events = self.lines([a.build / "bin/bench_encode", model, ids, precision, a.threads, a.repeats, scratch],
                                own=True)
        else:
            events = self.lines([a.python, a.peers / "bench_encode.py", "--models", a.models, "--xquad", a.xquad,
                                 "--peer", name, "--workload", ",".join(WORKLOADS), "--threads", a.threads,
                                 "--every", a.every, "--repeats", a.repeats])
        result = {e.pop("event"): e for e in events}
        if "failed" in result:
            print(f"{name}: {result['failed']['stderr']}", file=sys.stderr)
            return
        reference = a.models / f"ref-{a.every}.npz"
        if name.startswith("nvembed-") and reference.exists():
            for workload, cosine in self.lines([a.python, "-c", COSINES, reference, scratch])[0].items():
                result[workload]["min_cos"] = cosine
        self.results["encode"][name] = dict(result, every=a.every)
        self.save()

    def piece(self, name, scratch):
        """In turn, several times: what disturbs one round disturbs both; the best of each counts."""
        a = self.a
        pattern, (script, *arguments) = PIECES[name]
        out = Path(scratch) / "ours.json"
        ours, theirs = [], []
        for _ in range(a.repeats):
            self.run([a.build / "bin/bench_nvembed", f"--benchmark_filter={pattern}", "--benchmark_repetitions=3",
                      "--benchmark_min_time=0.3", f"--benchmark_out={out}"], own=True)
            report = json.loads(out.read_text())
            ceiling = float(report["context"]["gemm_ceiling_gflops"])
            unit = {"ms": 1e3, "us": 1e6, "ns": 1e9}
            ours += [(b["real_time"] / unit[b["time_unit"]], ceiling, b["share"])
                     for b in report["benchmarks"] if b["run_type"] == "iteration"]
            if script == "bench_layer":
                command = [a.peers / "bench_layer.py", "--piece", *arguments, "--dtype", "f32", "--threads", a.threads]
            else:
                command = [HERE / f"{script}.py", *arguments, a.threads]
            measured = self.lines([a.python, *command])[-1]
            theirs.append((measured["s_min"], measured["ceiling_gflops"]))
            if not ours:
                sys.exit(f"{name}: bench_nvembed has no benchmark {pattern}")
            seconds, ceiling, share = min(ours)
            self.results["pieces"][name] = dict(ours_s=seconds, ours_ceiling=ceiling, ours_share=share,
                                                torch_s=min(theirs)[0], torch_ceiling=min(theirs)[1])
            self.save()


def encode_table(r):
    yield "| | W1 | W2 | W3 | W4 | load | memory | ceiling | lowest cosine |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for title, names in ROWS:
        names = [n for n in names if n in r["encode"]]
        if names:
            yield f"| *{title}* | | | | | | | | |"
        for name in names:
            e = r["encode"][name]
            cells = [f"{e[w]['tokens_s']:,.0f} ({e[w]['ceiling_share']:.2f})" for w in WORKLOADS[:3]]
            ceilings = [e[w]["ceiling_gflops"] for w in WORKLOADS[:3]]
            cosines = [e[w].get("min_cos") for w in WORKLOADS[:3]]
            cosines = [c for c in cosines if c is not None]
            yield "| " + " | ".join(
                [f"**{name}**" if name.startswith("nvembed-") else name, *cells, f"{e['W4']['ms_median']:.1f} ms",
                 f"{e['load']['load_s']:.1f} s",
                 f"{e['end']['peak_rss_mib'] - e['load'].get('rss_before_mib', 0):,} MiB",
                 f"{min(ceilings):.0f} to {max(ceilings):.0f}",
                 "the judge" if name == "torch-f32" else f"{min(cosines):.5f}" if cosines else ""]) + " |"


def pieces_table(r):
    yield "| | nvembed | share | PyTorch | PyTorch / nvembed | ceilings |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name in PIECES:
        p = r["pieces"].get(name)
        if p:
            yield (f"| {name} | {p['ours_s'] * 1e3:,.1f} ms | {p['ours_share']:.2f} | {p['torch_s'] * 1e3:,.1f} ms | "
                   f"{p['torch_s'] / p['ours_s']:.2f} | {p['ours_ceiling']:.0f} and {p['torch_ceiling']:.0f} |")


def tables(r):
    head = f"{r['machine']}; {r['threads']} threads"
    every = "; ".join(f"every {e}th text of W1 to W3" if e > 1 else "all texts"
                      for e in sorted({e["every"] for e in r["encode"].values()}))
    yield "encode", [f"{head}; {every}.", "", *encode_table(r)]
    yield "pieces", [f"{head}; float32, best of several runs.", "", *pieces_table(r)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("peers", "models", "xquad"):
        p.add_argument(f"--{name}", type=Path)
    p.add_argument("--python", default=sys.executable, help="interpreter of the others")
    p.add_argument("--build", type=Path, default=HERE.parents[1] / "build/release", help="a build with the benchmarks")
    p.add_argument("--gguf", type=Path, help="the file that --models was made from: its blocks, for nvembed-q4")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--every", type=int, default=1, help="only every N-th text of W1 to W3: shorter, but more padding")
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--only", default="encode,pieces", help="encode, pieces, none, or a part of names in the tables")
    p.add_argument("--launcher", default="", help="command put before each measured one, such as 'numactl -N 0'")
    p.add_argument("--results", type=Path, default=Path("compare.json"))
    p.add_argument("--doc", type=Path)
    a = p.parse_args()
    wanted = a.only.split(",")
    runs = Runs(a)
    names = [n for _, group in ROWS for n in group if "encode" in wanted or any(w in n for w in wanted)]
    names = [n for n in names if n != "nvembed-q4" or a.gguf]
    pieces = [n for n in PIECES if "pieces" in wanted or any(w in n for w in wanted)]
    if names and not (a.peers and a.models and a.xquad):
        p.error("--peers, --models and --xquad are needed to encode")
    if any(PIECES[n][1][0] == "bench_layer" for n in pieces) and not a.peers:
        p.error("--peers is needed for layers; --only attention goes without")
    with tempfile.TemporaryDirectory() as scratch:
        if names:
            ids = Path(scratch) / "ids.json"
            subprocess.run([a.python, "-c", DUMP_IDS, a.peers, a.models, a.xquad, str(a.every), ids], check=True)
        for name in names:
            runs.encode(name, ids, scratch)
        for name in pieces:
            runs.piece(name, scratch)
    if "machine" not in runs.results:
        sys.exit(f"{a.results}: nothing has been measured yet")
    for name, lines in tables(runs.results):
        text = "\n".join(lines)
        print(f"\n{text}")
        if a.doc:
            begin, end = f"<!-- compare {name} -->\n", "<!-- compare end -->"
            pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
            document, replaced = pattern.subn(lambda _: f"{begin}{text}\n{end}", a.doc.read_text())
            if replaced != 1:
                sys.exit(f"{a.doc}: '{begin.strip()}' with its end stands there {replaced} times, not once")
            a.doc.write_text(document)


if __name__ == "__main__":
    main()

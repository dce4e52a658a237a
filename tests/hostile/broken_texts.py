"""Texts, pairs, stored vectors and what stands beside them, and options, for a good model."""

import gzip
import json
import struct
import subprocess

import writers as w
from case import Case, hf, parts, text

TWO = "the cat sat\na dog ran\n"
LONG = 100 << 20


def lines(name, says, content, run="tokenize", exit=1):
    return text(name, says, content, run, ".jsonl", exit)


def place(name, says, make, run="tokenize"):
    """Something that is no file in the place of the texts."""

    def build(folder):
        path = folder / "texts.txt"
        make(path)
        return [
            run,
            w.hf_model(folder / "model"),
            "--quiet",
            "-i",
            path,
            *(["-o", folder / "out.npy"] if run == "encode" else []),
        ]

    return Case("text " + name, build, parts(says))


def pairs(name, says, content):
    def build(folder):
        path = folder / "pairs.jsonl"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return ["similarity", w.hf_model(folder / "model"), "--quiet", "-i", path]

    return Case("pairs " + name, build, ["pairs.jsonl", *parts(says)])


TEXTS = [
    text("empty", [], b"", exit=0),
    text("without a last line end", [], "one\ntwo", exit=0),
    text("with CRLF", [], "one\r\ntwo\r\n", exit=0),
    text("with a byte order mark", [], b"\xef\xbb\xbfone\n", exit=0),
    text("with NUL", [], b"a\0b\n", exit=0),
    text("not UTF-8", ["line 2", "byte 1"], b"good\nb\xffd\n"),
    text("a character cut", ["line 1", "UTF-8"], "naïv€".encode()[:-1]),
    text("an overlong character", ["line 1", "UTF-8"], b"\xc0\xaf\n"),
    text("a surrogate", ["line 1", "UTF-8"], b"\xed\xa0\x80\n"),
    text("UTF-16", ["line 1", "UTF-16"], "some words\n".encode("utf-16")),
    text("UTF-16, big-endian", ["line 1", "UTF-16"], b"\xfe\xff" + "some words\n".encode("utf-16-be")),
    text("compressed", ["line 1", "gzip"], gzip.compress(b"some words\n")),
    text("binary", ["line 2", "UTF-8"], bytes(range(256))),
    text("a line of 100 MB", ["line 1", "longer than 64 MiB"], lambda: b"a" * LONG),
    text("a line of 100 MB, encode", ["line 1", "longer than 64 MiB"], lambda: b"a" * LONG, run="encode"),
    text("a line of 60 MB", ["line 1", "split it"], lambda: b"a" * 60_000_000),
    text("a line of 60 MB, encode", ["line 2", "split it"], lambda: b"one\n" + b"a" * 60_000_000, run="encode"),
    text("a line of 8 MB", [], lambda: b"a" * (8 << 20), exit=0),
    text("a line of 8 MB of words", [], lambda: b"many words " * (700 << 10), exit=0),
    text("a line of 8 MB of blanks", [], lambda: b" " * (8 << 20), exit=0),
    text("a line of marks out of order", [], lambda: ("a" + "\u0301\u0323\u05b0" * 1_100_000).encode(), exit=0),
    text("100000 empty lines", [], lambda: b"\n" * 100_000, exit=0),
    place("missing", ["texts.txt", "No such file"], lambda p: None),
    place("missing, encode", ["texts.txt", "No such file"], lambda p: None, "encode"),
    place("a folder", ["texts.txt", "folder"], lambda p: p.mkdir()),
    place("a folder, encode", ["texts.txt", "folder"], lambda p: p.mkdir(), "encode"),
    place("links to itself", ["texts.txt", "symbolic links"], lambda p: p.symlink_to(p.name)),
    place("a device without end", ["texts.txt", "line 1", "longer than 64 MiB"], lambda p: p.symlink_to("/dev/zero")),
    text("empty, encode", [], b"", run="encode", exit=0),
    text("blank line, encode", ["line 2", "no token"], b"one\n\ntwo\n", run="encode"),
]

LINES = [
    lines("no JSON", ["line 2", "column"], '{"text": "a"}\n{"text": \n'),
    lines("a list", ["line 1", "object"], "[1]\n"),
    lines("a text alone", ["line 1", "object"], '"a"\n'),
    lines("without text", ["line 2", "text", "missing"], '{"text": "a"}\n{"txt": "b"}\n'),
    lines("text a number", ["line 1", "text", "expected a string, found number 5"], '{"text": 5}\n'),
    lines("text null", ["line 1", "text"], '{"text": null}\n'),
    lines("text a list", ["line 1", "text", "found array"], '{"text": ["a"]}\n'),
    lines("id a fraction", ["line 1", "id"], '{"text": "a", "id": 1.5}\n'),
    lines("id an object", ["line 1", "id"], '{"text": "a", "id": {}}\n'),
    lines("title a number", ["line 1", "title"], '{"text": "a", "title": 1}\n'),
    lines("instruction a number", ["line 1", "instruction"], '{"text": "a", "instruction": 1}\n'),
    lines("prefix a number", ["line 1", "prefix"], '{"text": "a", "prefix": 1}\n'),
    lines("two on a line", ["line 1", "column"], '{"text": "a"}{"text": "b"}\n'),
    lines("a key twice", [], '{"text": "a", "text": "b"}\n', exit=0),
    lines("nested deep", ["line 1", "column"], '{"text": ' + "[" * 100000 + "\n"),
    lines("4 million elements", ["line 1", "array"], lambda: b'{"text": [' + b"1," * 4_000_000 + b"1]}\n"),
    lines("4 million elements elsewhere", [], lambda: b'{"text": "a", "x": [' + b"1," * 4_000_000 + b"1]}\n", exit=0),
    lines("40 MB elsewhere", [], lambda: b'{"html": "' + b"<br>" * 10_000_000 + b'", "text": "a"}\n', exit=0),
    lines("a text of 40 MB", ["line 1", "split it"], lambda: b'{"text": "' + b"ab c" * 10_000_000 + b'"}\n'),
    lines("a line of 100 MB", ["line 1", "longer than 64 MiB"], lambda: b'{"text": "' + b"a" * LONG + b'"}\n'),
    lines("half a surrogate pair", ["line 1", "surrogate"], '{"text": "\\ud800"}\n'),
    lines("an escape that is none", ["line 1", "column"], '{"text": "\\x"}\n'),
    lines("a control character", ["line 1", "control character"], '{"text": "a\tb"}\n'),
    lines("not UTF-8", ["line 1", "UTF-8"], b'{"text": "\xff"}\n'),
    lines("a number of 1 MB", ["line 1"], lambda: b'{"text": ' + b"1" * 1_000_000 + b"}\n"),
    lines("a key of control characters", ["line 1"], '{"\\u001b[31m\\n": 1}\n'),
    lines("a text of 8 MB", [], lambda: b'{"text": "' + b"ab " * (2700 << 10) + b'"}\n', exit=0),
    lines("UTF-16", ["line 1", "UTF-16"], '{"text": "a"}\n'.encode("utf-16")),
    lines("empty", [], b"", exit=0),
    lines("blank lines", [], b"\n  \n\t\n", exit=0),
    pairs("without text2", ["line 1", "text2"], '{"text1": "a"}\n'),
    pairs("text1 a number", ["line 2", "text1"], '{"text1": "a", "text2": "b"}\n{"text1": 1, "text2": "b"}\n'),
    pairs("no JSON", ["line 1", "column"], "the cat\tthe dog\n"),
]

# What `encode` itself wrote for TWO, by name of the file, so that one thing at a time can be spoiled.
PROGRAM = None


def stored(name, says, spoil, exit=1):
    """search --index, over vectors that the program made and something has changed since."""

    def build(folder):
        model = w.hf_model(folder / "model")
        (folder / "texts.txt").write_text(TWO)
        index = folder / "index.npy"
        subprocess.run([PROGRAM, "encode", model, "--quiet", "-i", folder / "texts.txt", "-o", index], check=True)
        spoil(index)
        return ["search", model, "--quiet", "--corpus", folder / "texts.txt", "--index", index, "--query", "cat"]

    return Case("index " + name, build, ["index.npy", *parts(says)] if exit else [], exit)


def index(name, says, *args, tail=b"", **fields):
    def spoil(path):
        values = path.read_bytes()[128:]
        path.write_bytes(w.npy(2, w.HIDDEN, fields.pop("values", values), **fields) + tail)

    return stored(name, says, spoil)


def fingerprint(name, says, change):
    def spoil(path):
        beside = path.with_name(path.name + ".fingerprint.json")
        content = change(json.loads(beside.read_text()))
        beside.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())

    return stored("fingerprint " + name, ["fingerprint.json", *parts(says)] if isinstance(says, tuple) else says, spoil)


def nan(path):
    content = bytearray(path.read_bytes())
    content[128 + 4 * w.HIDDEN : 132 + 4 * w.HIDDEN] = struct.pack("<f", float("nan"))
    path.write_bytes(content)


INDEX = [
    stored("as it was made", [], lambda path: None, exit=0),
    index("bad magic", "\\x93NUMPY", magic=b"\x93NUMPX"),
    index("version 9", "version 9.0", version=(9, 0)),
    index("Fortran order", "fortran_order", order="True"),
    index("objects", "'|O'", descr="|O"),
    index("pickled", "'|O'", descr="|O", values=b"\x80\x04cos\nsystem\n"),
    index("big-endian", "'>f4'", descr=">f4"),
    index("doubles", "'<f8'", descr="<f8"),
    index("header that is no dict", "header", header="[1, 2, 3]"),
    index("header of bytes", "header", header=bytes(range(1, 100))),
    index("header that never ends", "header", header="{'descr': '<f4"),
    index("header without shape", "header", header="{'descr': '<f4', 'fortran_order': False, }"),
    index("header with code", "header", header="{'descr': __import__('os').system('id'), }"),
    index("shape of another count", "3 rows", shape=f"(3, {w.HIDDEN})"),
    index("shape of another width", "2 rows of 17", shape="(2, 17)"),
    index("shape of one dimension", "shape", shape="(32,)"),
    index("shape of three dimensions", "shape", shape="(2, 4, 4)"),
    index("shape negative", "shape", shape=f"(-2, {w.HIDDEN})"),
    index("shape huge", "shape", shape="(9999999999999999999999, 16)"),
    index("shape 2^62", "4611686018427387904 rows", shape=f"(4611686018427387904, {w.HIDDEN})"),
    index("trailing bytes", "129", tail=b"x"),
    stored("cut", "bytes", lambda path: path.write_bytes(path.read_bytes()[:-7])),
    stored("cut in the header", "header", lambda path: path.write_bytes(path.read_bytes()[:50])),
    stored("empty", ".npy", lambda path: path.write_bytes(b"")),
    stored("of zeros", "\\x93NUMPY", lambda path: path.write_bytes(bytes(1000))),
    stored("a folder", "folder", lambda path: (path.unlink(), path.mkdir())),
    stored("missing", "no such file", lambda path: path.unlink()),
    stored("not a number", ["row 1", "not finite"], nan),
    stored(
        "header's length 65535",
        "header",
        lambda path: path.write_bytes(path.read_bytes()[:8] + b"\xff\xff" + path.read_bytes()[10:]),
    ),
    stored(
        "without fingerprint", "fingerprint.json", lambda path: path.with_name("index.npy.fingerprint.json").unlink()
    ),
    fingerprint("empty", ("parse error",), lambda j: b""),
    fingerprint("cut", ("column",), lambda j: json.dumps(j).encode()[:30]),
    fingerprint("a list", ("object",), lambda j: []),
    fingerprint("without fingerprint", ("fingerprint",), lambda j: {k: v for k, v in j.items() if k != "fingerprint"}),
    fingerprint("of another model", "another model", lambda j: {**j, "fingerprint": "0" * 64}),
    fingerprint("a number", ("fingerprint",), lambda j: {**j, "fingerprint": 5}),
    fingerprint("of other texts", "other texts", lambda j: {**j, "texts": "0" * 64}),
    fingerprint("of int8", "int8", lambda j: {**j, "output_type": "int8"}),
    fingerprint("of control characters", "[31m", lambda j: {**j, "output_type": "\x1b[31m\n"}),
    fingerprint("nested deep", ("nested deeper",), lambda j: b"[" * 100000),
]


def resumed(name, says, spoil, exit=1):
    """encode --resume, from a state file that the program did not leave so."""

    def build(folder):
        model = w.hf_model(folder / "model")
        texts, out, full = folder / "texts.txt", folder / "left.npy", folder / "full.npy"
        texts.write_text(TWO)
        subprocess.run([PROGRAM, "encode", model, "--quiet", "-i", texts, "-o", full], check=True)
        made = json.loads((folder / "full.npy.fingerprint.json").read_text())
        part = full.read_bytes()
        state = {
            "settings": f"{made['fingerprint']} f32 npy 0 -1",
            "rows": 2,
            "bytes": len(part),
            "texts": made["texts"],
            "tokens": 9,
            "truncated": {"count": 0, "lines": []},
            "empty": {"count": 0, "lines": []},
        }
        state = spoil(state)
        (folder / "left.npy.part").write_bytes(part)
        (folder / "left.npy.part.json").write_bytes(state if isinstance(state, bytes) else json.dumps(state).encode())
        return ["encode", model, "--quiet", "-i", texts, "-o", out, "--resume"]

    return Case("resume " + name, build, ["left.npy", *parts(says)] if exit else [], exit)


def state(name, says, **fields):
    return resumed(name, says, lambda s: {**s, **fields})


RESUME = [
    resumed("from a good state", [], lambda s: s, exit=0),
    resumed("from an empty file", "parse error", lambda s: b""),
    resumed("from a cut file", "column", lambda s: json.dumps(s).encode()[:40]),
    resumed("from a list", "object", lambda s: []),
    resumed("from another version", "missing", lambda s: {"version": 2}),
    resumed("from a file nested deep", "nested deeper", lambda s: b"[" * 100000),
    state("of other settings", "another model or other settings", settings="x"),
    state("rows negative", "rows", rows=-1),
    state("rows 2^62", "rows", rows=1 << 62),
    state("rows a text", "rows", rows="2"),
    state("rows that are not in the file", "rows", rows=1),
    state("bytes negative", "bytes", bytes=-1),
    state("bytes beyond the file", "bytes", bytes=1 << 40),
    state("bytes within the header", "bytes", bytes=3),
    state("other texts", "are not those of", texts="0" * 64),
    state("tokens negative", "tokens", tokens=-5),
    state("counts negative", "count", truncated={"count": -1, "lines": []}),
    state("lines of texts", "lines", truncated={"count": 1, "lines": ["a"]}),
    state("lines missing", "empty", empty=5),
]


def option(name, says, *arguments, exit=2):
    return Case("option " + name, lambda folder: ["info", w.hf_model(folder / "model"), *arguments], parts(says), exit)


OPTIONS = [
    *(
        option(f"--mask {m!r}", "--mask", "--mask", m)
        for m in (
            "x",
            "window:",
            "window:-1",
            "window:99999999999999999999",
            "window:1,",
            "window:1,2,3",
            "prefix:",
            "prefix:full",
            "prefix:full,",
            "causal&",
            "causal&window:x",
            "window:1 ",
            "\x1b[31m",
            "window:" + "9" * 100000,
        )
    ),
    *(option(f"--precision {p!r}", "--precision", "--precision", p) for p in ("", "f64", "F32", "q4 ", "int4")),
    *(
        option(f"--threads {n!r}", "--threads", "--threads", n)
        for n in ("-1", "x", "1e9", "99999999999999999999", "1025", "")
    ),
    option("--pool unknown", "--pool", "--pool", "cls"),
    option("--backend unknown", "--backend", "--backend", "tpu"),
    option("--max-length -1", "--max-length", "--max-length", "-1"),
    option(
        "--instruction that is no UTF-8",
        "--instruction",
        "--instruction",
        b"\xff".decode("utf-8", "surrogateescape"),
        exit=1,
    ),
    Case(
        "option --instruction-file of 9 MB",
        lambda folder: (
            (folder / "long.txt").write_text("a" * 9_000_000),
            ["info", w.hf_model(folder / "model"), "--instruction-file", folder / "long.txt"],
        )[1],
        ["long.txt", "9000000 bytes are more than the 8388608"],
    ),
    option("--instruction-file missing", ["gone.txt", "No such file"], "--instruction-file", "gone.txt", exit=1),
    option("--instruction-file a folder", ["/", "folder"], "--instruction-file", "/", exit=1),
    Case("option MODEL missing", lambda folder: ["info", folder / "gone"], ["gone", "No such file"]),
    Case("option MODEL empty folder", lambda folder: ["info", folder], ["neither model.safetensors nor"]),
    Case(
        "option MODEL a text",
        lambda folder: ((folder / "a.txt").write_text("hello"), ["info", folder / "a.txt"])[1],
        ["a.txt", "is no GGUF file"],
    ),
    Case("option MODEL a device", lambda folder: ["info", "/dev/zero"], ["/dev/zero", "not a regular file"]),
]

CASES = TEXTS + LINES + INDEX + RESUME + OPTIONS

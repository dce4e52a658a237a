#!/usr/bin/env python3
"""run.py PROGRAM [--show] [NAME...]: runs the program over files as a stranger might send them.

Every case has to end with its exit status and, where that is not 0, one line on standard error that names the file and
what is wrong with it, within CPU_SECONDS and MEMORY beyond the files' own size, and without a file half written.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

import broken_gguf
import broken_models
import broken_texts

CPU_SECONDS = 2
WALL_SECONDS = 60  # the machine may be busy
MEMORY = 300 << 20
LINE = 2000  # bytes

CASES = broken_models.CASES + broken_gguf.CASES + broken_texts.CASES


def built(case, folder):
    """The case's arguments. In a process of its own: a child starts with its parent's peak of memory."""
    pid = os.fork()
    if pid == 0:
        try:
            (folder / "arguments").write_text(json.dumps([str(a) for a in case.build(folder)]))
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(pid, 0)[1] != 0:
        raise RuntimeError(f"{case.name} cannot be built")
    return json.loads((folder / "arguments").read_text())


def measure(arguments, folder):
    """Exit status, CPU seconds, peak bytes, standard output's size, standard error."""
    with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
        child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        timer = threading.Timer(WALL_SECONDS, child.kill)
        timer.start()
        _, status, used = os.wait4(child.pid, 0)
        timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = used.ru_utime + used.ru_stime
    return (
        child.returncode,
        seconds,
        used.ru_maxrss << 10,
        (folder / "stdout").stat().st_size,
        (folder / "stderr").read_bytes(),
    )


def size_of(folder):
    """Bytes on the disk: a sparse file has fewer than it claims."""
    return sum(os.lstat(os.path.join(at, name)).st_blocks * 512 for at, _, names in os.walk(folder) for name in names)


def problems(case, status, seconds, peak, written, error, size, folder):
    if status != case.exit:
        yield f"exit status {status}, not {case.exit}"
    if seconds > CPU_SECONDS:
        yield f"{seconds:.1f} s of CPU time"
    if peak > MEMORY + size:
        yield f"{peak >> 20} MiB for files of {size >> 20} MiB"
    for part in case.says:
        if part.encode() not in error:
            yield f"does not say {part!r}"
    if case.exit == 0:
        return
    if error.count(b"\n") != 1 or not error.endswith(b"\n") or not error.startswith(b"nvembed: ["):
        yield "is not one line"
    if len(error) > LINE:
        yield f"a message of {len(error)} bytes"
    if not error.decode(errors="replace").rstrip("\n").isprintable():
        yield "a message that is not printable"
    if written:
        yield f"{written} bytes on standard output"
    for left in folder.glob("out*"):
        yield f"leaves {left.name}"


def main(program, names, show):
    broken_texts.PROGRAM = program
    failed = 0
    chosen = [c for c in CASES if not names or any(n in c.name for n in names)]
    for case in chosen:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="nvembed_hostile_"))
        try:
            arguments = [program, *built(case, folder)]
            size = size_of(folder)
            status, seconds, peak, written, error = measure(arguments, folder)
            found = list(problems(case, status, seconds, peak, written, error, size, folder))
        finally:
            shutil.rmtree(folder)
        failed += bool(found)
        if found or show:
            print(
                f"{case.name}: {'; '.join(found) or 'ok'}\n    {seconds:.2f} s, {peak >> 20} MiB, "
                f"{error[:600].decode(errors='replace').rstrip()}",
                flush=True,
            )
    print(f"{len(chosen) - failed} of {len(chosen)} cases hold")
    return failed > 0 or not chosen


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if a != "--show"]
    sys.exit(main(arguments[0], arguments[1:], "--show" in sys.argv))

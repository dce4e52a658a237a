"""What a case is, and the shapes that most of them have."""

import dataclasses
import json
import pathlib
from typing import Callable

import writers as w


@dataclasses.dataclass
class Case:
    name: str
    build: Callable[[pathlib.Path], list]  # writes into an empty folder, gives the program's arguments
    says: list  # parts of the one line on standard error; nothing where all is well
    exit: int = 1


def command(name, model, folder):
    """Arguments of a run over one good text."""
    if name == "info":
        return ["info", model]
    text = folder / "in.txt"
    text.write_text("the cat sat\n")
    return [name, model, "--quiet", "-i", text, *(["-o", folder / "out.npy"] if name == "encode" else [])]


def parts(says):
    return [says] if isinstance(says, str) else list(says)


def hf(name, says, spoil, run="info", exit=1):
    """A good Hugging Face folder, spoiled by `spoil(folder)`."""

    def build(folder):
        model = w.hf_model(folder / "model")
        spoil(model)
        return command(run, model, folder)

    return Case("hf " + name, build, parts(says), exit)


def file(name, says, path, content, run="info", exit=1, names=None):
    """A good folder, one file of which is replaced (bytes, text or JSON) or put there; the message names it, or `names`."""

    def spoil(model):
        data = content() if callable(content) else content
        if not isinstance(data, (str, bytes)):
            data = json.dumps(data)
        (model / path).parent.mkdir(exist_ok=True)
        (model / path).write_bytes(data.encode() if isinstance(data, str) else data)

    return hf(name, [names or path, *parts(says)] if exit else says, spoil, run, exit)


def config(name, says, run="info", exit=1, drop=(), **changes):
    fields = {**w.hf_config(), **changes}
    return file("config " + name, says, "config.json", {k: v for k, v in fields.items() if k not in drop}, run, exit)


def tokenizer(name, says, spoil, run="tokenize", exit=1, names=None):
    def content():
        t = w.tokenizer()
        return spoil(t) or t

    return file("tokenizer " + name, says, "tokenizer.json", content, run, exit, names)


def tensors(name, says, spoil, run="encode", exit=1, names=None):
    """Tensors of a good folder, {name: (shape, bytes)}, spoiled."""

    def content():
        all = w.hf_tensors()
        return spoil(all) or w.tensors_file(all)

    return file("safetensors " + name, says, "model.safetensors", content, run, exit, names)


def gguf(name, says, spoil, run="info", exit=1):
    def build(folder):
        g = w.Gguf()
        content = spoil(g)
        if not isinstance(content, (bytes, bytearray)):
            content = g.bytes()
        path = folder / "model.gguf"
        path.write_bytes(content)
        return command(run, path, folder)

    return Case("gguf " + name, build, ["model.gguf", *parts(says)], exit)


def text(name, says, content, run="tokenize", suffix=".txt", exit=1):
    """A text file for a good model."""

    def build(folder):
        model = w.hf_model(folder / "model")
        path = folder / ("texts" + suffix)
        data = content() if callable(content) else content
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        out = ["-o", folder / "out.npy"] if run == "encode" else []
        return [run, model, "--quiet", "-i", path, *out]

    return Case("text " + name, build, ["texts" + suffix, *parts(says)] if exit else parts(says), exit)

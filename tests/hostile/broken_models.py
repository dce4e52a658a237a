"""Hugging Face folders: safetensors, their index, config.json, the tokenizer, Sentence-Transformers' files."""

import json
import math
import os
import struct

import writers as w
from case import config, file, hf, tensors, tokenizer

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
DOWN = "model.layers.0.mlp.down_proj.weight"


def one(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"a": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


def raw(name, says, *header, **kw):
    return file("safetensors " + name, says, WEIGHTS, lambda: w.safetensors(*header, **kw))


def replace(path, make):
    """Puts something that is no file in the place of one."""

    def spoil(model):
        (model / path).unlink()
        make(model / path)

    return spoil


def changed(name, shape=None, data=None):
    def spoil(all):
        old_shape, old = all[name]
        all[name] = (shape or old_shape, old if data is None else data(old))

    return spoil


def dtype(name, new):
    """Another element type for a tensor of the good file, its bytes as they are."""

    def spoil(all):
        content = w.tensors_file(all)
        length = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + length])
        header[name]["dtype"] = new
        return w.safetensors(header, content[8 + length :])

    return spoil


def sharded(index, shard="one.safetensors"):
    """The good tensors in one shard, and an index."""

    def spoil(model):
        (model / WEIGHTS).rename(model / shard)
        names = list(w.hf_tensors())
        content = index({n: shard for n in names})
        (model / INDEX).write_text(content if isinstance(content, str) else json.dumps(content))

    return spoil


def index_with(**entries):
    return lambda names: {"weight_map": {**names, **entries}}


def huge_sparse(model):
    with open(model / WEIGHTS, "r+b") as f:
        f.truncate(100 << 30)


def loops(model):
    (model / "one.safetensors").symlink_to("two.safetensors")
    (model / "two.safetensors").symlink_to("one.safetensors")


SAFETENSORS = [
    file("safetensors empty", "0 bytes", WEIGHTS, b""),
    file("safetensors short", "5 bytes", WEIGHTS, b"short"),
    raw("cut within the header", "header of", one(), length=1000),
    raw("header of 2^63 bytes", "9223372036854775808", one(), length=1 << 63),
    raw("header of 2^64 - 1 bytes", "header of", one(), length=(1 << 64) - 1),
    raw("header of no bytes", "parse error", b""),
    raw("header that is no JSON", "line 1, column", b'{"a": nonsense'),
    raw("header that is a list", "no JSON object", b"[1, 2]"),
    raw("header with invalid UTF-8", "UTF-8", b'{"\xff\xfe": 1}'),
    raw("header nested deep", "nested deeper", b"[" * 100000),
    file(
        "safetensors header of 10^7 elements",
        "values",
        WEIGHTS,
        lambda: w.safetensors(b'{"a": [' + b"1," * 10_000_000 + b"1]}"),
    ),
    file(
        "safetensors header of 10^7 objects",
        "values",
        WEIGHTS,
        lambda: w.safetensors(b'{"a": [' + b"{}," * 10_000_000 + b"{}]}"),
    ),
    file(
        "safetensors header of 50000 tensors",
        "belong to no tensor",
        WEIGHTS,  # among many, every one is looked at once
        lambda: w.safetensors(
            {f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(50000)}, b"x" * 100
        ),
    ),
    file(
        "safetensors header with a name of 50 MB",
        "longer than",
        WEIGHTS,
        lambda: w.safetensors(b'{"' + b"a" * 50_000_000 + b'": 1}'),
    ),
    raw(
        "name given twice",
        "twice",
        '{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},'
        '"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}',
        b"x" * 8,
    ),
    raw("data cut short", ["a: data_offsets 0 to 8", "is the file complete?"], one(), b"x" * 4),
    raw("offsets reversed", "a: data_offsets 8 to 0", one(offsets=(8, 0)), b"x" * 8),
    raw("offsets negative", "a: data_offsets -8 to 0", one(offsets=(-8, 0)), b"x" * 8),
    raw(
        "offsets beyond 2^64",
        "data_offsets",
        '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551616]}}',
    ),
    raw("offsets of another kind", "data_offsets", one(offsets=("0", 8)), b"x" * 8),
    raw("three offsets", "two numbers", one(offsets=(0, 4, 8)), b"x" * 8),
    raw("shape that does not fit the bytes", ["a: 16 bytes do not hold shape (2)"], one(offsets=(0, 16)), b"x" * 16),
    raw("shape that overflows", "too large", one(shape=(1 << 32, 1 << 32, 1 << 32)), b"x" * 8),
    raw("shape that is negative", "negative extent -2", one(shape=(-2,)), b"x" * 8),
    raw("shape of fractions", "expected an integer", one(shape=(2.5,)), b"x" * 8),
    raw("entry without dtype", ["a", "dtype"], {"a": {"shape": [2], "data_offsets": [0, 8]}}, b"x" * 8),
    raw("entry that is a number", "a", {"a": 5}, b"x" * 8),
    raw("tensors that overlap", "tensor b overlaps", {**one(), "b": one(offsets=(4, 12))["a"]}, b"x" * 12),
    raw("bytes that belong to none", "belong to no", one(), b"x" * 1000),
    raw("metadata that is no text", "__metadata__", {"__metadata__": {"k": 1}, **one()}, b"x" * 8),
    tensors("tensor missing", DOWN, lambda t: t.pop(DOWN) and None),
    tensors("tensor missing, info", DOWN, lambda t: t.pop(DOWN) and None, run="info"),
    tensors("norm missing, info", "model.norm.weight", lambda t: t.pop("model.norm.weight") and None, run="info"),
    tensors("no tensors", "", lambda t: t.clear()),
    tensors("tensor of another shape", [DOWN, "(32, 16)", "(16, 32)"], changed(DOWN, (w.FFN, w.HIDDEN))),
    tensors(
        "tensor of another shape, info", [DOWN, "(32, 16)", "(16, 32)"], changed(DOWN, (w.FFN, w.HIDDEN)), run="info"
    ),
    tensors("tensor of three dimensions", [DOWN, "(1, 16, 32)"], changed(DOWN, (1, w.HIDDEN, w.FFN))),
    tensors("tensor without elements", [DOWN, "(0, 32)"], changed(DOWN, (0, w.FFN), lambda old: b"")),
    tensors("tensor of no dimension", DOWN, changed(DOWN, (), lambda old: old[:4])),
    tensors(
        "weights that are no number",
        "not finite",
        changed(DOWN, data=lambda old: struct.pack("<f", math.nan) * (len(old) // 4)),
        names="in.txt, line 1",
    ),
    tensors(
        "weights without end",
        ["model.norm.weight", "not finite"],
        changed("model.norm.weight", data=lambda old: struct.pack("<f", math.inf) * (len(old) // 4)),
    ),
    tensors("dtype that is unknown", ["X9", "F32, F16, BF16 or F64"], dtype(DOWN, "X9")),
    tensors("dtype of whole numbers", ["I32", "F32, F16, BF16 or F64"], dtype(DOWN, "I32")),
    tensors(
        "a bias that has no place",
        "q_proj.bias",
        lambda t: t.update({"model.layers.0.self_attn.q_proj.bias": ((w.HIDDEN,), w.floats(w.HIDDEN))}),
    ),
    file("safetensors of zeros", "model.safetensors", WEIGHTS, bytes(4096)),
    hf("safetensors sparse, 100 GB", [WEIGHTS, "belong to no tensor"], huge_sparse),
    hf("safetensors is a folder", [WEIGHTS, "folder"], replace(WEIGHTS, lambda p: p.mkdir())),
    hf("safetensors is a pipe", [WEIGHTS, "not a regular file"], replace(WEIGHTS, os.mkfifo)),
    hf(
        "safetensors is a device",
        [WEIGHTS, "not a regular file"],
        replace(WEIGHTS, lambda p: p.symlink_to("/dev/zero")),
    ),
    hf("safetensors links to itself", [WEIGHTS, "symbolic links"], replace(WEIGHTS, lambda p: p.symlink_to(p.name))),
    hf("safetensors links to nothing", [WEIGHTS], replace(WEIGHTS, lambda p: p.symlink_to("gone"))),
    hf("no weights", "neither model.safetensors nor", replace(WEIGHTS, lambda p: None)),
    hf(
        "vocabulary larger than the file's",
        ["model.safetensors", "embed_tokens", "(1203, 16) in the file", "(100000, 16)"],
        lambda m: (m / "config.json").write_text(json.dumps({**w.hf_config(), "vocab_size": 100000})),
    ),
    hf(
        "sizes that no file has",
        ["model.safetensors", "asks for"],
        lambda m: (m / "config.json").write_text(
            json.dumps(
                {
                    **w.hf_config(),
                    "hidden_size": 1 << 20,
                    "vocab_size": 1 << 24,
                    "num_attention_heads": 64,
                    "num_key_value_heads": 64,
                }
            )
        ),
        run="encode",
    ),
    hf(
        "index names a shard that is not there",
        ["gone.safetensors", "is the download complete?"],
        sharded(index_with(other="gone.safetensors")),
    ),
    hf("index leads outside", [INDEX, "no plain file name"], sharded(index_with(other="../one.safetensors"))),
    hf("index names a path", [INDEX, "no plain file name"], sharded(index_with(other="/etc/passwd"))),
    hf("index names a number", INDEX, sharded(index_with(other=5))),
    hf("index names the empty shard", INDEX, sharded(index_with(other=""))),
    hf(
        "index names a tensor that is not there",
        ["one.safetensors", "other"],
        sharded(index_with(other="one.safetensors")),
    ),
    hf("index without weight_map", [INDEX, "weight_map"], sharded(lambda names: {})),
    hf("index of a list", [INDEX, "weight_map"], sharded(lambda names: {"weight_map": list(names)})),
    hf("index empty", [INDEX], sharded(lambda names: {"weight_map": {}})),
    hf("index that is no JSON", [INDEX, "column"], sharded(lambda names: "{")),
    hf(
        "index with a name twice",
        [INDEX, "twice"],
        sharded(lambda names: '{"weight_map": {"a": "one.safetensors", "a": "one.safetensors"}}'),
    ),
    hf("index names itself", [INDEX], sharded(index_with(other=INDEX))),
    hf(
        "index names links in a ring",
        ["two.safetensors", "symbolic links"],
        lambda model: (
            loops(model),
            (model / WEIGHTS).unlink(),
            (model / INDEX).write_text('{"weight_map": {"a": "two.safetensors"}}'),
        ),
    ),
    hf(
        "index names a folder",
        ["sub", "folder"],
        lambda model: ((model / "sub").mkdir(), sharded(index_with(other="sub"))(model)),
    ),
]

CONFIG = [
    file("config empty", "parse error", "config.json", b""),
    file("config of NUL bytes", "parse error", "config.json", bytes(100)),
    file("config that is a list", "no JSON object", "config.json", []),
    file("config cut", "line 1, column", "config.json", json.dumps(w.hf_config())[:100]),
    file("config with invalid UTF-8", "UTF-8", "config.json", b'{"model_type": "\xff"}'),
    file("config nested deep", "nested deeper", "config.json", b'{"a":' * 200000),
    file("config of 10^7 elements", "values", "config.json", lambda: b"[" + b"1," * 10_000_000 + b"1]"),
    file("config of 100 MB", "", "config.json", lambda: b'{"a": "' + b"x" * 100_000_000 + b'"}'),
    file("config in UTF-16", "config.json", "config.json", json.dumps(w.hf_config()).encode("utf-16")),
    hf("config is missing", ["config.json", "No such file"], replace("config.json", lambda p: None)),
    hf("config is a folder", ["config.json", "folder"], replace("config.json", lambda p: p.mkdir())),
    hf("config is a pipe", ["config.json", "not a regular file"], replace("config.json", os.mkfifo)),
    hf(
        "config links to itself",
        ["config.json", "symbolic links"],
        replace("config.json", lambda p: p.symlink_to(p.name)),
    ),
    *(
        config(f"without {key}", [key, "missing"], drop=(key,))
        for key in (
            "model_type",
            "vocab_size",
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
        )
    ),
    config("layers negative", "num_hidden_layers is -1", num_hidden_layers=-1),
    config("layers 10^9", "num_hidden_layers is 1000000000", num_hidden_layers=10**9),
    config("layers 10^30", "num_hidden_layers", num_hidden_layers=10**30),
    config("no heads", "0 attention heads", num_attention_heads=0),
    config("heads negative", "-2", num_attention_heads=-2),
    config("heads that do not divide", "does not split into 3", num_attention_heads=3, num_key_value_heads=3),
    config("key-value heads that do not divide", "key-value heads", num_attention_heads=8, num_key_value_heads=3),
    config("key-value heads 0", "num_key_value_heads is 0", num_key_value_heads=0),
    config("head size odd", "head_dim 3 is odd", head_dim=3),
    config("head size huge", "head_dim is 1000000000000", head_dim=10**12),
    config("hidden 0", "hidden_size is 0", hidden_size=0),
    config("hidden 2^62", "hidden_size is", hidden_size=1 << 62),
    config("hidden 2^64", "hidden_size", hidden_size=1 << 64),
    config("vocabulary negative", "vocab_size is -7", vocab_size=-7),
    config("vocabulary times hidden overflows", "is", vocab_size=1 << 62, hidden_size=1 << 20),
    config("size a fraction", ["hidden_size", "expected an integer, found number 16.5"], hidden_size=16.5),
    config("size a text", ["hidden_size", "expected an integer"], hidden_size="16"),
    config("size a list", ["hidden_size", "expected an integer"], hidden_size=[16]),
    config("size null", ["hidden_size", "missing"], hidden_size=None),
    file("config number 1e999", ["config.json"], "config.json", json.dumps(w.hf_config()).replace("1e-06", "1e999")),
    config("epsilon negative", "rms_norm_eps is -1", rms_norm_eps=-1.0),
    config("epsilon a text", ["rms_norm_eps", "expected a number"], rms_norm_eps="small"),
    file("config NaN", "config.json", "config.json", json.dumps({**w.hf_config(), "rms_norm_eps": math.nan})),
    config("theta 0", "rope_theta is 0", rope_theta=0),
    config("positions negative", "max_position_embeddings is -5", max_position_embeddings=-5),
    config("activation unknown", ["hidden_act", "'gelu_new'"], hidden_act="gelu_new"),
    config("architecture unknown", ["model_type 'bert'", "llama, mistral, qwen2, qwen3"], model_type="bert"),
    config("architecture of 10 MB", "model_type", model_type="x" * 10_000_000),
    config("architecture of control characters", "model_type", model_type="\x1b[31m\nline\u0085\u202e"),
    config("rope type unknown", ["rope type 'yarn'"], rope_scaling={"rope_type": "yarn", "factor": 2.0}),
    config("rope type a number", ["rope_scaling", "rope_type"], rope_scaling={"rope_type": 5}),
    config("rope scaling a text", "rope_scaling", rope_scaling="linear"),
    config("rope factor 0", "factor is 0", rope_scaling={"type": "linear", "factor": 0}),
    config("rope factor missing", ["rope_scaling", "factor"], rope_scaling={"type": "linear"}),
    config("window 0", "sliding_window", model_type="mistral", sliding_window=0),
    config("window negative", "sliding_window is -1", model_type="mistral", sliding_window=-1),
    config("layer types unknown", "layer_types", layer_types=["linear_attention"]),
    config("layer types no list", "layer_types", layer_types="x"),
    config("NV-Embed without text_config", "text_config", model_type="nvembed"),
    config("NV-Embed, text_config a list", "text_config", model_type="nvembed", text_config=[1]),
    config(
        "NV-Embed, head of 10^12 latents",
        "num_latents_value is 1000000000000",
        model_type="nvembed",
        text_config={**w.hf_config(), "model_type": "mistral"},
        latent_attention_config={"num_latents_value": 10**12},
    ),
    config(
        "NV-Embed, head's width",
        "hidden_dim 4096 differs",
        model_type="nvembed",
        text_config={**w.hf_config(), "model_type": "mistral"},
        latent_attention_config={},
    ),
]


def vocab(**entries):
    return lambda t: t["model"]["vocab"].update(entries)


def model(**entries):
    return lambda t: t["model"].update(entries)


def added(count, spelling):
    def spoil(t):
        first = w.vocabulary(t)
        t["added_tokens"] += [{"id": first + i, "content": spelling.format(i), "special": True} for i in range(count)]

    return spoil


def chain(count):
    """a, aa, aaa, ...: as long a chain of merges as can be."""

    def spoil(t):
        v = t["model"]["vocab"]
        first = w.vocabulary(t)
        for i in range(2, count):
            v["a" * i] = v.get("a" * i, first + i)
        t["model"]["merges"] = [["a" * i, "a"] for i in range(1, count - 1)]

    return spoil


TOKENIZER = [
    file("tokenizer empty", "parse error", "tokenizer.json", b"", run="tokenize"),
    file("tokenizer cut", "parse error", "tokenizer.json", lambda: json.dumps(w.tokenizer())[:20000], run="tokenize"),
    file("tokenizer that is a list", "object", "tokenizer.json", [], run="tokenize"),
    file(
        "tokenizer of 10^7 elements",
        "values",
        "tokenizer.json",
        lambda: b"[" + b"[]," * 10_000_000 + b"1]",
        run="tokenize",
    ),
    file(
        "tokenizer of 200 MB in one string",
        "longer than",
        "tokenizer.json",
        lambda: b'{"a": "' + b"x" * 200_000_000 + b'"}',
        run="tokenize",
    ),
    hf("tokenizer is missing", ["tokenizer.json", "no such file"], replace("tokenizer.json", lambda p: None)),
    hf("tokenizer is a folder", ["tokenizer.json", "folder"], replace("tokenizer.json", lambda p: p.mkdir())),
    tokenizer("without model", "model", lambda t: t.pop("model") and None),
    tokenizer("without vocabulary", "vocab", lambda t: t["model"].pop("vocab") and None),
    tokenizer("without merges", "merges", lambda t: t["model"].pop("merges") and None),
    tokenizer("of another kind", ["'Unigram'", "known: BPE"], model(type="Unigram")),
    tokenizer("vocabulary a list", "vocab", model(vocab=["a"])),
    tokenizer("id twice", "given to two pieces", vocab(zz=5)),
    tokenizer("id negative", "the id -1", vocab(zz=-1)),
    tokenizer("id 2^31", "the id 2147483648", vocab(zz=1 << 31)),
    tokenizer("id 2^64", "zz", vocab(zz=1 << 64)),
    tokenizer("id far away", "the id 2000000000", vocab(zz=2_000_000_000)),
    tokenizer("id a fraction", "expected an integer", vocab(zz=1.5)),
    tokenizer("merge of an unknown piece", "merge 0 names the piece", model(merges=["qqq www"])),
    tokenizer("merge of one piece", "merge 0 is not two pieces", model(merges=["a"])),
    tokenizer("merge of numbers", "merge 0 is not two pieces", model(merges=[[1, 2]])),
    tokenizer("normalizer unknown", "'Lowercase'", lambda t: t.update(normalizer={"type": "Lowercase"})),
    tokenizer("normalizer without type", "type", lambda t: t.update(normalizer={})),
    tokenizer(
        "normalizers that double",
        "normalisation makes more than",
        lambda t: t.update(
            normalizer={
                "type": "Sequence",
                "normalizers": [{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}] * 60,
            }
        ),
        names="in.txt, line 1",
    ),
    tokenizer("pre-tokenizer unknown", "'Whitespace'", lambda t: t.update(pre_tokenizer={"type": "Whitespace"})),
    tokenizer(
        "pattern that never ends",
        "unknown expression (a+)+$",
        lambda t: t.update(pre_tokenizer={"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "(a+)+$"}}),
    ),
    tokenizer(
        "pattern of 1 MB",
        "unknown expression",
        lambda t: t.update(
            pre_tokenizer={"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "(" * 1_000_000}}
        ),
    ),
    tokenizer(
        "pre-tokenizer of 1000 parts",
        "1000 parts",
        lambda t: t.update(pre_tokenizer={"type": "Sequence", "pretokenizers": [{"type": "Digits"}] * 1000}),
    ),
    tokenizer(
        "post-processor unknown",
        "'RobertaProcessing'",
        lambda t: t.update(post_processor={"type": "RobertaProcessing"}),
    ),
    tokenizer(
        "post-processor without the text",
        "leaves out the text",
        lambda t: t.update(post_processor={"type": "TemplateProcessing", "single": [], "special_tokens": {}}),
    ),
    tokenizer(
        "post-processor's id unknown",
        "the id 999999",
        lambda t: t.update(
            post_processor={
                "type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "x"}}, {"Sequence": {"id": "A"}}],
                "special_tokens": {"x": {"id": "x", "ids": [999999]}},
            }
        ),
    ),
    tokenizer("added token without id", "id", lambda t: t["added_tokens"].append({"content": "x"})),
    tokenizer(
        "added token far away",
        "the id 2000000000",
        lambda t: t["added_tokens"].append({"id": 2000000000, "content": "x"}),
    ),
    tokenizer("added tokens no list", "added_tokens", lambda t: t.update(added_tokens=5)),
    tokenizer(
        "a piece of 9 MB", "more than 8 MiB", lambda t: t["model"]["vocab"].update({"a" * 9_000_000: w.vocabulary(t)})
    ),
    tokenizer(
        "an added token of 1 MB",
        "one may have 512",
        lambda t: t["added_tokens"].append({"id": w.vocabulary(t), "content": "a" * 1_000_000}),
    ),
    tokenizer("added tokens of 3 MB", "all of them 2 MiB", added(6000, "{:0500}")),
    tokenizer("100000 added tokens", [], added(100000, "<extra_{}>"), exit=0),
    tokenizer("merges in a chain of 3000", [], chain(3000), exit=0),
    file("tokenizer_config no JSON", "column", "tokenizer_config.json", "{"),
    file("tokenizer_config names an unknown token", "'<none>'", "tokenizer_config.json", {"bos_token": "<none>"}),
    file("tokenizer_config token a number", "eos_token", "tokenizer_config.json", {"eos_token": 7}),
    file(
        "tokenizer_config length negative", "model_max_length is -", "tokenizer_config.json", {"model_max_length": -5}
    ),
    file("tokenizer_config length a text", "model_max_length", "tokenizer_config.json", {"model_max_length": "long"}),
]


def beside(name, says, pooling=None, modules=None, **files):
    """Sentence-Transformers' files in a good folder."""
    modules = modules or [
        {"type": "sentence_transformers.models.Transformer", "path": ""},
        {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
    ]

    def spoil(model):
        (model / "modules.json").write_text(modules if isinstance(modules, str) else json.dumps(modules))
        (model / "1_Pooling").mkdir()
        if pooling is not None:
            (model / "1_Pooling/config.json").write_text(pooling if isinstance(pooling, str) else json.dumps(pooling))
        for file_name, content in files.items():
            (model / (file_name + ".json")).write_text(content if isinstance(content, str) else json.dumps(content))

    return hf("sentence-transformers " + name, says, spoil)


MEAN = {"pooling_mode_mean_tokens": True}
SENTENCE_TRANSFORMERS = [
    beside("modules no JSON", ["modules.json", "column"], MEAN, "["),
    beside("modules no list", ["modules.json", "list"], MEAN, {"a": 1}),
    beside("modules of numbers", ["modules.json"], MEAN, [1]),
    beside("module unknown", ["modules.json", "'x.Dense'"], MEAN, [{"type": "x.Dense", "path": ""}]),
    beside(
        "module leads outside", ["modules.json", "leaves the folder"], MEAN, [{"type": "x.Pooling", "path": "../.."}]
    ),
    beside("module names a path", ["modules.json", "leaves the folder"], MEAN, [{"type": "x.Pooling", "path": "/etc"}]),
    beside("pooling missing", ["1_Pooling/config.json", "No such file"]),
    beside("pooling unknown", ["1_Pooling/config.json", "'cls'"], {"pooling_mode_cls_token": True}),
    beside("pooling several", ["1_Pooling/config.json", "several"], {**MEAN, "pooling_mode_lasttoken": True}),
    beside("pooling a text", ["1_Pooling/config.json", "true or false"], {"pooling_mode_mean_tokens": "yes"}),
    beside("length negative", ["sentence_bert_config.json", "-1"], MEAN, sentence_bert_config={"max_seq_length": -1}),
    beside(
        "length a fraction",
        ["sentence_bert_config.json", "integer"],
        MEAN,
        sentence_bert_config={"max_seq_length": 1.5},
    ),
    beside(
        "prompts a list",
        ["config_sentence_transformers.json", "prompts"],
        MEAN,
        config_sentence_transformers={"prompts": ["a"]},
    ),
    beside(
        "prompt a number",
        ["config_sentence_transformers.json", "query"],
        MEAN,
        config_sentence_transformers={"prompts": {"query": 5}},
    ),
    beside(
        "prompt that is not there",
        ["config_sentence_transformers.json", "'x'"],
        MEAN,
        config_sentence_transformers={"default_prompt_name": "x"},
    ),
]

CASES = SAFETENSORS + CONFIG + TOKENIZER + SENTENCE_TRANSFORMERS

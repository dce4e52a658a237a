"""GGUF files, every section of them."""

import struct

import writers as w
from case import Case, gguf


def key(name, kind, value):
    return lambda g: g.keys.__setitem__(name, (kind, value))


def without(name):
    return lambda g: g.keys.pop(name) and None


def field(**values):
    def spoil(g):
        for name, value in values.items():
            setattr(g, name, value)

    return spoil


def extra(raw):
    """Metadata as raw bytes: one key that may say anything."""
    return field(extra_keys=raw)


def tensor(name, dims=None, kind=None, offset=None):
    def spoil(g):
        t = g.tensors[name]
        t[0], t[1], t[2] = dims or t[0], t[1] if kind is None else kind, t[2] if offset is None else offset

    return spoil


def array(name, inner, count, rest=b""):
    return w.gguf_string(name) + struct.pack("<IIQ", w.ARRAY, inner, count) + rest


def cut(share):
    return lambda g: g.bytes()[: int(len(g.bytes()) * share)]


def cut_header(share):
    return lambda g: g.header()[: int(len(g.header()) * share)]


def nested(depth):
    raw = w.gguf_string("deep") + struct.pack("<I", w.ARRAY)
    return raw + struct.pack("<IQ", w.ARRAY, 1) * depth + struct.pack("<IQ", w.U8, 0)


def many_keys(count):
    return lambda g: g.keys.update({f"k{i}": (w.U8, 1) for i in range(count)})


def many_tensors(count):
    def spoil(g):
        g.tensors.update({f"t{i}": [[1], 0, (i + 10000) * 32, b""] for i in range(count)})

    return spoil


def tokens(change):
    def spoil(g):
        kind, values = g.keys["tokenizer.ggml.tokens"][1]
        g.keys["tokenizer.ggml.tokens"] = (w.ARRAY, (kind, change(values)))

    return spoil


def sparse(size, start=b""):
    """A file that claims `size` bytes and holds few."""

    def build(folder):
        path = folder / "model.gguf"
        with open(path, "wb") as f:
            f.write(start)
            f.truncate(size)
        return ["info", path]

    return build


def llama(**changes):
    """The sentencepiece kind of tokenizer."""

    def spoil(g):
        n = len(g.pieces)
        g.keys["tokenizer.ggml.model"] = (w.STRING, "llama")
        g.keys["tokenizer.ggml.scores"] = (w.ARRAY, (w.F32, [float(-i) for i in range(n)]))
        for name, value in changes.items():
            g.keys["tokenizer.ggml." + name] = value

    return spoil


HEADER = [
    gguf("bad magic", "is no GGUF file", field(magic=b"GGML")),
    gguf("empty", "is no GGUF file", lambda g: b""),
    gguf("four bytes", "version", lambda g: b"GGUF"),
    gguf("of zeros", "is no GGUF file", lambda g: bytes(4096)),
    gguf("version 0", ["version 0", "2 and 3"], field(version=0)),
    gguf("version 1", ["version 1", "2 and 3"], field(version=1)),
    gguf("version 99", ["version 99", "2 and 3"], field(version=99)),
    gguf("big-endian", "big-endian", field(version=0x03000000)),
    gguf("2^60 keys", "metadata values", field(key_count=1 << 60)),
    gguf("2^64 - 1 keys", "metadata values", field(key_count=(1 << 64) - 1)),
    gguf("one key more than there are", "model.gguf", lambda g: field(key_count=len(g.keys) + 1)(g)),
    gguf("no keys", "model.gguf", field(key_count=0)),
    gguf("2^60 tensors", "tensors", field(tensor_count=1 << 60)),
    gguf("one tensor more than there are", "model.gguf", lambda g: field(tensor_count=len(g.tensors) + 1)(g)),
    gguf("no tensors", "token_embd.weight", field(tensor_count=0)),
    *(
        gguf(f"header cut at {share}", ["do not fit into", "is the file complete?"], cut_header(share))
        for share in (0.05, 0.3, 0.6, 0.9, 0.99)
    ),
    gguf("cut in the data", "is the file complete?", cut(0.7)),
    gguf(
        "100000 keys", ["100000", "metadata values", "65536 can be read"], lambda g: many_keys(100000 - len(g.keys))(g)
    ),
    gguf("100000 tensors", ["100000 tensors", "65536 can be read"], lambda g: many_tensors(100000 - len(g.tensors))(g)),
    Case("gguf sparse, 100 GB behind a good model", sparse(100 << 30, w.Gguf().bytes()), [], 0),
    Case("gguf sparse, 100 GB of zeros", sparse(100 << 30), ["model.gguf", "is no GGUF file"]),
    Case(
        "gguf sparse, strings without end",
        sparse(100 << 30, struct.pack("<4sIQQ", b"GGUF", 3, 0, 1) + array("a", w.STRING, 10 << 30)),
        ["model.gguf"],
    ),
    Case(
        "gguf sparse, one string of 50 GB",
        sparse(
            100 << 30,
            struct.pack("<4sIQQ", b"GGUF", 3, 0, 1) + w.gguf_string("a") + struct.pack("<IQ", w.STRING, 50 << 30),
        ),
        ["model.gguf"],
    ),
    Case(
        "gguf sparse, a key of 50 GB",
        sparse(100 << 30, struct.pack("<4sIQQQ", b"GGUF", 3, 0, 1, 50 << 30)),
        ["model.gguf"],
    ),
    Case(
        "gguf sparse, numbers without end",
        sparse(100 << 30, struct.pack("<4sIQQ", b"GGUF", 3, 0, 1) + array("a", w.U8, 99 << 30)),
        ["model.gguf"],
    ),
]

METADATA = [
    gguf("key of 2^63 bytes", "9223372036854775808", extra(w.gguf_string("a", 1 << 63))),
    gguf(
        "string of 2^63 bytes",
        "9223372036854775808",
        extra(w.gguf_string("a") + struct.pack("<I", w.STRING) + w.gguf_string("x", 1 << 63)),
    ),
    gguf(
        "key twice",
        ["general.architecture", "twice"],
        extra(w.gguf_string("general.architecture") + struct.pack("<I", w.STRING) + w.gguf_string("llama")),
    ),
    gguf("value type unknown", "unknown value type 77", extra(w.gguf_string("a") + struct.pack("<I", 77))),
    gguf("array of an unknown type", "unknown value type 99", extra(array("a", 99, 1))),
    gguf("array of 2^62 numbers", "do not fit", extra(array("a", w.F64, 1 << 62))),
    gguf("array of 2^61 texts", "do not fit", extra(array("a", w.STRING, 1 << 61))),
    gguf("arrays nested deep", "nested deeper", extra(nested(100000))),
    gguf("boolean of value 7", "boolean of value 7", extra(w.gguf_string("a") + struct.pack("<IB", w.BOOL, 7))),
    gguf("alignment 0", "general.alignment is 0", key("general.alignment", w.U32, 0)),
    gguf("alignment 24", "general.alignment is 24", key("general.alignment", w.U32, 24)),
    gguf("alignment 2^31", "general.alignment is 2147483648", key("general.alignment", w.U32, 1 << 31)),
    gguf("alignment a text", "general.alignment", key("general.alignment", w.STRING, "32")),
    *(
        gguf(f"without {name}", name, without(name))
        for name in (
            "general.architecture",
            "llama.embedding_length",
            "llama.feed_forward_length",
            "llama.block_count",
            "llama.attention.head_count",
            "llama.attention.layer_norm_rms_epsilon",
            "tokenizer.ggml.model",
            "tokenizer.ggml.tokens",
            "tokenizer.ggml.pre",
            "tokenizer.ggml.merges",
        )
    ),
    gguf(
        "architecture unknown",
        ["'bert'", "llama, llama-embed, qwen2 and qwen3"],
        key("general.architecture", w.STRING, "bert"),
    ),
    gguf("architecture a number", "general.architecture", key("general.architecture", w.U32, 5)),
    gguf("architecture of 10 MB", "architecture", key("general.architecture", w.STRING, "x" * 10_000_000)),
    gguf("width a text", ["llama.embedding_length", "no integer"], key("llama.embedding_length", w.STRING, "16")),
    gguf("width a fraction", ["llama.embedding_length", "no integer"], key("llama.embedding_length", w.F32, 16.0)),
    gguf("width negative", "-16", key("llama.embedding_length", w.I32, -16)),
    gguf("width 2^64 - 1", "too large", key("llama.embedding_length", w.U64, (1 << 64) - 1)),
    gguf("no heads", "head_count is 0", key("llama.attention.head_count", w.U32, 0)),
    gguf("heads negative", "head_count is -2", key("llama.attention.head_count", w.I64, -2)),
    gguf("heads that do not divide", "model.gguf", key("llama.attention.head_count", w.U32, 5)),
    gguf("heads by layer", "llama.attention.head_count", key("llama.attention.head_count", w.ARRAY, (w.U32, [2, 2]))),
    gguf("4 * 10^9 layers", "4000000000", key("llama.block_count", w.U32, 4_000_000_000)),
    gguf("two layers where one is", "blk.1.", key("llama.block_count", w.U32, 2)),
    gguf("two layers where one is, encode", "blk.1.", key("llama.block_count", w.U32, 2), run="encode"),
    gguf("context negative", "-5", key("llama.context_length", w.I32, -5)),
    gguf(
        "epsilon that is no number", "rms_norm_eps", key("llama.attention.layer_norm_rms_epsilon", w.F32, float("nan"))
    ),
    gguf("theta negative", "rope_theta is -1", key("llama.rope.freq_base", w.F32, -1.0)),
    gguf("rope scaling unknown", "'yarn'", key("llama.rope.scaling.type", w.STRING, "yarn")),
    gguf("rope dimension of another size", "rope.dimension_count", key("llama.rope.dimension_count", w.U32, 4)),
    gguf("experts", "experts", key("llama.expert_count", w.U32, 8)),
    gguf("pooling unknown", "pooling_type", key("llama.pooling_type", w.U32, 2)),
]

TENSORS = [
    gguf(
        "tensor twice",
        ["output_norm.weight", "twice"],
        lambda g: g.name_of.update({"blk.0.attn_q.weight": "output_norm.weight"}),
    ),
    gguf("tensor of no dimensions", "0 dimensions", lambda g: g.tensors["output_norm.weight"].__setitem__(0, [])),
    gguf("tensor of 5 dimensions", "5 dimensions", tensor("output_norm.weight", [1, 1, 1, 1, 16])),
    gguf(
        "tensor of 10^9 dimensions",
        "dimensions",
        lambda g: g.bytes().replace(
            w.gguf_string("output_norm.weight") + struct.pack("<I", 1),
            w.gguf_string("output_norm.weight") + struct.pack("<I", 10**9),
        ),
    ),
    gguf("tensor of extent 0", "extent 0", tensor("output_norm.weight", [0])),
    gguf("tensor of extent 2^63", "extent 9223372036854775808", tensor("output_norm.weight", [1 << 63])),
    gguf("tensor whose size overflows", "too many elements", tensor("output_norm.weight", [1 << 40, 1 << 40])),
    gguf("tensor type unknown", "unknown type 999", tensor("output_norm.weight", kind=999)),
    gguf(
        "tensor type that cannot be read",
        ["blk.0.ffn_down.weight", "cannot be decoded"],
        tensor("blk.0.ffn_down.weight", [256, 16], 10),
    ),
    gguf("tensor of broken blocks", "no whole", tensor("output_norm.weight", kind=2)),
    gguf("tensor outside the file", "do not lie in", tensor("output_norm.weight", offset=1 << 40)),
    gguf("tensor at 2^64 - 32", "do not lie in", tensor("output_norm.weight", offset=(1 << 64) - 32)),
    gguf("tensor misaligned", "no multiple of 32", tensor("output_norm.weight", offset=7)),
    gguf("tensors that overlap", "overlap at offset", tensor("output_norm.weight", offset=0)),
    gguf(
        "tensor name of 2^62 bytes",
        "4611686018427387904",
        lambda g: g.bytes().replace(w.gguf_string("output_norm.weight"), w.gguf_string("output_norm.weight", 1 << 62)),
    ),
    gguf("tensor missing", "blk.0.ffn_up.weight", lambda g: g.tensors.pop("blk.0.ffn_up.weight") and None),
    gguf(
        "tensor missing, encode",
        "blk.0.ffn_up.weight",
        lambda g: g.tensors.pop("blk.0.ffn_up.weight") and None,
        run="encode",
    ),
    gguf(
        "tensor of another shape",
        ["blk.0.ffn_up.weight", "(32, 8)", "(32, 16)"],
        tensor("blk.0.ffn_up.weight", [8, 32]),
    ),
    gguf(
        "rope factors of another count",
        "rope_freqs.weight",
        lambda g: g.tensors.update({"rope_freqs.weight": [[2], 0, 1 << 16, struct.pack("<2f", 1, 1)]}),
    ),
]

TOKENIZER = [
    gguf("tokenizer unknown", ["'bert'", "known: gpt2, llama"], key("tokenizer.ggml.model", w.STRING, "bert")),
    gguf("pre-tokenizer unknown", ["'deepseek'", "known:"], key("tokenizer.ggml.pre", w.STRING, "deepseek")),
    gguf("tokens no texts", "tokenizer.ggml.tokens", key("tokenizer.ggml.tokens", w.ARRAY, (w.U32, [1, 2]))),
    gguf("tokens no array", "tokenizer.ggml.tokens", key("tokenizer.ggml.tokens", w.STRING, "a")),
    gguf("no tokens", "model.gguf", tokens(lambda v: [])),
    gguf("tokens not UTF-8", "UTF-8", tokens(lambda v: [b"\xff\xfe"] + v[1:])),
    gguf("fewer tokens than rows", "token_type", tokens(lambda v: v[:50])),
    gguf("types of another count", "token_type", key("tokenizer.ggml.token_type", w.ARRAY, (w.I32, [1]))),
    gguf(
        "type unknown",
        "the type 9",
        lambda g: key("tokenizer.ggml.token_type", w.ARRAY, (w.I32, [9] * len(g.pieces)))(g),
    ),
    gguf("merge of one piece", "merge 0", key("tokenizer.ggml.merges", w.ARRAY, (w.STRING, ["th"]))),
    gguf("merge of an unknown piece", "'qq'", key("tokenizer.ggml.merges", w.ARRAY, (w.STRING, ["qq h"]))),
    gguf("merges numbers", "tokenizer.ggml.merges", key("tokenizer.ggml.merges", w.ARRAY, (w.I32, [1]))),
    gguf("EOS outside", "eos_token_id", key("tokenizer.ggml.eos_token_id", w.U32, 5000)),
    gguf("EOS negative", "eos_token_id", key("tokenizer.ggml.eos_token_id", w.I32, -1)),
    gguf(
        "EOS added that is not there",
        "eos_token_id",
        lambda g: (g.keys.pop("tokenizer.ggml.eos_token_id"), key("tokenizer.ggml.add_eos_token", w.BOOL, True)(g))[1],
    ),
    gguf("scores missing", "scores", lambda g: (llama()(g), g.keys.pop("tokenizer.ggml.scores"), None)[2]),
    gguf("scores of another count", "scores", llama(scores=(w.ARRAY, (w.F32, [1.0])))),
    gguf(
        "scores that are no number",
        "not a number",
        lambda g: llama(add_bos_token=(w.BOOL, False), scores=(w.ARRAY, (w.F32, [float("nan")] * len(g.pieces))))(g),
    ),
    gguf(
        "pieces of 4 KB, to be cut everywhere",
        "too long",
        lambda g: (
            tokens(lambda v: v + ["ab" * i for i in range(1000, 2000)])(g),
            g.keys.pop("tokenizer.ggml.token_type"),
            llama(add_bos_token=(w.BOOL, False), scores=(w.ARRAY, (w.F32, [0.0] * (len(g.pieces) + 1000))))(g),
        )[2],
    ),
    gguf(
        "2 million tokens",
        ["tokens", "2097152 can be read"],
        tokens(lambda v: v + [f"token{i}" for i in range(2_200_000)]),
    ),
]

CASES = HEADER + METADATA + TENSORS + TOKENIZER

"""Writes small models whole, so that one part of them can be broken. Standard library only."""

import json
import pathlib
import struct

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
HIDDEN, HEADS, FFN = 16, 2, 32


def safetensors(header, data=b"", length=None):
    """A file of that header (text, bytes or an object), whose length field may lie."""
    if not isinstance(header, (str, bytes)):
        header = json.dumps(header)
    if isinstance(header, str):
        header = header.encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def tensors_file(tensors, metadata=None):
    """{name: (shape, bytes)} in f32, one behind the other."""
    header, data = {}, b""
    for name, (shape, content) in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    if metadata is not None:
        header["__metadata__"] = metadata
    return safetensors(header, data)


def floats(count, scale=0.1):
    return struct.pack(f"<{count}f", *(scale * ((i * 2654435761 % 1000) / 500 - 1) for i in range(count)))


def layer_shapes():
    """Names of Hugging Face and GGUF, and shapes, of the only layer."""
    return [
        ("self_attn.q_proj", "attn_q", (HIDDEN, HIDDEN)),
        ("self_attn.k_proj", "attn_k", (HIDDEN, HIDDEN)),
        ("self_attn.v_proj", "attn_v", (HIDDEN, HIDDEN)),
        ("self_attn.o_proj", "attn_output", (HIDDEN, HIDDEN)),
        ("mlp.gate_proj", "ffn_gate", (FFN, HIDDEN)),
        ("mlp.up_proj", "ffn_up", (FFN, HIDDEN)),
        ("mlp.down_proj", "ffn_down", (HIDDEN, FFN)),
        ("input_layernorm", "attn_norm", (HIDDEN,)),
        ("post_attention_layernorm", "ffn_norm", (HIDDEN,)),
    ]


def elements(shape):
    n = 1
    for extent in shape:
        n *= extent
    return n


def tokenizer():
    return json.loads((GOLDEN / "tokenizers/smollm2.json").read_text())


def vocabulary(t=None):
    t = t or tokenizer()
    return max([*t["model"]["vocab"].values(), *(a["id"] for a in t["added_tokens"])]) + 1


def hf_tensors():
    shapes = {"model.embed_tokens.weight": (vocabulary(), HIDDEN), "model.norm.weight": (HIDDEN,)}
    for name, _, shape in layer_shapes():
        shapes[f"model.layers.0.{name}.weight"] = shape
    return {name: (shape, floats(elements(shape))) for name, shape in shapes.items()}


def hf_config():
    return {
        "model_type": "llama",
        "vocab_size": vocabulary(),
        "hidden_size": HIDDEN,
        "intermediate_size": FFN,
        "num_hidden_layers": 1,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "rms_norm_eps": 1e-6,
        "max_position_embeddings": 512,
        "hidden_act": "silu",
    }


def hf_model(folder):
    """A whole Hugging Face folder."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(hf_config()))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer()))
    (folder / "model.safetensors").write_bytes(tensors_file(hf_tensors()))
    return folder


U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
_PACK = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q", I64: "q", F64: "d"}


def gguf_string(s, length=None):
    s = s.encode() if isinstance(s, str) else s
    return struct.pack("<Q", len(s) if length is None else length) + s


def gguf_value(kind, value):
    if kind == STRING:
        return gguf_string(value)
    if kind == ARRAY:  # (kind, values)
        inner, values = value
        return struct.pack("<IQ", inner, len(values)) + b"".join(gguf_value(inner, v) for v in values)
    return struct.pack("<" + _PACK[kind], value)


class Gguf:
    """A whole model; every part can be changed before `bytes`."""

    def __init__(self):
        pieces = [c for c in map(chr, range(33, 127))] + ["Ġ", "th", "the", "</s>"]
        self.pieces = pieces
        a = "llama."
        self.keys = {
            "general.architecture": (STRING, "llama"),
            a + "embedding_length": (U32, HIDDEN),
            a + "feed_forward_length": (U32, FFN),
            a + "block_count": (U32, 1),
            a + "attention.head_count": (U32, HEADS),
            a + "attention.head_count_kv": (U32, HEADS),
            a + "context_length": (U32, 512),
            a + "attention.layer_norm_rms_epsilon": (F32, 1e-6),
            "tokenizer.ggml.model": (STRING, "gpt2"),
            "tokenizer.ggml.pre": (STRING, "gpt-2"),
            "tokenizer.ggml.tokens": (ARRAY, (STRING, pieces)),
            "tokenizer.ggml.token_type": (ARRAY, (I32, [1] * (len(pieces) - 1) + [3])),
            "tokenizer.ggml.merges": (ARRAY, (STRING, ["t h", "th e"])),
            "tokenizer.ggml.eos_token_id": (U32, len(pieces) - 1),
        }
        shapes = {"token_embd.weight": (len(pieces), HIDDEN), "output_norm.weight": (HIDDEN,)}
        for _, name, shape in layer_shapes():
            shapes[f"blk.0.{name}.weight"] = shape
        # name: [dims as in the file, type, offset, data]
        self.tensors, at = {}, 0
        for name, shape in shapes.items():
            data = floats(elements(shape))
            self.tensors[name] = [list(reversed(shape)), 0, at, data]
            at += (len(data) + 31) // 32 * 32
        self.magic, self.version, self.key_count, self.tensor_count, self.alignment = b"GGUF", 3, None, None, 32
        self.extra_keys = b""  # raw, counted as one
        self.name_of = {}  # of a tensor, where another is to be written

    def header(self):
        n_keys = len(self.keys) + bool(self.extra_keys) if self.key_count is None else self.key_count
        n_tensors = len(self.tensors) if self.tensor_count is None else self.tensor_count
        out = bytearray(self.magic + struct.pack("<IQQ", self.version, n_tensors, n_keys))
        for key, (kind, value) in self.keys.items():
            out += gguf_string(key) + struct.pack("<I", kind) + gguf_value(kind, value)
        out += self.extra_keys
        for name, (dims, kind, offset, _) in self.tensors.items():
            out += gguf_string(self.name_of.get(name, name)) + struct.pack("<I", len(dims))
            out += b"".join(struct.pack("<Q", d) for d in dims) + struct.pack("<IQ", kind, offset)
        return bytes(out)

    def bytes(self):
        out = self.header()
        unit = self.alignment
        out += b"\0" * (-len(out) % unit)
        data = bytearray()
        for _, _, offset, content in self.tensors.values():
            if len(data) < offset + len(content) <= 1 << 24:
                data.extend(b"\0" * (offset + len(content) - len(data)))
            data[offset : offset + len(content)] = content
        return out + bytes(data)


def npy(
    rows, dim, values=None, descr="<f4", order="False", shape=None, magic=b"\x93NUMPY", version=(1, 0), header=None
):
    """As numpy.save writes it, each part to be changed."""
    if header is None:
        header = "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (descr, order, shape or f"({rows}, {dim})")
    header = header.encode() if isinstance(header, str) else header
    header = header.ljust(117) + b"\n"
    return (
        magic
        + bytes(version)
        + struct.pack("<H", len(header))
        + header
        + (floats(rows * dim) if values is None else values)
    )

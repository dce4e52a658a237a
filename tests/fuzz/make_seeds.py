#!/usr/bin/env python3
"""Writes corpus/*/seed_*: the files of tests/golden, cut down to a few KB. Needs Python alone."""
import json
import os
import struct

here = os.path.dirname(os.path.abspath(__file__))
golden = os.path.join(here, "..", "golden")


def content(name):
    with open(os.path.join(golden, name), "rb") as f:
        return f.read()


def seed(target, name, data):
    folder = os.path.join(here, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "seed_" + name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def small_tokenizer(name):
    """The pieces of one character, some merges, and what these need."""
    j = json.loads(content(f"tokenizers/{name}.json"))
    m = j["model"]
    merges = m["merges"][:12]
    pairs = [tuple(x.split(" ")) if isinstance(x, str) else tuple(x) for x in merges]
    wanted = {p for pair in pairs for p in pair} | {a + b for a, b in pairs} | {t["content"] for t in j["added_tokens"]}
    wanted |= {p for p in m["vocab"] if p in "abcdest ▁Ġ" or p in ("<0xE6>", "<0x00>", m.get("unk_token"))}
    m["vocab"] = {p: i for p, i in m["vocab"].items() if p in wanted}
    m["merges"] = merges
    j.pop("decoder", None)
    return compact(j)


def safetensors(name, most):
    """The first tensors of a file, `most` bytes of data at most."""
    data = content(name)
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    kept = {k: v for k, v in header.items() if k == "__metadata__" or v["data_offsets"][1] <= most}
    end = max([v["data_offsets"][1] for k, v in kept.items() if k != "__metadata__"], default=0)
    text = compact(kept).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length : 8 + length + end]


class Gguf:
    """Reads a GGUF file's metadata and tensor table, and writes them shortened."""

    formats = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}

    def __init__(self, data):
        self.data, self.at = data, 4
        self.number("I")
        tensors, values = self.number("Q"), self.number("Q")
        self.values = [(self.string(), *self.typed()) for _ in range(values)]
        self.tensors = []
        for _ in range(tensors):
            name = self.string()
            dims = [self.number("Q") for _ in range(self.number("I"))]
            self.tensors.append((name, dims, self.number("I")))
            self.number("Q")

    def number(self, code):
        (n,) = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize("<" + code)
        return n

    def string(self):
        n = self.number("Q")
        self.at += n
        return self.data[self.at - n : self.at]

    def value(self, kind):
        if kind == 8:
            return self.string()
        if kind == 9:
            inner = self.number("I")
            return inner, [self.value(inner) for _ in range(self.number("Q"))]
        return self.number(self.formats[kind])

    def typed(self):
        kind = self.number("I")
        return kind, self.value(kind)

    def put(self, kind, value):
        if kind == 8:
            return struct.pack("<Q", len(value)) + value
        if kind == 9:
            inner, items = value
            return struct.pack("<IQ", inner, len(items)) + b"".join(self.put(inner, v) for v in items)
        return struct.pack("<" + self.formats[kind], value)

    def short(self, pieces):
        """Vocabulary cut to `pieces`, merges to those that are left, every tensor to one block or 256 numbers."""
        sizes = {0: 1024, 1: 512, 2: 144, 3: 160, 6: 176, 7: 192, 8: 272, 12: 144, 13: 176, 14: 210, 28: 2048, 30: 512}
        known, out = set(), b""
        for key, kind, value in self.values:
            if key == b"tokenizer.ggml.tokens":
                known = set(value[1][:pieces])
        for key, kind, value in self.values:
            if key == b"tokenizer.ggml.merges":
                both = [m for m in value[1] if set(m.split(b" ")) | {m.replace(b" ", b"")} <= known]
                value = (value[0], both)
            elif kind == 9:
                value = (value[0], value[1][:pieces])
            elif key.endswith(b"_token_id"):
                value = min(value, pieces - 1)
            out += self.put(8, key) + struct.pack("<I", kind) + self.put(kind, value)
        table, data, seen, tensors = b"", b"", set(), 0
        for name, dims, kind in self.tensors:
            if kind in seen and not name.startswith((b"token_embd", b"blk.0.attn_q", b"rope")):
                continue
            seen.add(kind)
            tensors += 1
            dims = [min(dims[0], 256)] + [1 if dims[0] >= 256 else 2] * (len(dims) - 1)
            table += self.put(8, name) + struct.pack("<I", len(dims)) + b"".join(struct.pack("<Q", d) for d in dims)
            table += struct.pack("<IQ", kind, len(data))
            size = sizes[kind]
            for d in dims[1:]:
                size *= d
            size = (size * dims[0] // 256 + 31) // 32 * 32
            data += struct.pack("<f", 1.5) * (size // 4) if kind == 0 else bytes(i * 37 % 251 for i in range(size))
        head = b"GGUF" + struct.pack("<IQQ", 3, tensors, len(self.values)) + out + table
        return head + b"\0" * (-len(head) % 32) + data


def sentencepiece(pieces, without=b"no such piece"):
    """A tokenizer.model with its first pieces alone: of the protobuf's fields those with number 1."""
    data, at, out = content("tokenizers/spm.model"), 0, b""

    def varint(at):
        n = shift = 0
        while True:
            n |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 128:
                return n, at

    while at < len(data):
        begin = at
        tag, at = varint(at)
        size, at = varint(at)
        at += size
        if tag >> 3 == 1 and without in data[begin:at]:
            continue
        pieces -= tag >> 3 == 1
        if tag >> 3 != 1 or pieces >= 0:
            out += data[begin:at]
    return out


names = ("added_flags", "gpt2", "llama3", "metaspace", "qwen2", "smollm2", "spm")
texts = [json.loads(line)["text"] for line in content("tokenizers/spm.expected.jsonl").decode().splitlines()]
for i, name in enumerate(names):
    seed("tokenizer_json", name, small_tokenizer(name))
    some = [t for t in texts if 0 < len(t) < 200][i::len(names)][:12]
    seed("tokenize", name, bytes([i, 41]) + " ".join(some).encode())
    added = b"\x06<s>\0\x10ab \0\x08a\0\x1f\xc2\xa0b\0"
    seed("special_tokens", name, bytes([i * 37 & 127, 21]) + added + some[0].encode() + b"<s> ab a  b")
for name in ("llama", "llama_bpe", "qwen2", "qwen3"):
    seed("gguf", name, Gguf(content(f"quant/{name}.gguf")).short(300 if name == "llama" else 280))
seed("sentencepiece", "spm", sentencepiece(300))
few = sentencepiece(60, b"<0x") + b"\x12\x03\x98\x02\0"  # trainer_spec.byte_fallback: false
seed("sentencepiece", "few", few)
# A table of one normalisation rule, A to abc: root, child, value in a double-array trie; other units hold no child.
units = [1 << 31] * 512
units[0], units[256 ^ 65] = 256 << 10, 65 | 1 << 8 | (256 ^ 65 ^ 300) << 10
table = struct.pack("<I512I", 2048, *units) + b"abc\0"
spec = b"\x12" + bytes([len(table) & 127 | 128, len(table) >> 7]) + table  # precompiled_charsmap, in normalizer_spec
seed("sentencepiece", "rule", few + b"\x1a" + bytes([len(spec) & 127 | 128, len(spec) >> 7]) + spec)
for name, file in (("qwen3", "decoders/qwen3/model"), ("blocks", "quant/blocks")):
    seed("safetensors", name, safetensors(file + ".safetensors", 3000))

parts = {"model.embed_tokens.weight": ("F32", 16), "model.layers.0.mlp.up_proj.weight": ("BF16", 8),
         "model.layers.0.self_attn.q_proj.weight": ("F16", 8), "model.norm.weight": ("F64", 32), "other": ("I64", 32)}
header, at = {"__metadata__": {"format": "pt"}}, 0
for key, (dtype, size) in parts.items():
    header[key] = {"dtype": dtype, "shape": [2, 2], "data_offsets": [at, at + size]}
    at += size
text = compact(header).encode()
seed("safetensors", "kinds", struct.pack("<Q", len(text)) + text + bytes(range(at)))
seed("safetensors", "index", '{"metadata":{"total_size":16},"weight_map":{"embed_tokens.weight":"one.safetensors"}}')
for name in ("llama3_rope", "llama_linear_rope", "mistral_window", "qwen2", "qwen3"):
    for style in ("config", "config.old_style"):
        seed("config", f"{name}_{style}", compact(json.loads(content(f"decoders/{name}/{style}.json"))))
nvembed = json.loads(content("nvembed_tiny/config.json"))
used = ("model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "sliding_window", "rope_theta", "rms_norm_eps", "max_position_embeddings")
nvembed["text_config"] = {k: v for k, v in nvembed["text_config"].items() if k in used}
seed("config", "nvembed", compact(nvembed))
modules = [{"idx": i, "path": f"{i}_{kind}" if i else "", "type": "sentence_transformers.models." + kind}
           for i, kind in enumerate(("Transformer", "Pooling", "Normalize"))]
seed("side_files", "all", "\0".join(compact(j) for j in (
    modules, {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False, "include_prompt": False},
    {"max_seq_length": 512, "do_lower_case": False},
    {"prompts": {"query": "Query: ", "passage": ""}, "default_prompt_name": "query"},
    {"bos_token": "<s>", "eos_token": {"content": "b"}, "add_bos_token": True, "add_eos_token": True,
     "model_max_length": 1e30, "tokenizer_class": "LlamaTokenizer"})))
seed("side_files", "pooling", compact(modules[:2]) + "\0" + compact({"pooling_mode": "lasttoken"}))
tensors, at = {}, 0
for half, shape in (("A", (2, 3)), ("B", (4, 2))):
    tensors[f"base_model.model.layers.0.mlp.up_proj.lora_{half}.weight"] = {
        "dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * shape[0] * shape[1]]}
    at += 4 * shape[0] * shape[1]
text = compact(tensors).encode()
tensors = struct.pack("<Q", len(text)) + text + struct.pack(f"<{at // 4}f", *range(at // 4))
lora = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "use_rslora": True, "bias": "none", "target_modules": ["up_proj"],
        "alpha_pattern": {r"layers\.[0-3]\.(mlp\.)?(up|down)_\w+": 3}, "rank_pattern": {"up_proj": 2}}
part = {"file": "head.safetensors", "size": 9, "digest": "ab"}
embedder = {
    "format": "nvembed", "version": 1, "base": {"path": "../x", "name": "x", "size": 1, "digest": "ab", "sha256": {"x": "0"}},
    "adapter": {**part, "file": "adapter_model.safetensors"}, "weights": None,
    "head": {**part, "config": {"num_latents": 2, "num_heads": 1, "head_dim": 4, "hidden_dim": 8, "latent_dim": 8, "mult": 4}},
    "mask": "causal&window:3,0", "pool": "latent_attention", "normalize": True, "compat": "exact", "pool_prompt": False,
    "max_length": 9, "query_template": "{instruction}: ", "prompts": {"q": "Q"}, "default_prompt": "q", "precision": "f32"}
seed("adapter", "both", compact(lora).encode() + b"\0" + compact(embedder).encode() + b"\0" + tensors)
seed("adapter", "plain", compact({"peft_type": "LORA", "r": 2, "lora_alpha": 4}).encode() + b"\0\0" + tensors)
seed("jsonl", "texts", '\ufeff{"text":"a b","id":"x","title":"T"}\r\n\n'
     '{"text":"\u6771","id":7,"instruction":"i","prefix":null}\n')
seed("jsonl", "pairs", '{"text1":"a","text2":"\\u00e9","instruction":"i"}\n{"text1":"","text2":"b"}')
seed("jsonl", "lines", "one\n\ntwo\r\n  three")
head = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".ljust(117) + "\n"
seed("npy", "matrix", b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode() + struct.pack("<6f", *range(6)))
head = '{"shape":(0,4),"descr":"<f4","fortran_order":False}'
seed("npy", "empty", b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode())
seed("state", "run", compact({
    "settings": "00 f32 npy 0 -1", "rows": 2, "bytes": 384, "texts": "ab", "tokens": 9,
    "truncated": {"count": 2, "lines": [1, 2]}, "empty": {"count": 0, "lines": []}}))
seed("state", "origin", compact({"fingerprint": "00", "settings": {}, "output_type": "f32", "texts": "ab", "rows": 2}))
for i, word in enumerate(("causal", "window:3,4", "causal&window:7,0", "prefix:full,causal", "int8",
                          "Instruct: {instruction}\nQuery: \0find")):
    seed("options", str(i), word)
seed("training", "records", '{"query":"q","positive":["a","\\u00e9"],"negative":["n","a","q"]}\r\n\n'
     '{"query":"r","positive":["q"],"negative":null}\n{"query":"","positive":[]}')
seed("training", "labels", "".join(compact({"text": t, "label": l}) + "\n" for t, l in (
    ("a", 0), ("b", 0), ("a", 0), ("c", 1), ("b", 1), ("d", "x"), ("1", "x"), ("lone", "y"))))
seed("training", "tasks", compact([
    {"name": "a", "kind": "sts", "instruction": "i", "symmetric": True, "in_batch_negatives": False, "count": 3},
    {"name": "b", "kind": "nli", "instruction": "", "symmetric": False, "in_batch_negatives": True, "file": "f",
     "from_labels": "label", "negatives": 2, "label_texts": {"0": "no"}}]))

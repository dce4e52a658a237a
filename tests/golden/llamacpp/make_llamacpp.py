#!/usr/bin/env python3
"""Records mean-pooled vectors of llama.cpp for SmolLM2-135M-Instruct with float32 weights, causal and bidirectional.

    make_llamacpp.py --gguf SmolLM2-135M-Instruct.Q4_1.gguf --scratch DIR --golden DIR --out DIR

SCRATCH/{llama,llama-embed}.gguf   the same weights as float32, under the two architecture names (made if missing)
OUT/smollm2.jsonl                  a line a text: id, text, ids (llama.cpp's tokenizer, no BOS, special strings as text)
OUT/smollm2.safetensors            `ID.causal`, `ID.bidirectional`: (576,) mean over all tokens after the final norm
--golden: holds decoder_smollm2_expected.*, quant/ and tokenizers/, against which llama.cpp is compared (printed only).
"""
import argparse
import ctypes
import json
from pathlib import Path

import gguf
import llama_cpp as L
import numpy as np
from safetensors.numpy import load_file, save_file

TEXTS = [
    "a",
    "Hello, world!",
    "What is the capital of France?",
    "Paris is the capital and largest city of France, with an estimated population of just over 2.1 million.",
    "In 1969, 3 astronauts flew 384,400 km to the Moon; it took them 4 days.",
    "def area(r):\n    return 3.14159 * r ** 2\n\n\nprint(area(2))",
    "El tren de la ma\u00f1ana sale a las ocho; los ni\u00f1os ya est\u00e1n en la estaci\u00f3n.",
    "\u041f\u043e\u0433\u043e\u0434\u0430 \u0441\u0435\u0433\u043e\u0434\u043d\u044f \u0445\u043e\u0440\u043e\u0448\u0430\u044f, \u043d\u043e \u0437\u0430\u0432\u0442\u0440\u0430 \u0431\u0443\u0434\u0435\u0442 \u0434\u043e\u0436\u0434\u044c.",
    "\u4eca\u5929\u5929\u6c14\u5f88\u597d\uff0c\u6211\u4eec\u53bb\u516c\u56ed\u6563\u6b65\u5427\u3002 \U0001f600",
    "Instruct: Given a question, retrieve passages that answer the question\nQuery: how do bees find their way home?",
    "Bees find their way home by the position of the sun, by the polarisation of the sky, and by landmarks that they learned "
    "on earlier flights. A young bee first flies short loops around the hive, looking back at it, before it dares to go far.",
    " ".join(f"Sentence number {i} says that the value of x is {i * i}, which is {'even' if i % 2 == 0 else 'odd'}." for i in range(12)),
]


def write_f32(source, path, arch):
    """A copy of a llama GGUF with float32 tensors and another architecture name."""
    reader = gguf.GGUFReader(source)
    old = reader.fields["general.architecture"].contents()
    w = gguf.GGUFWriter(path, arch)
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key in ("general.architecture", "general.file_type"):
            continue
        key = arch + key[len(old):] if key.startswith(old + ".") else key
        w.add_key_value(key, field.contents(), field.types[0], sub_type=field.types[1] if len(field.types) > 1 else None)
    for t in reader.tensors:
        w.add_tensor(t.name, np.ascontiguousarray(gguf.quants.dequantize(t.data, t.tensor_type), dtype=np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


class Model:
    """One sequence at a time; everything in float32 (keys and values too), no fused attention."""

    def __init__(self, path, causal, pooling, threads=2, context=1024):
        m = L.llama_model_default_params()
        m.use_extra_bufts = False                    # no repacked weights: plain kernels
        self.model = L.llama_model_load_from_file(str(path).encode(), m)
        if not self.model:
            raise SystemExit(f"llama.cpp cannot load {path}")
        p = L.llama_context_default_params()
        p.n_ctx = p.n_batch = p.n_ubatch = context
        p.n_seq_max, p.n_threads, p.n_threads_batch = 1, threads, threads
        p.embeddings, p.pooling_type = True, pooling
        p.attention_type = L.LLAMA_ATTENTION_TYPE_CAUSAL if causal else L.LLAMA_ATTENTION_TYPE_NON_CAUSAL
        p.flash_attn_type = L.LLAMA_FLASH_ATTN_TYPE_DISABLED
        p.type_k = p.type_v = L.GGML_TYPE_F32
        self.context = L.llama_init_from_model(self.model, p)
        self.batch = L.llama_batch_init(context, 0, 1)
        self.dim, self.pooling = L.llama_model_n_embd(self.model), pooling

    def tokenize(self, text, special=False, bos=False):
        vocab, raw = L.llama_model_get_vocab(self.model), text.encode()
        out = (L.llama_token * (len(raw) + 16))()
        n = L.llama_tokenize(vocab, raw, len(raw), out, len(out), bos, special)
        assert n >= 0
        return list(out[:n])

    def run(self, ids):
        """(dim,) mean, or (tokens, dim) without pooling."""
        memory, b = L.llama_get_memory(self.context), self.batch
        if memory:
            L.llama_memory_clear(memory, True)
        for i, t in enumerate(ids):
            b.token[i], b.pos[i], b.n_seq_id[i], b.logits[i] = t, i, 1, 1
            b.seq_id[i][0] = 0
        b.n_tokens = len(ids)
        if (L.llama_decode if memory else L.llama_encode)(self.context, b):
            raise RuntimeError("llama.cpp failed")
        if self.pooling == L.LLAMA_POOLING_TYPE_NONE:
            return np.stack([np.ctypeslib.as_array(L.llama_get_embeddings_ith(self.context, i), (self.dim,)).copy()
                             for i in range(len(ids))])
        return np.ctypeslib.as_array(L.llama_get_embeddings_seq(self.context, 0), (self.dim,)).copy()


def cosine(a, b):
    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def lines(path):
    return [json.loads(x) for x in path.read_text().splitlines()]


def compare_with_transformers(models, golden):
    want = load_file(golden / "decoder_smollm2_expected.safetensors")
    for mode, model in models.items():
        pairs = [(model.run(c["ids"]), want[f"{c['id']}.{mode}.mean"]) for c in lines(golden / "decoder_smollm2_expected.jsonl")]
        print(f"{mode} against transformers: largest difference {max(np.abs(a - b).max() for a, b in pairs):.1e}, "
              f"1 - cosine {max(1 - cosine(a, b) for a, b in pairs):.1e}")


def compare_small_models(golden):
    """The tiny GGUF files of quant/: states (llama.cpp also quantises activations) and ids."""
    texts = {"llama": "spm.model", "llama_bpe": "smollm2", "qwen2": "qwen2", "qwen3": "qwen2"}
    for name, expected in texts.items():
        m = Model(golden / "quant" / f"{name}.gguf", True, L.LLAMA_POOLING_TYPE_NONE)
        want = load_file(golden / "quant" / f"{name}.expected.safetensors")
        info = json.loads((golden / "quant" / f"{name}.expected.json").read_text())
        worst = max(1 - cosine(m.run(s["ids"]), want[f"s{i}.causal"]) for i, s in enumerate(info["sequences"]))
        cases = [c for c in lines(golden / "tokenizers" / f"{expected}.expected.jsonl") if c["text"] and "\0" not in c["text"]]
        differ = [ascii(c["text"]) for c in cases if m.tokenize(c["text"], special=name != "llama") != c["ids"]]
        print(f"{name}: 1 - cosine of states {worst:.1e}; ids differ on {len(differ)} of {len(cases)} texts", differ[:8])


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("gguf", "scratch", "golden", "out"):
        ap.add_argument(f"--{option}", type=Path, required=True)
    a = ap.parse_args()
    quiet = L.llama_log_callback(lambda level, text, data: None)
    L.llama_log_set(quiet, ctypes.c_void_p(0))
    L.llama_backend_init()
    a.scratch.mkdir(parents=True, exist_ok=True)
    models = {}
    for mode, arch in (("causal", "llama"), ("bidirectional", "llama-embed")):
        path = a.scratch / f"{arch}.gguf"
        if not path.exists():
            write_f32(a.gguf, path, arch)
        models[mode] = Model(path, mode == "causal", L.LLAMA_POOLING_TYPE_MEAN)
    tensors, records = {}, []
    for i, text in enumerate(TEXTS):
        ids = models["causal"].tokenize(text)
        assert ids == models["bidirectional"].tokenize(text)
        records.append(dict(id=i, text=text, ids=ids))
        tensors |= {f"{i}.{mode}": m.run(ids) for mode, m in models.items()}
    save_file(tensors, a.out / "smollm2.safetensors")
    (a.out / "smollm2.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    print("tokens", [len(r["ids"]) for r in records],
          "causal against bidirectional, smallest cosine", min(cosine(tensors[f"{i}.causal"], tensors[f"{i}.bidirectional"]) for i in range(1, len(TEXTS))))
    compare_with_transformers(models, a.golden)
    compare_small_models(a.golden)

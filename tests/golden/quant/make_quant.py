#!/usr/bin/env python3
"""Writes quantised blocks with their values as the gguf package gives them, and tiny GGUF models with their hidden states.

    make_quant.py --tokenizers DIR --out DIR      (--tokenizers: spm.model, smollm2.json, qwen2.json of this folder's neighbour)

OUT/blocks.safetensors        `TYPE.bytes` (rows, bytes) U8 and `TYPE.f32` (rows, columns) F32
OUT/rounding.safetensors      `f32` (rows, columns) F32 and `q4_0` (rows, bytes) U8: floats and their Q4_0 blocks
OUT/float8.safetensors        `values` (256) F32 of all E4M3 bit patterns; `f32` (n) and their `bits` (n) U8: torch's, saturated
OUT/NAME.gguf                 model with tokenizer
OUT/NAME.expected.safetensors `sI.MODE`: (tokens, hidden) F32 from transformers on the dequantised weights
OUT/NAME.expected.json        the sequences, and the type of every tensor
"""
import argparse
import json
import math
from pathlib import Path

import gguf
import numpy as np
import sentencepiece
import torch
import transformers
from gguf import GGMLQuantizationType as Q, TokenType
from safetensors.numpy import save_file
from transformers import AutoModel, LlamaConfig, LlamaModel, Qwen2Config, Qwen2Model, Qwen3Config, Qwen3Model

# Byte offsets of the float16 scales of a block.
SCALES = {Q.Q8_0: (0,), Q.Q4_0: (0,), Q.Q4_1: (0, 2), Q.Q5_0: (0,), Q.Q5_1: (0, 2),
          Q.Q4_K: (0, 2), Q.Q5_K: (0, 2), Q.Q6_K: (208,)}


def random_blocks(rng, qtype, rows, columns, scale=None):
    """(rows, blocks, bytes) random quants with scales of either sign, or all of them `scale`."""
    block, size = gguf.GGML_QUANT_SIZES[qtype]
    raw = rng.integers(0, 256, (rows, columns // block, size), dtype=np.uint8)
    for at in SCALES[qtype]:
        s = rng.normal(0, 0.02, raw.shape[:2]).astype(np.float16)
        if scale is not None:
            s[:] = scale
        raw[:, :, at:at + 2] = s[..., None].view(np.uint8)
    return raw


def special_blocks(rng, qtype, columns):
    """One row each: random; all quants 0; all bits 1; scales 0, -0, smallest and largest subnormal, largest, negative."""
    raw = random_blocks(rng, qtype, 4, columns)
    head = raw.copy()
    raw[1], raw[2] = 0x00, 0xFF
    for at in SCALES[qtype]:
        raw[:, :, at:at + 2] = head[:, :, at:at + 2]
    odd = np.array([0x0000, 0x8000, 0x0001, 0x83FF, 0x7BFF, 0xFBFF, 0x0400, 0xB800], np.uint16)
    for n, at in enumerate(SCALES[qtype]):
        values = np.roll(odd, 3 * n)[np.arange(raw.shape[1]) % len(odd)]
        raw[3, :, at:at + 2] = values[:, None].view(np.uint8)
    return raw.reshape(4, -1)


def special_halves(rng, rows, columns, exponent):
    """Finite 16-bit patterns, among them zeros, subnormals and the largest; `exponent` masks the exponent bits."""
    h = rng.integers(0, 1 << 16, (rows, columns)).astype(np.uint16)
    h[(h & exponent) == exponent] &= 0x8FFF
    low = (~exponent & 0x7FFF) & 0xFFFF
    h[0, :8] = [0, 0x8000, 1, 0x8001, low, 0x8000 | low, exponent - 1, 0x8000 | (exponent - 1)]
    return h.view(np.uint8)


def write_blocks(path):
    rng = np.random.default_rng(31)
    tensors = {}
    for qtype in (Q.F16, Q.BF16, Q.Q8_0, Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q5_1, Q.Q4_K, Q.Q5_K, Q.Q6_K):
        if qtype in SCALES:
            raw = special_blocks(rng, qtype, 512 if gguf.GGML_QUANT_SIZES[qtype][0] == 32 else 2048)
        else:
            raw = special_halves(rng, 2, 256, 0x7C00 if qtype == Q.F16 else 0x7F80)
        data = raw.view(np.float16) if qtype == Q.F16 else raw
        values = np.ascontiguousarray(gguf.quants.dequantize(data, qtype), dtype=np.float32)
        assert np.isfinite(values).all(), qtype
        tensors[f"{qtype.name.lower()}.bytes"], tensors[f"{qtype.name.lower()}.f32"] = np.ascontiguousarray(raw), values
    save_file(tensors, path)


def write_rounding(path):
    rng = np.random.default_rng(40)
    x = rng.normal(0, 1, (6, 256)).astype(np.float32)
    x[1] *= 1e-6
    x[2] *= 3000
    x[3, 32:64] = 0
    x[4] = rng.integers(-8, 8, 256)
    x[5] = np.abs(x[5])
    save_file({"f32": x, "q4_0": gguf.quants.quantize(x, Q.Q4_0)}, path)


def write_float8(path):
    values = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn).float()
    rng = np.random.default_rng(41)
    finite = values[torch.isfinite(values)].unique()
    middles = (finite[1:] + finite[:-1]) / 2  # ties, and their neighbours on either side
    around = [torch.nextafter(middles, torch.tensor(s * float("inf"))) for s in (1, -1)]
    some = torch.from_numpy((rng.normal(0, 1, 400) * 2.0 ** rng.integers(-14, 9, 400)).astype(np.float32))
    beyond = torch.tensor([448, 449, 464, 480, 1e4, float("inf"), 1e-30, 0.0, -0.0])
    x = torch.cat([finite, middles, *around, some, beyond, -beyond])
    bits = x.clamp(-448, 448).to(torch.float8_e4m3fn).view(torch.uint8)
    save_file({"values": values.numpy(), "f32": x.numpy(), "bits": bits.numpy()}, path)


def permute(w, heads):
    """Rows of q or k as llama.cpp's converter stores them: the halves of each head interleaved."""
    return w.reshape(heads, 2, -1, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def unpermute(w, heads):
    return w.reshape(heads, -1, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


class Weights:
    """Makes tensors, keeps them as stored for the GGUF file and as dequantised values for transformers."""

    def __init__(self, seed):
        self.rng, self.stored, self.values = np.random.default_rng(seed), [], {}

    def vector(self, name, key, size, bias=False):
        x = self.rng.normal(0 if bias else 1, 0.3 if bias else 0.2, size).astype(np.float32)
        self.stored.append((name, x, Q.F32))
        self.values[key] = x

    def matrix(self, name, key, rows, columns, qtype, gain=1.2, heads=None):
        """`heads`: stored permuted. K-quants, which the gguf package cannot make, are random blocks scaled to the gain."""
        std = gain / math.sqrt(columns) if "embed" not in key else 1.0
        if qtype in (Q.Q4_K, Q.Q5_K, Q.Q6_K):
            raw = random_blocks(self.rng, qtype, rows, columns, 1).reshape(rows, -1)
            d = std / np.sqrt(np.mean(gguf.quants.dequantize(raw, qtype) ** 2))
            blocks = raw.reshape(rows, columns // 256, -1)
            for at, factor in zip(SCALES[qtype], (1, 7.5 if qtype == Q.Q4_K else 15.5)):
                s = (d * factor * self.rng.uniform(0.8, 1.2, blocks.shape[:2])).astype(np.float16)
                blocks[:, :, at:at + 2] = s[..., None].view(np.uint8)
            got = np.sqrt(np.mean(gguf.quants.dequantize(raw, qtype) ** 2))
            for at in SCALES[qtype]:
                s = blocks[:, :, at:at + 2].copy().view(np.float16)
                blocks[:, :, at:at + 2] = (s * np.float16(std / got)).view(np.uint8)
            stored = raw
        else:
            x = self.rng.normal(0, std, (rows, columns)).astype(np.float32)
            stored = gguf.quants.quantize(permute(x, heads) if heads else x, qtype)
        value = np.asarray(gguf.quants.dequantize(stored, qtype), dtype=np.float32)
        self.stored.append((name, stored, qtype))
        self.values[key] = np.ascontiguousarray(unpermute(value, heads) if heads else value)


def fill(config, vocab, types, seed, permuted, biases=False, head_norms=False):
    """All tensors of a decoder; `types` gives the quantisation of the embedding, then of q k v o gate up down of each layer."""
    w, types = Weights(seed), iter(types)
    hidden, heads, kv = config.hidden_size, config.num_attention_heads, config.num_key_value_heads
    dim = getattr(config, "head_dim", None) or hidden // heads
    w.matrix("token_embd.weight", "embed_tokens.weight", vocab, hidden, next(types))
    for i in range(config.num_hidden_layers):
        b, h = f"blk.{i}.", f"layers.{i}."
        w.vector(b + "attn_norm.weight", h + "input_layernorm.weight", hidden)
        for letter, rows, n in (("q", heads * dim, heads), ("k", kv * dim, kv), ("v", kv * dim, None)):
            w.matrix(f"{b}attn_{letter}.weight", f"{h}self_attn.{letter}_proj.weight", rows, hidden, next(types),
                     gain=1.5 if n else 1.2, heads=n if permuted else None)
            if biases:
                w.vector(f"{b}attn_{letter}.bias", f"{h}self_attn.{letter}_proj.bias", rows, bias=True)
        if head_norms:
            w.vector(b + "attn_q_norm.weight", h + "self_attn.q_norm.weight", dim)
            w.vector(b + "attn_k_norm.weight", h + "self_attn.k_norm.weight", dim)
        w.matrix(b + "attn_output.weight", h + "self_attn.o_proj.weight", hidden, heads * dim, next(types))
        w.vector(b + "ffn_norm.weight", h + "post_attention_layernorm.weight", hidden)
        ff = config.intermediate_size
        w.matrix(b + "ffn_gate.weight", h + "mlp.gate_proj.weight", ff, hidden, next(types))
        w.matrix(b + "ffn_up.weight", h + "mlp.up_proj.weight", ff, hidden, next(types))
        w.matrix(b + "ffn_down.weight", h + "mlp.down_proj.weight", hidden, ff, next(types))
    w.vector("output_norm.weight", "norm.weight", hidden)
    return w


def spm_vocabulary(writer, model):
    sp = sentencepiece.SentencePieceProcessor(model_file=str(model))
    kinds = [TokenType.UNKNOWN if sp.is_unknown(i) else TokenType.CONTROL if sp.is_control(i) else
             TokenType.BYTE if sp.is_byte(i) else TokenType.NORMAL for i in range(len(sp))]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([sp.id_to_piece(i).encode() for i in range(len(sp))])
    writer.add_token_scores([sp.get_score(i) for i in range(len(sp))])
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    return len(sp)


def bpe_vocabulary(writer, file, pre, eos):
    j = json.loads(file.read_text())
    tokens = dict(j["model"]["vocab"])
    kinds = {i: TokenType.NORMAL for i in tokens.values()}
    for a in j["added_tokens"]:
        tokens[a["content"]] = a["id"]
        kinds[a["id"]] = TokenType.CONTROL if a["special"] else TokenType.USER_DEFINED
    names = sorted(tokens, key=tokens.get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(names)
    writer.add_token_types([kinds[tokens[n]] for n in names])
    writer.add_token_merges([" ".join(m) for m in j["model"]["merges"]])
    writer.add_bos_token_id(tokens[eos])
    writer.add_eos_token_id(tokens[eos])
    writer.add_pad_token_id(tokens[eos])
    writer.add_add_bos_token(False)
    return len(names)


def llama3_factors(rope, dim):
    """What a converter writes as rope_freqs.weight: each wavelength's divisor."""
    out = []
    for i in range(0, dim, 2):
        turns = rope["original_max_position_embeddings"] / (2 * math.pi * rope["rope_theta"] ** (i / dim))
        smooth = (turns - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
        out.append(1 / ((1 - min(max(smooth, 0), 1)) / rope["factor"] + min(max(smooth, 0), 1)))
    return np.array(out, np.float32)


@torch.no_grad()
def states(model, ids, causal):
    n = len(ids)
    mask = torch.zeros(n, n)
    if causal:
        mask.masked_fill_(torch.ones(n, n).triu(1).bool(), torch.finfo(torch.float32).min)
    return model(input_ids=torch.tensor([ids]), attention_mask=mask[None, None], use_cache=False).last_hidden_state[0]


def write_model(out, name, arch, cls, config, vocabulary, types, seed, permuted=False, **parts):
    path = out / f"{name}.gguf"
    writer = gguf.GGUFWriter(path, arch)
    rope = config.rope_parameters
    writer.add_name(f"tiny random {arch}")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    writer.add_context_length(512)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(rope["rope_theta"])
    if arch == "qwen3":
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    else:
        writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    vocab = vocabulary(writer)
    writer.add_vocab_size(vocab)
    config.vocab_size = vocab
    w = fill(config, vocab, types, seed, permuted, **parts)
    if rope["rope_type"] == "llama3":
        w.stored.insert(0, ("rope_freqs.weight", llama3_factors(rope, config.head_dim), Q.F32))
    for tensor, data, qtype in w.stored:
        writer.add_tensor(tensor, data, raw_dtype=qtype)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    config._attn_implementation = "eager"
    model = cls(config).eval()
    model.load_state_dict({k: torch.from_numpy(v) for k, v in w.values.items()})
    rng = np.random.default_rng(seed + 1)
    sequences = [rng.integers(3, vocab, n).tolist() for n in (1, 6, 40)]
    tensors = {f"s{i}.{mode}": states(model, ids, mode == "causal").numpy()
               for i, ids in enumerate(sequences) for mode in ("causal", "bidirectional")}
    save_file(tensors, out / f"{name}.expected.safetensors")
    exact = cls(config).double().eval()
    exact.load_state_dict({k: torch.from_numpy(v) for k, v in w.values.items()})
    error = max(np.abs(states(exact, ids, mode == "causal").numpy() - tensors[f"s{i}.{mode}"]).max()
                for i, ids in enumerate(sequences) for mode in ("causal", "bidirectional"))
    (out / f"{name}.expected.json").write_text(json.dumps(dict(
        made_with=dict(gguf="0.19.0", transformers=transformers.__version__, torch=torch.__version__.split("+")[0]),
        largest_value=float(max(np.abs(t).max() for t in tensors.values())), float32_against_float64=float(error),
        sequences=[dict(ids=s) for s in sequences], types={n: q.name for n, _, q in w.stored})) + "\n")
    # The file read back by somebody else; with our config, as that loader overlooks key_length and the rope scaling.
    loaded = AutoModel.from_pretrained(str(out), config=config, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager").eval()
    worst = max(np.abs(states(loaded, ids, True).numpy() - tensors[f"s{i}.causal"]).max() for i, ids in enumerate(sequences))
    print(f"{name}: vocabulary {vocab}, f32 against f64 {error:.1e}, against the loader of transformers {worst:.1e}")
    assert worst < 1e-5


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--tokenizers", type=Path, required=True)
    ap.add_argument("--out", type=Path, required=True)
    a = ap.parse_args()
    torch.set_num_threads(1)
    write_blocks(a.out / "blocks.safetensors")
    write_rounding(a.out / "rounding.safetensors")
    write_float8(a.out / "float8.safetensors")
    default = dict(rope_type="default", rope_theta=10000.0)
    write_model(a.out, "llama", "llama", LlamaModel, LlamaConfig(
        hidden_size=256, intermediate_size=256, num_hidden_layers=2, num_attention_heads=8, num_key_value_heads=2,
        rms_norm_eps=1e-5, rope_parameters=default), lambda w: spm_vocabulary(w, a.tokenizers / "spm.model"),
        [Q.Q4_0, Q.Q4_K, Q.Q5_K, Q.F16, Q.Q6_K, Q.Q8_0, Q.Q4_1, Q.Q5_1,
         Q.Q5_0, Q.Q6_K, Q.BF16, Q.Q4_K, Q.Q5_K, Q.Q4_0, Q.Q4_K], 50, permuted=True)
    llama3 = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                  original_max_position_embeddings=64)
    write_model(a.out, "llama_bpe", "llama", LlamaModel, LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
        rms_norm_eps=1e-5, rope_parameters=llama3, max_position_embeddings=512),
        lambda w: bpe_vocabulary(w, a.tokenizers / "smollm2.json", "smollm", "<|endoftext|>"),
        [Q.Q4_0] + [Q.Q8_0, Q.F32, Q.Q5_0, Q.Q4_1, Q.Q8_0, Q.Q5_1, Q.F16], 60, permuted=True)
    write_model(a.out, "qwen2", "qwen2", Qwen2Model, Qwen2Config(
        hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=1,
        rms_norm_eps=1e-6, rope_parameters=dict(rope_type="linear", rope_theta=5000.0, factor=2.0)),
        lambda w: bpe_vocabulary(w, a.tokenizers / "qwen2.json", "qwen2", "<|endoftext|>"),
        [Q.Q4_0] + [Q.Q8_0] * 7, 70, biases=True)
    write_model(a.out, "qwen3", "qwen3", Qwen3Model, Qwen3Config(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=32, rms_norm_eps=1e-6, rope_parameters=dict(rope_type="default", rope_theta=1000000.0)),
        lambda w: bpe_vocabulary(w, a.tokenizers / "qwen2.json", "qwen2", "<|endoftext|>"),
        [Q.Q5_0] + [Q.Q8_0, Q.Q4_0, Q.F16, Q.Q5_1, Q.Q4_1, Q.Q5_0, Q.Q8_0] * 2, 80, head_norms=True)

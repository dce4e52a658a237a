#!/usr/bin/env python3
"""Pooled vectors of random states: plain poolers, self-attention pooling and an odd-shaped NV-Embed latent head.

    make_pooling.py --pooling DIR --latent DIR --golden DIR      (--golden: holds nvembed_tiny, to check the latent head)

Everything is computed in float64 from float32 inputs and weights, and stored as F64 except inputs and weights.
POOLING/poolers.safetensors         hidden F32, then mean, weighted_mean, weighted_mean.from_start, last_token
POOLING/self_attention.safetensors  weights of the self-attention head (F32)
POOLING/self_attention.expected.safetensors  hidden F32, attention (before the residual), tokens, mean
LATENT/model.safetensors, config.json        weights with NV-Embed's names, its `latent_attention_config`
LATENT/expected.safetensors         hidden F32, cross_attention (before the residual), tokens, mean, normalized
SEGMENTS: poolers.json, {"segments": [{"begin", "size", "pool_begin"}, ...]}, the same for all three
"""
import argparse
import json
import math
from pathlib import Path

import sentence_transformers
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from sentence_transformers.sentence_transformer.modules import Pooling

SIZES = (1, 2, 40, 3, 17, 8, 1, 26)
POOL_BEGIN = (0, 1, 0, 2, 6, 0, 0, 25)


def segments():
    begin, out = 0, []
    for size, pool in zip(SIZES, POOL_BEGIN):
        out.append(dict(begin=begin, size=size, pool_begin=pool))
        begin += size
    return out


def rows(x, s):
    return x[s["begin"]:s["begin"] + s["size"]]


def pooled(x, s):
    return rows(x, s)[s["pool_begin"]:]


def mean(x):
    return torch.stack([pooled(x, s).mean(0) for s in segments()])


def weighted_mean(x, from_start):
    """Weights 1, 2, ... over the pooled tokens, or counted from the start of the text (sentence-transformers)."""
    out = []
    for s in segments():
        h, first = pooled(x, s), 1 + (s["pool_begin"] if from_start else 0)
        w = torch.arange(first, first + len(h), dtype=x.dtype)
        out.append((w[:, None] * h).sum(0) / w.sum())
    return torch.stack(out)


def check_against_sentence_transformers(x, mode, want):
    module = Pooling(x.shape[1], pooling_mode=mode, include_prompt=False)
    for s, w in zip(segments(), want):
        h = rows(x, s)[None]
        got = module(dict(token_embeddings=h, attention_mask=torch.ones(h.shape[:2], dtype=torch.int64),
                          prompt_length=s["pool_begin"]))["sentence_embedding"][0]
        assert torch.allclose(got, w, rtol=0, atol=1e-12), (mode, s)


def random_weights(g, shapes):
    out = {}
    for name, shape in shapes.items():
        noise = torch.randn(shape, generator=g)
        if name.endswith("bias"):
            out[name] = 0.3 * noise
        elif len(shape) == 1:
            out[name] = 1 + 0.2 * noise
        elif name == "latents":
            out[name] = noise
        else:
            gain = 2.0 if "to_q" in name or "to_kv" in name else 1.3
            out[name] = gain / math.sqrt(shape[1]) * noise
    return out


def split_heads(x, heads):
    return x.reshape(len(x), heads, -1).transpose(0, 1)


def attend(q, kv, heads):
    """Scaled dot product over heads; kv holds keys, then values."""
    k, v = kv.chunk(2, dim=-1)
    o = F.scaled_dot_product_attention(*(split_heads(t, heads)[None] for t in (q, k, v)))
    return o[0].transpose(0, 1).reshape(len(q), -1)


def feed_forward(h, w, norm, net):
    """LayerNorm, GEGLU (the gate is the second half, exact GELU), residual."""
    f = F.layer_norm(h, h.shape[-1:], w[norm + ".weight"], w[norm + ".bias"], 1e-5)
    x, gate = F.linear(f, w[net + ".0.weight"], w[net + ".0.bias"]).chunk(2, dim=-1)
    return F.linear(x * F.gelu(gate), w[net + ".2.weight"], w[net + ".2.bias"]) + h


def self_attention(x, w, heads):
    a = F.layer_norm(x, x.shape[-1:], w["norm.weight"], w["norm.bias"], 1e-5)
    q, kv = F.linear(a, w["to_q.weight"]), F.linear(a, w["to_kv.weight"])
    o = F.linear(torch.cat([attend(rows(q, s), rows(kv, s), heads) for s in segments()]), w["to_out.weight"])
    return o, feed_forward(o + x, w, "ff_norm", "ff.net")


def latent_attention(x, w, heads):
    b = "cross_attend_blocks.0."
    a = F.layer_norm(x, x.shape[-1:], w[b + "norm.weight"], w[b + "norm.bias"], 1e-5)
    z = w["latents"]
    c = F.layer_norm(z, z.shape[-1:], w[b + "norm_context.weight"], w[b + "norm_context.bias"], 1e-5)
    o = attend(F.linear(a, w[b + "fn.to_q.weight"]), F.linear(c, w[b + "fn.to_kv.weight"]), heads)
    o = F.linear(o, w[b + "fn.to_out.weight"])
    return o, feed_forward(o + x, w, "cross_attend_blocks.1.norm", "cross_attend_blocks.1.fn.net")


def both_precisions(head, x, w, heads):
    """The float64 result, and how far a float32 run is from it."""
    o, tokens = head(x.double(), {k: v.double() for k, v in w.items()}, heads)
    o32, tokens32 = head(x, w, heads)
    return o, tokens, max((o32 - o).abs().max().item(), (tokens32 - tokens).abs().max().item())


def save(tensors, path, metadata=None):
    save_file({k: v.contiguous() for k, v in tensors.items()}, path, metadata=metadata)


def make_poolers(out, g):
    x = torch.randn(sum(SIZES), 24, generator=g)
    d = x.double()
    result = {"mean": mean(d), "weighted_mean": weighted_mean(d, False), "weighted_mean.from_start": weighted_mean(d, True),
              "last_token": torch.stack([rows(d, s)[-1] for s in segments()])}
    for mode, name in (("mean", "mean"), ("weightedmean", "weighted_mean.from_start"), ("lasttoken", "last_token")):
        check_against_sentence_transformers(d, mode, result[name])
    save({"hidden": x, **result}, out / "poolers.safetensors")
    (out / "poolers.json").write_text(json.dumps(dict(
        made_with=dict(torch=torch.__version__.split("+")[0], sentence_transformers=sentence_transformers.__version__),
        segments=segments())) + "\n")


def make_self_attention(out, g, dim=24, heads=3, head_dim=10, mult=4):
    inner = heads * head_dim
    w = random_weights(g, {
        "norm.weight": (dim,), "norm.bias": (dim,), "to_q.weight": (inner, dim), "to_kv.weight": (2 * inner, dim),
        "to_out.weight": (dim, inner), "ff_norm.weight": (dim,), "ff_norm.bias": (dim,),
        "ff.net.0.weight": (2 * mult * dim, dim), "ff.net.0.bias": (2 * mult * dim,),
        "ff.net.2.weight": (dim, mult * dim), "ff.net.2.bias": (dim,)})
    x = torch.randn(sum(SIZES), dim, generator=g)
    o, tokens, error = both_precisions(self_attention, x, w, heads)
    save(w, out / "self_attention.safetensors", dict(heads=str(heads), head_dim=str(head_dim), mult=str(mult)))
    save({"hidden": x, "attention": o, "tokens": tokens, "mean": mean(tokens)}, out / "self_attention.expected.safetensors")
    print(f"self attention: largest {tokens.abs().max():.2f}, float32 against float64 {error:.1e}")


def check_against_nv_embed(golden):
    """The latent head above against what the original code gave for nvembed_tiny."""
    w = {}
    for shard in sorted((golden / "nvembed_tiny").glob("*.safetensors")):
        w |= {k.removeprefix("latent_attention_model."): v.float() for k, v in load_file(shard).items() if "latent" in k}
    worst = 0.0
    for line in (golden / "nvembed_tiny_expected.jsonl").read_text().splitlines():
        case = json.loads(line)
        if "latent_first_text" in case:
            o, tokens = latent_attention(torch.tensor(case["hidden_first_text"]), w, 4)
            worst = max(worst, (o - torch.tensor(case["cross_attention_first_text"])).abs().max().item(),
                        (tokens - torch.tensor(case["latent_first_text"])).abs().max().item())
    print(f"latent head against the original code: {worst:.1e}")
    assert worst < 1e-5


def make_latent(out, g, dim=48, latents=5, heads=3, head_dim=20, mult=4):
    inner, b = heads * head_dim, "cross_attend_blocks."
    w = random_weights(g, {
        "latents": (latents, dim), b + "0.norm.weight": (dim,), b + "0.norm.bias": (dim,),
        b + "0.norm_context.weight": (dim,), b + "0.norm_context.bias": (dim,), b + "0.fn.to_q.weight": (inner, dim),
        b + "0.fn.to_kv.weight": (2 * inner, dim), b + "0.fn.to_out.weight": (dim, inner),
        b + "1.norm.weight": (dim,), b + "1.norm.bias": (dim,), b + "1.fn.net.0.weight": (2 * mult * dim, dim),
        b + "1.fn.net.0.bias": (2 * mult * dim,), b + "1.fn.net.2.weight": (dim, mult * dim), b + "1.fn.net.2.bias": (dim,)})
    x = torch.randn(sum(SIZES), dim, generator=g)
    o, tokens, error = both_precisions(latent_attention, x, w, heads)
    m = mean(tokens)
    save({"latent_attention_model." + k: v for k, v in w.items()}, out / "model.safetensors")
    (out / "config.json").write_text(json.dumps(dict(model_type="nvembed", hidden_size=dim, latent_attention_config=dict(
        model_type="latent_attention", hidden_dim=dim, latent_dim=dim, num_latents_value=latents, num_cross_heads=heads,
        cross_dim_head=head_dim, mult=mult, output_normalize=True)), indent=2) + "\n")
    save({"hidden": x, "cross_attention": o, "tokens": tokens, "mean": m, "normalized": F.normalize(m, dim=-1)},
         out / "expected.safetensors")
    print(f"latent: largest {tokens.abs().max():.2f}, float32 against float64 {error:.1e}")


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--pooling", type=Path, required=True)
    ap.add_argument("--latent", type=Path, required=True)
    ap.add_argument("--golden", type=Path, required=True)
    a = ap.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(77)
    check_against_nv_embed(a.golden)
    make_poolers(a.pooling, generator)
    make_self_attention(a.pooling, generator)
    make_latent(a.latent, generator)

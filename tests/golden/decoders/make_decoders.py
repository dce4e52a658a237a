#!/usr/bin/env python3
"""Makes tiny random decoder checkpoints and their hidden states as Hugging Face transformers computes them.

    make_decoders.py --out DIR

DIR/NAME/                       checkpoint as `save_pretrained` writes it, and config.old_style.json for the same weights
DIR/NAME.expected.safetensors   `sI.MODE`: (tokens, hidden) float32, states after the final norm of sequence I
DIR/NAME.expected.json          {"sequences": [{"ids": [...], "prefix": P}, ...], ...}

The states are float32. A second run in float64 gives the rounding error, which is written to the json.
"""
import argparse
import json
import math
import shutil
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModel, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config
from transformers import LlamaForCausalLM, LlamaModel, MistralModel, Qwen2ForCausalLM, Qwen3Model

LENGTHS = (1, 2, 5, 17, 64, 100)
PREFIX = (0, 1, 2, 6, 23, 0)     # instruction tokens of each sequence
PREFIX_CASES = (1, 2, 3, 4)      # sequences that get the prefix modes


def checkpoints():
    """name -> (class, config, storage type, save options, old-style rope fields)."""
    common = dict(vocab_size=131, max_position_embeddings=512, bos_token_id=1, eos_token_id=2)
    llama3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                  original_max_position_embeddings=64)
    return {
        # untied output head, names begin with "model."; head_dim 8
        "qwen2": (Qwen2ForCausalLM, Qwen2Config(
            hidden_size=56, intermediate_size=88, num_hidden_layers=2, num_attention_heads=7, num_key_value_heads=1,
            rms_norm_eps=1e-6, tie_word_embeddings=False,
            rope_parameters=dict(rope_type="default", rope_theta=5000.0), **common),
            torch.float32, {}, dict(rope_theta=5000.0, sliding_window=9, use_sliding_window=False)),  # a window that is off
        # bare decoder, names without "model."; heads * head_dim = 160, not hidden
        "qwen3": (Qwen3Model, Qwen3Config(
            hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
            head_dim=40, rms_norm_eps=1e-6, tie_word_embeddings=True,
            rope_parameters=dict(rope_type="default", rope_theta=1000000.0), **common),
            torch.float16, {}, dict(rope_theta=1000000.0)),
        # tied output head, several shards with an index; wavelengths 6 | 20, 63 | 199 ... against 16 and 64
        "llama3_rope": (LlamaForCausalLM, LlamaConfig(
            hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            rms_norm_eps=1e-5, tie_word_embeddings=True, rope_parameters=dict(rope_theta=10000.0, **llama3), **common),
            torch.float32, dict(max_shard_size="100KB"), dict(rope_theta=10000.0, rope_scaling=llama3)),
        # biases on every projection of attention and MLP; the old style says "type", not "rope_type"
        "llama_linear_rope": (LlamaModel, LlamaConfig(
            hidden_size=72, intermediate_size=100, num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=3,
            rms_norm_eps=1e-5, attention_bias=True, mlp_bias=True,
            rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=4.0), **common),
            torch.float16, {}, dict(rope_theta=10000.0, rope_scaling=dict(type="linear", factor=4.0))),
        # sliding window; heads * head_dim = 96, not hidden
        "mistral_window": (MistralModel, MistralConfig(
            hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
            head_dim=24, rms_norm_eps=1e-5, sliding_window=7,
            rope_parameters=dict(rope_type="default", rope_theta=10000.0), **common),
            torch.bfloat16, {}, dict(rope_theta=10000.0)),
    }


@torch.no_grad()
def randomise(model, seed):
    """Weights at which every part of the model changes the result."""
    g = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=g)
        if name.endswith("bias"):
            p.copy_(0.3 * noise)
        elif p.ndim == 1:
            p.copy_(1 + 0.2 * noise)
        elif "embed_tokens" in name:
            p.copy_(noise)
        else:
            gain = 1.5 if any(s in name for s in ("q_proj", "k_proj")) else 1.2
            p.copy_(gain / math.sqrt(p.shape[1]) * noise)


def allowed(mode, n, prefix):
    """(n, n) table: may query q (row) see key k (column)?"""
    q, k = torch.arange(n)[:, None], torch.arange(n)[None, :]
    if "&" in mode:
        a, b = mode.split("&")
        return allowed(a, n, prefix) & allowed(b, n, prefix)
    kind, _, rest = mode.partition(":")
    if kind == "causal":
        return k <= q
    if kind == "bidirectional":
        return (q >= 0) & (k >= 0)
    if kind == "window":
        left, right = map(int, rest.split(","))
        return (q - k <= left) & (k - q <= right)
    if kind == "prefix":
        instruction, text = rest.split(",")
        in_instruction = (k < prefix) & ((k <= q) | (instruction == "full"))
        in_text = (k < prefix) | (k <= q) | (text == "full")
        return torch.where(q < prefix, in_instruction, in_text)
    raise ValueError(mode)


@torch.no_grad()
def states(model, ids, table=None):
    """Final states of one sequence; `table` None leaves the mask to the model."""
    mask = None
    if table is not None:
        dtype = model.dtype
        mask = torch.zeros(table.shape, dtype=dtype).masked_fill(~table, torch.finfo(dtype).min)[None, None]
    return model(input_ids=torch.tensor([ids]), attention_mask=mask, use_cache=False).last_hidden_state[0]


def load(folder, dtype, attention):
    return AutoModel.from_pretrained(folder, dtype=dtype, attn_implementation=attention).eval()


def write_old_config(folder, old):
    """The config as transformers 4 wrote it: rope_theta and rope_scaling at the top, torch_dtype."""
    c = json.loads((folder / "config.json").read_text())
    c.pop("rope_parameters")
    c.pop("layer_types", None)
    if c.get("head_dim") == c["hidden_size"] // c["num_attention_heads"]:
        c.pop("head_dim")
    c["torch_dtype"] = c.pop("dtype")
    c["transformers_version"] = "4.42.4"
    c.update({"rope_scaling": None, **old})
    (folder / "config.old_style.json").write_text(json.dumps(c, indent=2, sort_keys=True) + "\n")


def check_old_config(folder, ids, want, scratch):
    """Loads the same weights through the old-style config."""
    shutil.copytree(folder, scratch)
    (scratch / "config.json").write_text((folder / "config.old_style.json").read_text())
    got = states(load(scratch, torch.float32, "eager"), ids)
    shutil.rmtree(scratch)
    assert torch.equal(got, want), f"{folder}: the old-style config gives other states"


def make(name, out, spec, seed):
    cls, config, dtype, options, old = spec
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    model = cls(config)
    randomise(model, seed)
    model.to(dtype).save_pretrained(folder, **options)
    (folder / "generation_config.json").unlink(missing_ok=True)
    write_old_config(folder, old)

    eager, fused, exact = (load(folder, torch.float32, "eager"), load(folder, torch.float32, "sdpa"),
                           load(folder, torch.float64, "eager"))
    g = torch.Generator().manual_seed(seed + 1)
    sequences = [torch.randint(3, config.vocab_size, (n,), generator=g).tolist() for n in LENGTHS]
    window = getattr(config, "sliding_window", None)
    native = f"causal&window:{window - 1},0" if window else "causal"
    modes = ["causal", "bidirectional"]
    if window:
        modes += [native, f"window:{window - 1},{window - 1}", "window:3,9"]
    prefix_modes = [f"prefix:{a},{b}" for a in ("causal", "full") for b in ("causal", "full")]

    tensors, error, paths = {}, 0.0, 0.0
    for i, ids in enumerate(sequences):
        for mode in modes + (prefix_modes if i in PREFIX_CASES else []):
            table = allowed(mode, len(ids), PREFIX[i])
            got = states(eager, ids, table)
            if mode == native:                       # the model's own mask is the expected one, the table must agree
                own = states(eager, ids)
                assert (own - got).abs().max() < 2e-5, (name, mode, i)
                got = own
            paths = max(paths, (got - states(fused, ids, None if mode == native else table)).abs().max().item())
            error = max(error, (got - states(exact, ids, table)).abs().max().item())
            tensors[f"s{i}.{mode}"] = got.contiguous()
    check_masks(eager, sequences[3], PREFIX[3], name, native)
    check_old_config(folder, sequences[5], tensors[f"s5.{native}"], out / "scratch")
    save_file(tensors, out / f"{name}.expected.safetensors")
    info = dict(
        made_with=dict(transformers=transformers.__version__, torch=torch.__version__.split("+")[0]),
        native_mode=native, largest_value=max(t.abs().max().item() for t in tensors.values()),
        float32_against_float64=error, eager_against_sdpa=paths,
        sequences=[dict(ids=s, prefix=p) for s, p in zip(sequences, PREFIX)])
    (out / f"{name}.expected.json").write_text(json.dumps(info) + "\n")
    print(f"{name}: largest {info['largest_value']:.2f}, f32 against f64 {error:.1e}, eager against sdpa {paths:.1e}")


def check_masks(model, ids, prefix, name, native):
    """Explicit masks must be honoured: changing a token moves exactly the states that see it."""
    n = len(ids)
    for mode in ("causal", "bidirectional", "prefix:causal,full", "prefix:full,causal", native):
        table = allowed(mode, n, prefix)
        reach = table.clone()                        # what a token sees through all layers
        for _ in range(model.config.num_hidden_layers - 1):
            reach = (reach.float() @ table.float()) > 0
        before = states(model, ids, table)
        for k in (0, prefix - 1, prefix, n - 1):
            other = list(ids)
            other[k] = 3 + (ids[k] - 3 + 7) % (model.config.vocab_size - 3)
            moved = (states(model, other, table) - before).abs().amax(1)
            assert ((moved > 1e-4) == reach[:, k]).all(), (name, mode, k, moved, reach[:, k])


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", type=Path, required=True)
    a = ap.parse_args()
    torch.set_num_threads(1)
    for seed, (name, spec) in enumerate(checkpoints().items()):
        make(name, a.out, spec, 1000 + 10 * seed)

#!/usr/bin/env python3
"""Twenty steps of LoRA and a whole latent head on SmolLM2-135M by PyTorch and PEFT.

    make_smollm2_training.py --gguf SmolLM2-135M-Instruct.Q4_1.gguf --pairs examples/data/pairs/pairs.jsonl --out tests/golden/train

OUT/smollm2_training.json   texts (ids, pool_begin) of every step, settings, losses and gradient norms of 20 steps

transformers reads the GGUF file. What is trained begins with numbers that both sides can make: element i of a tensor is
scale (2 u - 1), u the top 53 bits of splitmix64's output for state fnv1a(name) + (i + 1) 0x9E3779B97F4A7C15 over 2^53; norms begin
as 1 and 0, biases, LoRA's B and the head's two last matrices as 0, as training begins. Everything else is as in make_training.py, of which this is the larger sister.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import peft
import torch
import transformers

import make_training as tiny

RANK, ALPHA, LR, DECAY, STEPS, SCALE = 16, 32, 2e-5, 0.03, 20, 0.02
ZERO = "lora_B", "to_out", "net.2"  # updates that are none as yet, a head that is the mean
HEAD = {"hidden_dim": 576, "num_latents_value": 512, "num_cross_heads": 8, "cross_dim_head": 64}


def fnv1a(name):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = (h ^ b) * 0x100000001B3 % 2**64
    return h


def begin(name, shape):
    if "norm" in name:
        return torch.full(shape, 0.0 if name.endswith("bias") else 1.0)
    if name.endswith("bias") or any(part in name for part in ZERO):
        return torch.zeros(shape)
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a(name)) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    u = (z >> np.uint64(11)).astype(np.float64) / 2.0**53
    return torch.from_numpy((SCALE * (2 * u - 1)).astype(np.float32)).reshape(shape)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gguf", type=Path, required=True)
    p.add_argument("--pairs", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    a = p.parse_args()
    torch.set_num_threads(1)
    where = dict(pretrained_model_name_or_path=a.gguf.parent, gguf_file=a.gguf.name)
    tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
    model = transformers.AutoModel.from_pretrained(**where, dtype=torch.float32, attn_implementation="sdpa")
    head = tiny.Head(HEAD)
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = peft.get_peft_model(model, peft.LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules=names))
    with torch.no_grad():
        for name, w in model.named_parameters():
            if w.requires_grad:
                w.copy_(begin(name.replace(".default", ""), w.shape))
        for name, w in head.named_parameters():
            w.copy_(begin("latent_attention_model." + tiny.Head.name(name), w.shape))

    lines = [json.loads(line) for line in a.pairs.read_text().splitlines()]
    q, at = tiny.QUERIES, 0
    text = lambda s, cut, begin: {"ids": tokenizer(s)["input_ids"][:cut], "pool_begin": begin}
    steps = []
    for _ in range(STEPS):
        own, other = lines[at:at + q], lines[at + q:at + 2 * q]
        at += q
        step = [text(r["query"], 12, 1) for r in own]
        for r, o in zip(own, other):  # the positive, and another's for a hard negative
            step += [text(r["positive"][0], 16, 0), text(o["positive"][0], 16, 0)]
        steps.append(step)

    decay, rest = [], []
    for name, w in [*model.named_parameters(), *head.named_parameters()]:
        if w.requires_grad:
            (rest if w.dim() == 1 or "norm" in name or name.endswith("bias") else decay).append(w)
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}], lr=LR)
    losses, norms = [], []
    for step in steps:
        value = tiny.loss_of(model, head, step)
        value.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(decay + rest, 1.0)))
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(value.detach()))
        print(len(losses), losses[-1], norms[-1], flush=True)
    out = {"made_with": {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__},
           "queries": q, "rank": RANK, "alpha": ALPHA, "lr": LR, "weight_decay": DECAY, "temperature": tiny.TEMPERATURE,
           "scale": SCALE, "losses": losses, "gradient_norms": norms, "steps": steps}
    (a.out / "smollm2_training.json").write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()

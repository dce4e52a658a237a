#!/usr/bin/env python3
"""Writes expected.json: 50 steps of torch.optim's Adam and AdamW, clipping by torch.nn.utils, and learning-rate schedules.

    make_optim.py OUT_FOLDER

Weights to begin with and gradients are fractions of small whole numbers that any language computes exactly, in float too.
"""
import json
import math
import sys
from pathlib import Path

import torch

SHAPES = {"layer.bias": (1, 7), "layer.norm.weight": (1, 6), "layer.weight": (3, 5)}
STEPS, EVERY, LR, MAX_NORM = 50, 5, 0.03125, 1.5


def numbers(k, t, n):
    """Of parameter number k in step t: multiples of 1/64 in [-2, 2], smaller by 4^k."""
    return [(((t * 131 + i * 17 + k * 29) * 37) % 257 - 128) / 64 / 4**k for i in range(n)]


def tensor(k, t, shape, dtype):
    return torch.tensor(numbers(k, t, shape[0] * shape[1]), dtype=dtype).reshape(shape)


# transformers.optimization
def warm_up(step, warmup):
    return step / max(1, warmup)


def constant(step, warmup):
    return warm_up(step, warmup) if step < warmup else 1.0


def linear(step, warmup, total):
    return warm_up(step, warmup) if step < warmup else max(0.0, (total - step) / max(1, total - warmup))


def cosine(step, warmup, total, num_cycles=0.5):
    if step < warmup:
        return warm_up(step, warmup)
    progress = (step - warmup) / max(1, total - warmup)
    return max(0.0, 0.5 * (1.0 + math.cos(math.pi * num_cycles * 2.0 * progress)))


def trajectory(make, dtype, decays, scales, clip, scheduled, **options):
    """decays, scales: weight decay and factor on the learning rate, by name."""
    weights = {name: torch.nn.Parameter(tensor(k, 0, s, dtype)) for k, (name, s) in enumerate(SHAPES.items())}
    groups = [{"params": [w], "weight_decay": decays[n], "lr": LR * scales[n]} for n, w in weights.items()]
    optimizer = make(groups, **options)
    states, norms = [], []
    for t in range(STEPS):
        for k, (name, w) in enumerate(weights.items()):
            w.grad = tensor(k, t + 1, SHAPES[name], dtype)
        if clip:
            norms.append(float(torch.nn.utils.clip_grad_norm_(weights.values(), MAX_NORM)))
        for group, name in zip(optimizer.param_groups, weights):
            group["lr"] = LR * scales[name] * (linear(t, 10, 60) if scheduled else 1)
        optimizer.step()
        if (t + 1) % EVERY == 0 or t == 0:
            states.append({"step": t + 1, **{n: w.detach().double().flatten().tolist() for n, w in weights.items()}})
    return {"states": states, "norms": norms}


def main():
    decay = {"layer.bias": 0.0, "layer.norm.weight": 0.0, "layer.weight": 0.1}  # what goes without saying
    one = dict.fromkeys(SHAPES, 1.0)
    cases = {}
    for dtype in (torch.float32, torch.float64):
        adamw, adam = torch.optim.AdamW, torch.optim.Adam
        kind = "f32" if dtype == torch.float32 else "f64"
        cases[f"adamw.{kind}"] = trajectory(adamw, dtype, decay, one, False, False)
        cases[f"adam.{kind}"] = trajectory(adam, dtype, decay, one, False, False)
        cases[f"adamw.groups.clipped.scheduled.{kind}"] = trajectory(
            adamw, dtype, {**decay, "layer.bias": 0.25}, {**one, "layer.bias": 0.5, "layer.norm.weight": 2.0}, True, True,
            betas=(0.8, 0.95), eps=1e-6)
    steps = [0, 1, 5, 9, 10, 11, 30, 59, 60]
    schedules = {
        "steps": steps,
        "constant": [constant(s, 10) for s in steps],
        "linear": [linear(s, 10, 60) for s in steps],
        "cosine": [cosine(s, 10, 60) for s in steps],
        "cosine.one_and_a_half": [cosine(s, 10, 60, 1.5) for s in steps],
        "linear.without_warmup": [linear(s, 0, 60) for s in steps],
    }
    lines = ",\n".join(f'  "{name}": {json.dumps(case)}' for name, case in cases.items())
    out = f'{{\n "torch": "{torch.__version__}",\n "schedules": {json.dumps(schedules)},\n "cases": {{\n{lines}\n }}\n}}\n'
    (Path(sys.argv[1]) / "expected.json").write_text(out)


main()

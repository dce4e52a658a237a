#!/usr/bin/env python3
"""A tiny NV-Embed trained by PyTorch and PEFT: gradients of every weight, and the losses of 20 steps.

    make_training.py --model tests/golden/nvembed_tiny --out tests/golden/train

OUT/training.json           texts (ids, pool_begin) of every step, settings, loss of the gradients' batch, losses of 20 steps
OUT/gradients.safetensors   float64 gradients of all weights of the first batch, stored as F32, checkpoint names; of the
                            embedding the rows of `ids` alone
OUT/adapter.safetensors     what the 20 steps begin with: PEFT's LoRA, its B drawn, too, so that no first step is a special case

Each step has QUERIES queries, the rows 0..q-1 of side a; passages are the positives and one hard negative each, alternating.
Gradients: float64. Training: float32, LoRA on the seven linears (dropout 0) and the whole latent head, AdamW without decay on
norms, biases and vectors, constant rate, clipped to length 1.
"""
import argparse
import json
import math
from pathlib import Path

import peft
import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file, save_file

QUERIES, STEPS, RANK, ALPHA, LR, DECAY, TEMPERATURE = 4, 20, 4, 8, 1e-3, 0.03, 0.05


class Head(torch.nn.Module):
    """NV-Embed-v2's latent attention, from its description: attention to the latents, then GEGLU, both with residuals."""

    def __init__(self, c):
        super().__init__()
        dim, inner = c["hidden_dim"], c["num_cross_heads"] * c["cross_dim_head"]
        self.heads = c["num_cross_heads"]
        self.latents = torch.nn.Parameter(torch.empty(c["num_latents_value"], dim))
        self.norm, self.norm_context, self.ff_norm = (torch.nn.LayerNorm(dim) for _ in range(3))
        self.to_q = torch.nn.Linear(dim, inner, bias=False)
        self.to_kv = torch.nn.Linear(dim, 2 * inner, bias=False)
        self.to_out = torch.nn.Linear(inner, dim, bias=False)
        self.net_0, self.net_2 = torch.nn.Linear(dim, 8 * dim), torch.nn.Linear(4 * dim, dim)

    NAMES = {"latents": "latents", "norm": "cross_attend_blocks.0.norm", "norm_context": "cross_attend_blocks.0.norm_context",
             "ff_norm": "cross_attend_blocks.1.norm", "to_q": "cross_attend_blocks.0.fn.to_q", "to_kv": "cross_attend_blocks.0.fn.to_kv",
             "to_out": "cross_attend_blocks.0.fn.to_out", "net_0": "cross_attend_blocks.1.fn.net.0", "net_2": "cross_attend_blocks.1.fn.net.2"}

    @classmethod
    def name(cls, own):
        first, *rest = own.split(".")
        return ".".join([cls.NAMES[first], *rest])

    def split(self, x):
        return x.reshape(x.shape[0], self.heads, -1).transpose(0, 1)

    def forward(self, x):
        k, v = self.to_kv(self.norm_context(self.latents)).chunk(2, dim=-1)
        a = F.scaled_dot_product_attention(self.split(self.to_q(self.norm(x))), self.split(k), self.split(v))
        h = self.to_out(a.transpose(0, 1).reshape(x.shape[0], -1)) + x
        value, gate = self.net_0(self.ff_norm(h)).chunk(2, dim=-1)
        return self.net_2(value * F.gelu(gate)) + h


class Norm(torch.nn.Module):
    """transformers' RMSNorm, which computes in float32 whatever it is given, in the type of its input."""

    def __init__(self, norm):
        super().__init__()
        self.weight, self.eps = norm.weight, norm.variance_epsilon

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)


class Rotary(torch.nn.Module):
    """transformers' rotary embedding, likewise."""

    def __init__(self, config):
        super().__init__()
        self.half, self.theta = config.hidden_size // config.num_attention_heads // 2, 10000.0

    def forward(self, x, position_ids):
        frequency = self.theta ** (-torch.arange(self.half, dtype=torch.float64) / self.half)
        angles = position_ids[..., None].double() * frequency
        return torch.cat([angles, angles], -1).cos().to(x.dtype), torch.cat([angles, angles], -1).sin().to(x.dtype)


def in_double(model):
    for layer in model.layers:
        layer.input_layernorm, layer.post_attention_layernorm = Norm(layer.input_layernorm), Norm(layer.post_attention_layernorm)
    model.norm, model.rotary_emb = Norm(model.norm), Rotary(model.config)
    return model


def load(folder, dtype):
    config = json.loads((folder / "config.json").read_text())
    text = {k: v for k, v in config["text_config"].items() if k not in ("model_type", "architectures", "torch_dtype", "sliding_window")}
    model = transformers.MistralModel(transformers.MistralConfig(**text, sliding_window=None, attn_implementation="sdpa"))
    weights = {}
    for file in sorted(folder.glob("*.safetensors")):
        weights.update(load_file(file))
    prefix, head_prefix = "embedding_model.", "latent_attention_model."
    model.load_state_dict({k[len(prefix):]: v.float() for k, v in weights.items() if k.startswith(prefix)})
    head = Head(config["latent_attention_config"])
    head.load_state_dict({own: weights[head_prefix + Head.name(own)].float() for own in head.state_dict()})
    return model.to(dtype), head.to(dtype)


def encode(model, head, texts):
    rows = []
    for t in texts:
        ids = torch.tensor([t["ids"]])
        n = ids.shape[1]
        mask = torch.zeros(1, 1, n, n, dtype=head.latents.dtype)  # every token sees every other
        hidden = model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state[0]
        rows.append(head(hidden)[t["pool_begin"]:].mean(0))
    return F.normalize(torch.stack(rows), dim=1)


def loss_of(model, head, step):
    a, b = encode(model, head, step[:QUERIES]), encode(model, head, step[QUERIES:])
    scores = a @ b.T / TEMPERATURE
    # In-batch negatives are the other queries' positives; hard negatives are one's own alone.
    allowed = torch.zeros_like(scores, dtype=torch.bool)
    allowed[:, 0::2] = True
    allowed[torch.arange(QUERIES), 2 * torch.arange(QUERIES) + 1] = True
    return F.cross_entropy(scores.masked_fill(~allowed, -math.inf), 2 * torch.arange(QUERIES))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    a = p.parse_args()
    torch.set_num_threads(1)
    g = torch.Generator().manual_seed(17)

    def text(query):
        n = int(torch.randint(3, 14, (), generator=g))
        ids = torch.randint(5, 31990, (n,), generator=g).tolist()
        return {"ids": [1, *ids, 2], "pool_begin": int(torch.randint(1, 3, (), generator=g)) if query else 0}

    steps = [[text(i < QUERIES) for i in range(3 * QUERIES)] for _ in range(STEPS)]

    model, head = load(a.model, torch.float64)
    as_it_is = float(loss_of(model, head, steps[0]))
    in_double(model)
    loss = loss_of(model, head, steps[0])
    print("float64 throughout moves the loss by", float(loss) - as_it_is)
    assert abs(float(loss) - as_it_is) < 1e-4
    loss.backward()
    gradients = {}
    for name, w in model.named_parameters():
        gradients[name] = w.grad
    used = sorted({i for t in steps[0] for i in t["ids"]})
    rows = gradients["embed_tokens.weight"]
    assert rows.abs().sum() == rows[used].abs().sum()
    gradients["embed_tokens.weight"] = rows[used]
    for name, w in head.named_parameters():
        gradients[Head.name(name)] = w.grad
    save_file({k: v.float().contiguous() for k, v in gradients.items()}, a.out / "gradients.safetensors")

    model, head = load(a.model, torch.float32)
    torch.manual_seed(3)
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = peft.get_peft_model(model, peft.LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules=names))
    with torch.no_grad():
        for name, w in model.named_parameters():
            if "lora_B" in name:
                w.normal_(0, 0.02, generator=g)
    adapter = peft.get_peft_model_state_dict(model)
    save_file({k: v.contiguous().clone() for k, v in adapter.items()}, a.out / "adapter.safetensors")

    decay, rest = [], []
    for name, w in [*model.named_parameters(), *head.named_parameters()]:
        if w.requires_grad:
            (rest if w.dim() == 1 or w.shape[0] == 1 or "norm" in name or name.endswith("bias") else decay).append(w)
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}], lr=LR)
    losses, norms = [], []
    for step in steps:
        value = loss_of(model, head, step)
        value.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(decay + rest, 1.0)))
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(value.detach()))
    print(losses)
    out = {"made_with": {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__},
           "queries": QUERIES, "rank": RANK, "alpha": ALPHA, "lr": LR, "weight_decay": DECAY, "temperature": TEMPERATURE,
           "embedding_rows": used, "loss": float(loss.detach()), "losses": losses, "gradient_norms": norms, "steps": steps}
    (a.out / "training.json").write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""LoRA adapters that PEFT has made, with the hidden states of the adapted models, and the other direction.

    make_adapter.py make --decoders DECODERS --out DIR
        DIR/NAME/                      adapter as `save_pretrained` writes it
        DIR/NAME.expected.safetensors  `sI`: (tokens, hidden) float32, states after the final norm of sequence I
        DIR/NAME.expected.json         sequences, rounding error against float64, versions
    make_adapter.py check ADAPTER BASE STATES [--gguf FILE] [--dtype float64]
        loads an adapter that nvembed has written with PeftModel.from_pretrained over BASE (a folder; with --gguf a file in
        it) and holds `sI` of STATES, with token ids in `iI`, against the states that PyTorch computes, with a causal mask.
"""
import argparse
import json
import shutil
import tempfile
from pathlib import Path

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoModel, AutoModelForCausalLM

LENGTHS = (1, 2, 5, 17, 40)
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
CASES = {
    # a language model: keys begin with base_model.model.model.; every linear layer but the head
    "plain": ("llama3_rope", AutoModelForCausalLM, torch.float32,
              dict(r=4, lora_alpha=8, lora_dropout=0.1, target_modules=ALL)),
    # a bare decoder: base_model.model.layers.; ranks and alphas of their own, by word, by place and by regular expression
    "rslora": ("mistral_window", AutoModel, torch.bfloat16,
               dict(r=4, lora_alpha=6, use_rslora=True, target_modules=r".*\.(self_attn\.[qvo]_proj|mlp\.(up|down)_proj)",
                    rank_pattern={"q_proj": 2, "layers.1.mlp.down_proj": 6, r"layers\.[02]\.mlp\.down_proj": 3},
                    alpha_pattern={r"(v|o)_proj": 3, "layers.1.mlp.up_proj": 10, r"^layers\.2\.self_attn\.q_proj": 1.5})),
    # in one layer alone, half precision, beside biases of the base
    "one_layer": ("qwen2", AutoModelForCausalLM, torch.float16,
                  dict(r=3, lora_alpha=7.5, target_modules=ALL, layers_to_transform=[1])),
}


def load(cls, path, dtype=torch.float32, **more):
    return cls.from_pretrained(path, dtype=dtype, attn_implementation="eager", **more).eval()


@torch.no_grad()
def states(model, sequences):
    decoder = getattr(model.base_model.model, "model", model.base_model.model)
    return [decoder(input_ids=torch.tensor([ids])).last_hidden_state[0] for ids in sequences]


def make(decoders, out):
    generator = torch.Generator().manual_seed(11)
    for name, (base, cls, stored, config) in CASES.items():
        path = decoders / base
        model = get_peft_model(load(cls, path), LoraConfig(**config)).eval()
        for key, p in model.named_parameters():
            if "lora_" in key:  # B begins as zero
                scale = 0.5 / p.shape[1] ** 0.5 if "lora_A" in key else 0.4
                p.data = (scale * torch.randn(p.shape, generator=generator)).to(stored)
        with tempfile.TemporaryDirectory() as temporary:
            model.save_pretrained(temporary)
            shutil.rmtree(out / name, ignore_errors=True)
            (out / name).mkdir(parents=True)
            for file in ("adapter_config.json", "adapter_model.safetensors"):
                shutil.copy(Path(temporary) / file, out / name / file)
        file = out / name / "adapter_config.json"
        text = json.loads(file.read_text())
        text["base_model_name_or_path"] = f"../../decoders/{base}"
        if isinstance(text["target_modules"], list):
            text["target_modules"].sort()
        file.write_text(json.dumps(text, indent=2, sort_keys=True) + "\n")
        vocab = model.config.vocab_size
        sequences = [torch.randint(3, vocab, (n,), generator=generator).tolist() for n in LENGTHS]
        adapted = PeftModel.from_pretrained(load(cls, path), out / name).eval()
        got = states(adapted, sequences)
        exact = states(PeftModel.from_pretrained(load(cls, path, torch.float64), out / name).eval().double(), sequences)
        with adapted.disable_adapter():
            plain = states(adapted, sequences)
        error = max((a.double() - b).abs().max().item() for a, b in zip(got, exact))
        moved = max((a - b).abs().max().item() for a, b in zip(got, plain))
        save_file({f"s{i}": s.float().contiguous() for i, s in enumerate(exact)}, out / f"{name}.expected.safetensors")
        (out / f"{name}.expected.json").write_text(json.dumps(dict(
            base=base, sequences=sequences, float32_error=error, moved=moved, peft=peft.__version__,
            torch=torch.__version__, transformers=transformers.__version__)) + "\n")
        print(name, "float32 error", error, "moved by", moved)


def check(adapter, base, file, gguf, dtype):
    dtype = getattr(torch, dtype)
    more = dict(gguf_file=gguf) if gguf else {}
    model = load(AutoModel, base, torch.float32, **more)
    model = PeftModel.from_pretrained(model, adapter).eval().to(dtype)
    with safe_open(file, "pt") as f:
        ids = [f.get_tensor(k).tolist() for k in sorted(f.keys()) if k.startswith("i")]
        expected = [f.get_tensor(k) for k in sorted(f.keys()) if k.startswith("s")]
    got = states(model, ids)
    with model.disable_adapter():
        plain = states(model, ids)
    worst = max((a.double() - b.double()).abs().max().item() for a, b in zip(got, expected))
    cosine = min(torch.nn.functional.cosine_similarity(a.double().mean(0), b.double().mean(0), 0).item()
                 for a, b in zip(got, expected))
    largest = max(a.abs().max().item() for a in got)
    moved = max((a - b).abs().max().item() for a, b in zip(got, plain))
    print(f"largest difference {worst:.3g} of {largest:.3g}; 1 - cosine of means {1 - cosine:.3g}; "
          f"adapter moves states by {moved:.3g}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    m = commands.add_parser("make")
    m.add_argument("--decoders", type=Path, required=True)
    m.add_argument("--out", type=Path, required=True)
    c = commands.add_parser("check")
    c.add_argument("adapter"), c.add_argument("base"), c.add_argument("states")
    c.add_argument("--gguf"), c.add_argument("--dtype", default="float32")
    a = parser.parse_args()
    torch.set_num_threads(1)
    make(a.decoders, a.out) if a.command == "make" else check(a.adapter, a.base, a.states, a.gguf, a.dtype)

#!/usr/bin/env python3
"""Writes a random model of NV-Embed-v2's size in its real layout: 7,851,016,192 parameters in float16, four shards, the
released tensor names, 15.7 GB. Its vectors mean nothing; loading, memory and speed are those of the real one.

    write_nvembed.py DIR [--tokenizer FOLDER] [--layers N] [--seed N]

FOLDER holds a Mistral tokenizer.json, tokenizer_config.json and config.json of an NV-Embed checkpoint (default: the small
one of tests/golden). Needs Python 3.9 and numpy. Fewer layers make a smaller model of the same shapes.
"""
import argparse
import json
import shutil
from pathlib import Path

import numpy as np

HIDDEN, INNER, KV, VOCAB = 4096, 14336, 1024, 32000
LATENTS, LATENT_INNER, FF = 512, 8 * 4096, 4 * 4096
POOL = 1 << 24  # random values that all matrices are cut out of


def shapes(layers):
    """(name, shape) in the order of the released shards: the head and the embeddings come first."""
    head = "latent_attention_model."
    yield head + "latents", (LATENTS, HIDDEN)
    for norm in ("0.norm", "0.norm_context", "1.norm"):
        for part in ("weight", "bias"):
            yield f"{head}cross_attend_blocks.{norm}.{part}", (HIDDEN,)
    yield head + "cross_attend_blocks.0.fn.to_q.weight", (LATENT_INNER, HIDDEN)
    yield head + "cross_attend_blocks.0.fn.to_kv.weight", (2 * LATENT_INNER, HIDDEN)
    yield head + "cross_attend_blocks.0.fn.to_out.weight", (HIDDEN, LATENT_INNER)
    yield head + "cross_attend_blocks.1.fn.net.0.weight", (2 * FF, HIDDEN)
    yield head + "cross_attend_blocks.1.fn.net.0.bias", (2 * FF,)
    yield head + "cross_attend_blocks.1.fn.net.2.weight", (HIDDEN, FF)
    yield head + "cross_attend_blocks.1.fn.net.2.bias", (HIDDEN,)
    body = "embedding_model."
    yield body + "embed_tokens.weight", (VOCAB, HIDDEN)
    for i in range(layers):
        layer = f"{body}layers.{i}."
        yield layer + "input_layernorm.weight", (HIDDEN,)
        yield layer + "mlp.down_proj.weight", (HIDDEN, INNER)
        yield layer + "mlp.gate_proj.weight", (INNER, HIDDEN)
        yield layer + "mlp.up_proj.weight", (INNER, HIDDEN)
        yield layer + "post_attention_layernorm.weight", (HIDDEN,)
        for name, rows in (("q", HIDDEN), ("k", KV), ("v", KV), ("o", HIDDEN)):
            yield layer + f"self_attn.{name}_proj.weight", (rows, HIDDEN)
    yield body + "norm.weight", (HIDDEN,)


def values(rng, pool, name, shape):
    """Pieces of a tensor's bytes. Matrices keep the scale of their input; norms stand near one; biases near zero."""
    if len(shape) == 1:
        centre = 1.0 if name.endswith("weight") else 0.0
        yield rng.normal(centre, 0.02, shape).astype(np.float16).tobytes()
        return
    scale = np.float16(1.0 if "embed_tokens" in name or name.endswith("latents") else 0.7 / np.sqrt(shape[1]))
    left = shape[0] * shape[1]
    while left:
        at = int(rng.integers(0, POOL // 2))
        piece = pool[at:at + min(left, POOL // 2)]
        yield (piece * scale).tobytes()
        left -= len(piece)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path)
    golden = Path(__file__).parents[2] / "tests/golden/nvembed_tiny"
    parser.add_argument("--tokenizer", type=Path, default=golden)
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.dir.mkdir(parents=True, exist_ok=True)

    config = json.loads((args.tokenizer / "config.json").read_text())
    config["hidden_size"] = HIDDEN
    config["text_config"].update(hidden_size=HIDDEN, intermediate_size=INNER, num_hidden_layers=args.layers,
                                 num_attention_heads=32, num_key_value_heads=8, head_dim=128, vocab_size=VOCAB,
                                 max_position_embeddings=32768)
    # The released file names no sizes of the head: the class's defaults are the values.
    config["latent_attention_config"] = {"model_type": "latent_attention"}
    (args.dir / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(args.tokenizer / name, args.dir / name)

    tensors = list(shapes(args.layers))
    size = {name: 2 * int(np.prod(shape)) for name, shape in tensors}
    total = sum(size.values())
    shards, filled = [[]], 0
    for name, shape in tensors:  # as transformers cuts them: at most 5 GB each
        if filled + size[name] > 5_000_000_000:
            shards.append([])
            filled = 0
        shards[-1].append((name, shape))
        filled += size[name]

    rng = np.random.default_rng(args.seed)
    pool = rng.standard_normal(POOL, dtype=np.float32).astype(np.float16)
    index = {"metadata": {"total_size": total}, "weight_map": {}}
    for number, shard in enumerate(shards, 1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        header, at = {"__metadata__": {"format": "pt"}}, 0
        for name, shape in shard:
            header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [at, at + size[name]]}
            at += size[name]
            index["weight_map"][name] = file
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(args.dir / file, "wb") as out:
            out.write(len(text).to_bytes(8, "little") + text)
            for name, shape in shard:
                for piece in values(rng, pool, name, shape):
                    out.write(piece)
        print(f"{file}: {at:,} bytes", flush=True)
    (args.dir / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    print(f"{total // 2:,} parameters")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Seconds of torch's scaled_dot_product_attention over one text, float32, all keys seen, and GFLOP/s of a product
(512 x 4096 x 14336) in the same run. One JSON object.

    torch_attention.py HEADS HEAD_DIM TOKENS THREADS

Keys and values have as many heads as queries: repeating those of grouped heads is not timed.
"""
import json
import sys
import time

import torch
from torch.nn import functional

heads, head_dim, tokens, threads = map(int, sys.argv[1:5])
torch.set_num_threads(threads)
q, k, v = (torch.randn(1, tokens, heads, head_dim).transpose(1, 2) for _ in range(3))
x, w = torch.randn(512, 4096), torch.randn(14336, 4096)


def best(f):
    times = []
    with torch.inference_mode():
        while len(times) < 4 or sum(times) < 1:
            begin = time.perf_counter()
            f()
            times.append(time.perf_counter() - begin)
    return min(times[1:])


print(json.dumps({"s_min": best(lambda: functional.scaled_dot_product_attention(q, k, v)),
                  "ceiling_gflops": 2 * 512 * 4096 * 14336 / best(lambda: functional.linear(x, w)) / 1e9}))

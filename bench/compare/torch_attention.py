#!/usr/bin/env python3
"""Seconds of torch's scaled_dot_product_attention over one text, float32, all keys seen. One JSON object.

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
times = []
with torch.inference_mode():
    while len(times) < 4 or sum(times) < 1:
        begin = time.perf_counter()
        functional.scaled_dot_product_attention(q, k, v)
        times.append(time.perf_counter() - begin)
print(json.dumps({"s_min": min(times[1:])}))

#!/usr/bin/env python3
"""Losses and their gradients by PyTorch in float64: make_losses.py OUTPUT.json

Written from the formulas with torch's own parts (cross_entropy, triplet_margin_with_distance_loss, mse_loss, kl_div) and
autograd. A masked candidate has the logit -inf. Inputs are unit rows; gradients are those by these rows.
"""
import json
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)


def unit(n, d):
    return F.normalize(torch.randn(n, d), dim=1)


def case(name, f, a, b, **more):
    a, b = a.clone().requires_grad_(), b.clone().requires_grad_()
    value = f(a, b)
    da, db = torch.autograd.grad(value, (a, b))
    shape = lambda x: {"shape": list(x.shape), "values": x.detach().flatten().tolist()}
    return dict(name=name, a=shape(a), b=shape(b), value=value.item(), da=shape(da), db=shape(db), **more)


cases = []

# Four queries, nine passages: 0-3 answer queries 0-3; 4, 5 are hard negatives of query 0, 6 of 1, 7 of 2, 8 of 3.
q, p = unit(4, 6), unit(9, 6)
hard = [[4, 5], [6], [7], [8]]
inf = float("inf")


def info_nce(candidates, reverse=None, t=0.1, margin=None):
    def f(a, b):
        s = a @ b.T

        def direction(s, lists, positives):
            rows = []
            for i, c in enumerate(lists):
                if c is None:
                    continue
                keep = [positives[i]] + list(c)
                if margin is not None:
                    keep = keep[:1] + [j for j in c if s[i, j] <= s[i, positives[i]] + margin or j in hard[i]]
                if len(keep) == 1:
                    continue
                logits = torch.full((s.shape[1],), -inf)
                logits = logits.index_put((torch.tensor(keep),), s[i, keep] / t)
                rows.append(F.cross_entropy(logits[None], torch.tensor([positives[i]])))
            return torch.stack(rows).mean()

        loss = direction(s, candidates, range(4))
        if reverse is not None:
            loss = (loss + direction(s[:, :4].T, reverse, range(4))) / 2
        return loss

    return f


others = [[j for j in range(4) if j != i] for i in range(4)]
cases.append(case("info_nce_hard", info_nce(hard), q, p))
cases.append(case("info_nce_in_batch", info_nce([o + h for o, h in zip(others, hard)]), q, p))
cases.append(case("info_nce_all", info_nce([[j for j in range(9) if j != i] for i in range(4)]), q, p))
cases.append(case("info_nce_mixed", info_nce([others[0] + hard[0], hard[1], others[2] + hard[2], hard[3]]), q, p))
cases.append(case("info_nce_both", info_nce([o + h for o, h in zip(others, hard)], others), q, p))
# Passage 1 is also right for query 0; passage 3 has the text of passage 2 (so 2 and 3 are right for queries 2 and 3).
cases.append(case("info_nce_masked", info_nce([[2, 3, 4, 5], [0, 2, 3, 6], [0, 1, 7], [0, 1, 8]],
                                              [[1, 2, 3], [2, 3], [0, 1], [0, 1]]), q, p))
cases.append(case("info_nce_margin", info_nce([o + h for o, h in zip(others, hard)], margin=-0.1), q, p))

triplets = [[0, 0, 4], [0, 0, 5], [1, 1, 6], [2, 2, 7], [3, 3, 8], [3, 3, 0]]
for name, distance in (("cosine", lambda x, y: 1 - (x * y).sum(1)), ("euclidean", lambda x, y: (x - y).norm(dim=1))):
    def triplet(a, b, distance=distance):
        i, j, k = torch.tensor(triplets).T
        return F.triplet_margin_with_distance_loss(a[i], b[j], b[k], distance_function=distance, margin=0.3)

    cases.append(case("triplet_" + name, triplet, q, p, triplets=triplets))

left, right = unit(5, 6), unit(5, 6)
grades = [0.2, 0.9, 0.2, -0.4, 0.6]


def cosent(a, b):
    s = (a * b).sum(1) * 20
    g = torch.tensor(grades)
    d = (s[:, None] - s[None, :])[g[:, None] < g[None, :]]
    return torch.logsumexp(torch.cat([torch.zeros(1), d]), 0)


cases.append(case("cosent", cosent, left, right, grades=grades))
cases.append(case("cosine_mse", lambda a, b: F.mse_loss((a * b).sum(1), torch.tensor(grades)), left, right, grades=grades))

candidates = [[0, 4, 5], [1, 6, 0], [2, 7], [3, 8, 1, 2]]
teacher = [[5.0, 1.5, -2.0], [3.0, 2.5, 0.0], [0.5, 1.0], [4.0, 4.5, -1.0, 2.0]]


def distil(a, b):
    s = a @ b.T / 0.1
    rows = [F.kl_div(F.log_softmax(s[i, c], 0), F.log_softmax(torch.tensor(t) / 2, 0), reduction="sum", log_target=True)
            for i, (c, t) in enumerate(zip(candidates, teacher))]
    return torch.stack(rows).mean()


cases.append(case("score_distillation", distil, q, p, candidates=candidates, teacher=teacher))
cases.append(case("embedding_cosine", lambda a, b: (1 - (a * b).sum(1)).mean(), left, right))
cases.append(case("embedding_mse", F.mse_loss, 3 * left, right))


def matryoshka(a, b):
    f = info_nce([o + h for o, h in zip(others, hard)])
    return sum(w * (f(a, b) if k == 6 else f(F.normalize(a[:, :k], dim=1), F.normalize(b[:, :k], dim=1)))
               for k, w in ((6, 1.0), (4, 0.5), (2, 0.25)))


cases.append(case("matryoshka", matryoshka, q, p))

with open(sys.argv[1], "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")

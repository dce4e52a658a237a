#!/usr/bin/env python3
"""Writes mining.json: hard negatives by brute force over scikit-learn's cosines, for every rule and choice.

    make_mining.py OUT_FOLDER

Vectors are small whole numbers. Scores are compared with limits in float64, and ranked as float32, of equal ones the first.
"""
import json
import sys
from pathlib import Path

import numpy as np
import sklearn
from sklearn.metrics.pairwise import cosine_similarity

RECORDS, PASSAGES, DIM, K, SEED = 60, 90, 6, 4, 7
M64 = (1 << 64) - 1


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M64
    return z ^ (z >> 31)


class Rng:
    """core/counter_rng.hpp"""

    def __init__(self, seed=0, key=None):
        self.key = mix((seed + 0x9E3779B97F4A7C15) & M64) if key is None else key

    def at(self, word):
        return Rng(key=mix(self.key ^ ((mix((word + 0x9E3779B97F4A7C15) & M64) + 0x632BE59BD9B4E019) & M64)))

    def uniform(self):
        return (mix((self.key + 0xD1B54A32D192ED03) & M64) >> 11) * 2.0**-53


def distinct(texts):
    return list(dict.fromkeys(texts))


def records(rng):
    """Some queries are asked twice, some texts are query and passage, some have several positives or no negatives."""
    out = []
    for i in range(RECORDS):
        query = f"p{rng.integers(PASSAGES)}" if i % 5 == 0 else f"q{rng.integers(RECORDS * 3 // 4)}"
        n = 1 + (i % 4 == 0) * int(rng.integers(1, 4))
        positives = [f"p{p}" for p in rng.choice(PASSAGES, n, replace=False)]
        negatives = [f"p{p}" for p in rng.choice(PASSAGES, int(rng.integers(3)), replace=False)]
        negatives = [t for t in negatives if t not in positives and t != query]
        out.append({"query": query, "positive": positives, "negative": negatives})
    return out


RULES = {
    "top": (lambda p: np.inf, 0),
    "shifted:3": (lambda p: np.inf, 3),
    "abs:0.52": (lambda p: 0.52, 0),
    "margin:0.05": (lambda p: p - 0.05, 0),
    "perc:0.95": (lambda p: p - (1 - 0.95) * abs(p), 0),
}
CASES = [{"rule": r} for r in RULES]
CASES += [{"rule": "perc:0.95", "keep": True}, {"rule": "top", "symmetric": True}]
CASES += [{"rule": "top", "transitive": True}, {"rule": "top", "symmetric": True, "transitive": True, "keep": True}]
CASES += [{"rule": "perc:0.95", "choose": "sampled", "pool": 10, "temperature": 1.0}]
CASES += [{"rule": "shifted:3", "choose": "top1_sampled", "pool": 6, "temperature": 0.1}]
CASES += [{"rule": "perc:0.95", "floor": 0.21}, {"rule": "margin:0.05", "corpus": True}]


def reachable(recs, query):
    """All texts that are joined to the query by pairs of query and positive."""
    found = {query}
    while True:
        more = {t for r in recs for t in [r["query"], *r["positive"]] if found & {r["query"], *r["positive"]}}
        if more <= found:
            return found
        found |= more


def mine(recs, case, queries, passages, candidates, scores):
    limit_of, skipped = RULES[case["rule"]]
    lists, closest = [], 1.0
    counts = dict.fromkeys(["known_positives", "equal_to_query", "own_negatives", "above_limit"], 0)
    for qi, q in enumerate(queries):
        same = [r for r in recs if r["query"] == q]
        positives = {t for r in same for t in r["positive"]}
        known = set(positives)
        if case.get("symmetric"):
            known |= {r["query"] for r in recs if q in r["positive"]}
        if case.get("transitive"):
            known |= reachable(recs, q) - {q}
        own = {t for r in same for t in r["negative"]} if case.get("keep") else set()
        limit = limit_of(min(scores[qi, passages.index(t)] for t in positives))
        allowed = []
        for pi in range(candidates):
            text, score = passages[pi], scores[qi, pi]
            if text in known:
                counts["known_positives"] += 1
            elif text == q:
                counts["equal_to_query"] += 1
            elif text in own:
                counts["own_negatives"] += 1
            else:
                if limit != 0 or score != 0:  # both are so exactly, for everybody
                    closest = min(closest, abs(score - limit), abs(score - case.get("floor", 9)))
                if score >= limit:
                    counts["above_limit"] += 1
                elif score > case.get("floor", -9):
                    allowed.append(pi)
        allowed.sort(key=lambda pi: (-np.float32(scores[qi, pi]), pi))
        lists.append(choose(allowed[skipped:], scores[qi], case, Rng(SEED).at(qi)))
    assert closest > 1e-9, "a score that is as good as a limit"
    return lists, counts


def choose(best, scores, case, key):
    if "choose" not in case:
        return best[:K]
    best = best[: case["pool"]]
    if len(best) <= K:
        return best
    weights = np.exp(np.float32(scores[best]).astype(float) / case["temperature"])
    taken = [0] if case["choose"] == "top1_sampled" else []
    while len(taken) < K:
        left = [i for i in range(len(best)) if i not in taken]
        sums = np.cumsum(weights[left])
        taken.append(left[int(np.searchsorted(sums, key.at(len(taken)).uniform() * sums[-1], side="right"))])
    return [best[i] for i in sorted(taken)]


def main():
    rng = np.random.default_rng(11)
    recs = records(rng)
    queries = distinct(r["query"] for r in recs)
    own = distinct(t for r in recs for t in [*r["positive"], *r["negative"]])
    corpus = distinct(f"p{p}" for p in rng.choice(PASSAGES, 50, replace=False)) + ["c1", "c2", "c3"]
    with_corpus = corpus + [t for t in distinct(t for r in recs for t in r["positive"]) if t not in corpus]
    texts = distinct(queries + own + with_corpus)
    vectors = {t: rng.integers(-3, 4, DIM) for t in texts}
    for t in texts[::4]:
        vectors[t] = vectors[texts[0]] if rng.integers(2) else np.maximum(vectors[t], 0) + 1
    vectors[texts[-1]] = np.zeros(DIM, int)

    def scores(passages):
        s = cosine_similarity([vectors[t] for t in queries], [vectors[t] for t in passages])
        s[abs(s) < 1e-12] = 0  # products of whole numbers that are zero, but for rounding
        return s

    cases = []
    for case in CASES:
        passages = with_corpus if case.get("corpus") else own
        candidates = len(corpus) if case.get("corpus") else len(own)
        lists, counts = mine(recs, case, queries, passages, candidates, scores(passages))
        cases.append({**case, "negatives": lists, "counts": counts})
    out = {
        "made_with": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "k": K,
        "seed": SEED,
        "records": recs,
        "queries": queries,
        "passages": own,
        "corpus": corpus,
        "passages_with_corpus": with_corpus,
        "vectors": {t: v.tolist() for t, v in vectors.items()},
        "cases": cases,
    }
    Path(sys.argv[1], "mining.json").write_text(
        "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in out.items()) + "\n}\n")
    for c in cases:
        print({k: v for k, v in c.items() if k != "negatives"}, sum(map(len, c["negatives"])) / len(queries))


main()

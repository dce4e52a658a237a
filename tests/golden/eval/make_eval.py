#!/usr/bin/env python3
"""Writes expected.json and tasks/: what scipy and scikit-learn say of measures, fits and small tasks.

    make_eval.py SCORE_FOLDER OUT_FOLDER

SCORE_FOLDER holds score.py and encoders.py, a scorer with MTEB's definitions over scipy and scikit-learn, which judges whole
tasks. Texts are made here. Their vectors are counts of hashed byte trigrams, which any language computes exactly.
"""
import json
import random
import sys
from pathlib import Path

import numpy as np
import scipy
import scipy.stats
import sklearn
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score, v_measure_score

DIM = 48


def trigrams(texts):
    x = np.zeros((len(texts), DIM), np.float32)
    for row, text in zip(x, texts):
        b = text.encode()
        for i in range(len(b) - 2):
            row[(b[i] * 961 + b[i + 1] * 31 + b[i + 2]) % DIM] += 1
    return x


def measures(rng):
    a = np.round(rng.normal(size=60), 1)
    b = np.round(a + rng.normal(size=60), 1)  # ties in both
    scores = np.round(rng.normal(size=80), 1)
    positive = (rng.random(80) < 0.3).astype(int)
    classes, clusters = rng.integers(0, 5, 90), rng.integers(0, 4, 90)
    clusters[:40] = classes[:40] % 4
    truth, guess = rng.integers(0, 5, 70), rng.integers(1, 7, 70)  # some classes on one side alone
    guess[:30] = truth[:30]
    return {
        "correlation": {"a": a.tolist(), "b": b.tolist(), "pearson": scipy.stats.pearsonr(a, b).statistic,
                        "spearman": scipy.stats.spearmanr(a, b).statistic},
        "average_precision": {"scores": scores.tolist(), "positive": positive.tolist(),
                              "value": average_precision_score(positive, scores)},
        "v_measure": {"classes": classes.tolist(), "clusters": clusters.tolist(),
                      "value": v_measure_score(classes, clusters)},
        "macro_f1": {"truth": truth.tolist(), "predicted": guess.tolist(),
                     "value": f1_score(truth, guess, average="macro")},
    }


def regressions(rng):
    cases = []
    for classes in (2, 4):
        centres = rng.normal(size=(classes, 6))
        labels = rng.integers(0, classes, 80)
        x = (centres[labels] + rng.normal(size=(80, 6))).astype(np.float32).round(3)
        fit = LogisticRegression(max_iter=1000, tol=1e-10).fit(x[:60], labels[:60])
        cases.append({"x": x.ravel().tolist(), "labels": labels.tolist(), "coefficients": fit.coef_.ravel().tolist(),
                      "intercepts": fit.intercept_.tolist(), "predicted": fit.predict(x[60:]).tolist()})
    return cases


def clusters(rng):
    centres = rng.normal(size=(6, 5)) * 2
    labels = rng.integers(0, 6, 240)
    x = (centres[labels] + rng.normal(size=(240, 5))).astype(np.float32).round(2)
    values = [v_measure_score(labels, MiniBatchKMeans(6, batch_size=64, n_init=1, random_state=seed).fit_predict(x))
              for seed in range(200)]
    return {"x": x.ravel().tolist(), "labels": labels.tolist(), "mean": float(np.mean(values)),
            "deviation": float(np.std(values))}


WORDS = ("river stone bridge garden violin kettle harbour lantern meadow thunder saddle copper orchard whistle "
         "compass velvet anchor chimney sparrow ladder").split()


def sentence(r, topic=None):
    words = [r.choice(WORDS) for _ in range(r.randint(4, 9))]
    return " ".join(words + ([topic] * 2 if topic else []))


def write_tasks(folder, score, encoders):
    r = random.Random(5)
    files, tasks, expected = {}, [], {}

    def task(name, category, **contents):
        tasks.append({"name": name, "category": category, "instruction": f"About {name}",
                      "symmetric": category not in ("retrieval", "reranking"), "files": {n: 1 for n in contents.values()}})

    grades, pairs = [], []
    for i in range(40):
        a = sentence(r)
        kept = r.random()
        # Never the same text: cosines of 1 are ties for us, and noise of the last bit for the judge.
        b = " ".join([w if r.random() < kept else r.choice(WORDS) for w in a.split()] + [r.choice(WORDS)])
        grades.append({"text1": a, "text2": b, "score": round(5 * kept, 1)})
        pairs.append({"text1": a, "text2": b, "label": int(kept + r.gauss(0, 0.2) > 0.5)})
    files["grades.jsonl"], files["pairs.jsonl"] = grades, pairs
    task("grades", "sts", a="grades.jsonl")
    task("pairs", "pair_classification", a="pairs.jsonl")

    corpus = [{"_id": f"d{i}", "title": r.choice(["", "Über " + r.choice(WORDS)]), "text": sentence(r)} for i in range(60)]
    corpus[50]["text"], corpus[50]["title"] = corpus[3]["text"], corpus[3]["title"]  # a tie
    queries, qrels = [], ["query-id\tcorpus-id\tscore"]
    for q in range(20):
        answers = r.sample(range(60), r.randint(1, 3))
        queries.append({"_id": f"q{q}", "text": " ".join(r.sample(corpus[answers[0]]["text"].split(), 3))})
        qrels += [f"q{q}\td{d}\t1" for d in answers]
    queries.append({"_id": "q3tie", "text": corpus[3]["text"]})
    qrels.append("q3tie\td3\t1")
    files["search/corpus.jsonl"], files["search/queries.jsonl"], files["search/qrels.tsv"] = corpus, queries, qrels
    task("search", "retrieval", a="search/corpus.jsonl", b="search/queries.jsonl", c="search/qrels.tsv")

    rerank = []
    for _ in range(15):
        query = sentence(r)
        near = [" ".join(r.sample(query.split(), 3) + [r.choice(WORDS)]) for _ in range(r.randint(1, 3))]
        rerank.append({"query": query, "positive": near, "negative": [sentence(r) for _ in range(5)] + near[:1]})
    files["rerank.jsonl"] = rerank
    task("rerank", "reranking", a="rerank.jsonl")

    topics = ["sailing", "baking", "chess"]
    labelled = [{"text": sentence(r, topics[i % 3]), "label": topics[i % 3]} for i in range(60)]
    files["topics.jsonl"], files["kinds/train.jsonl"], files["kinds/test.jsonl"] = labelled[:36], labelled[:36], labelled[36:]
    task("topics", "clustering", a="topics.jsonl")
    task("kinds", "classification", a="kinds/train.jsonl", b="kinds/test.jsonl")

    summaries = []
    for _ in range(8):
        people = [sentence(r) for _ in range(2)]
        machine = [" ".join(w if r.random() < k / 6 else r.choice(WORDS) for w in people[0].split()) for k in range(6)]
        summaries.append({"human_summaries": people, "machine_summaries": machine,
                          "relevance": [k + r.randint(0, 3) for k in range(6)]})
    files["summaries.jsonl"] = summaries
    task("summaries", "summarization", a="summaries.jsonl")

    for name, records in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = records if name.endswith(".tsv") else [json.dumps(x) for x in records]
        path.write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "tasks.json").write_text(json.dumps(tasks, indent=1) + "\n", "utf-8")

    bm25 = encoders.make("bm25")
    for t in tasks:
        if t["category"] == "summarization":
            continue
        for name, encode in (("trigrams", lambda texts, role: trigrams(texts)), ("bm25", lambda texts, role: bm25.encode(texts, role, ""))):
            bm25.start(t)
            found = score.evaluate(t, folder, encode, 0)
            expected.setdefault(t["name"], {})[name] = {k: v for k, v in found.items() if k != "n"}
    values = []
    for s in summaries:
        machine, people = score.unit(trigrams(s["machine_summaries"])), score.unit(trigrams(s["human_summaries"]))
        values.append(scipy.stats.spearmanr((machine @ people.T).max(axis=1), s["relevance"]).statistic)
    expected["summaries"] = {"trigrams": {"score": 100 * float(np.mean(values))}}
    return expected


def main():
    scores, out = Path(sys.argv[1]), Path(sys.argv[2])
    sys.path.insert(0, str(scores))
    import encoders
    import score
    rng = np.random.default_rng(11)
    expected = {"made_with": f"numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn {sklearn.__version__}",
                **measures(rng), "logistic_regression": regressions(rng), "k_means": clusters(rng),
                "tasks": write_tasks(out / "tasks", score, encoders)}
    (out / "expected.json").write_text(json.dumps(expected) + "\n", "utf-8")


main()

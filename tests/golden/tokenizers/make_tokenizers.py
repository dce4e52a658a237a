#!/usr/bin/env python3
"""Trains small tokenizers and writes the ids that the tokenizers and sentencepiece packages give.

    make_tokenizers.py --out DIR

DIR/NAME.json             tokenizer.json
DIR/NAME.expected.jsonl   a line: text, ids (no template), ids_post (with the post-processor), nfc (some lines of qwen2)
DIR/spm.model             sentencepiece model with the pieces of spm.json
DIR/spm.model.expected.jsonl  a line: text, ids (sentencepiece; special strings are plain text)
"""
import argparse
import io
import json
from pathlib import Path

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import texts

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPLIT = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def special(*names):
    return [AddedToken(n, special=True, normalized=False) for n in names]


def byte_letters():
    """The visible letter that stands for each byte in a byte-level vocabulary."""
    printable = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    hidden = [b for b in range(256) if b not in printable]
    return {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(hidden)}


def byte_level(pre, specials, merges=360, normalizer=None, pairs=texts.boundary_pairs()):
    """Byte-level BPE without a post-processor. Besides the learned merges it has merges of `pairs`: they join what the
    pre-tokenizer must keep apart, so that a wrong split is seen in the ids."""
    t = Tokenizer(models.BPE())
    if normalizer:
        t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.train_from_iterator(texts.corpus(), trainers.BpeTrainer(
        vocab_size=256 + len(specials) + merges, special_tokens=special(*specials), show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    t.decoder = decoders.ByteLevel()
    j = json.loads(t.to_str())
    vocab, known, letters = j["model"]["vocab"], j["model"]["merges"], byte_letters()

    def merge(left, right):
        if [left, right] not in known:
            known.append([left, right])
            vocab.setdefault(left + right, len(vocab))

    for pair in pairs:
        whole = ["".join(letters[b] for b in c.encode()) for c in pair]
        for w in whole:                              # a character first becomes one token
            for i in range(1, len(w)):
                merge(w[:i], w[i])
        merge(*whole)
    return Tokenizer.from_str(json.dumps(j))


def with_template(t, template, *names):
    t.post_processor = processors.Sequence([
        processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        processors.TemplateProcessing(single=template, special_tokens=[(n, t.token_to_id(n)) for n in names])])
    return t


def split_and_bytes(pattern):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)])


def gpt2():
    t = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True), ["<|endoftext|>"])
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    return t


def smollm2():
    return byte_level(pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])


def llama3():
    """`ignore_merges`: whole words that no chain of merges reaches are found all the same."""
    names = ["<|begin_of_text|>", "<|end_of_text|>"]
    t = byte_level(split_and_bytes(SPLIT % "{1,3}"), names)
    j = json.loads(t.to_str())
    j["model"]["ignore_merges"] = True
    vocab = j["model"]["vocab"]
    for word in ("\u0120wonderfully", "Wonderful", "HELLO", "\u010a\u010a\u010a\u010a"):
        assert word not in vocab, word
        vocab[word] = len(vocab)
    return with_template(Tokenizer.from_str(json.dumps(j)), "<|begin_of_text|> $A", "<|begin_of_text|>")


def qwen2():
    names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    t = byte_level(split_and_bytes(SPLIT % ""), [], normalizer=normalizers.NFC())
    t.add_special_tokens(special(*names))            # after the vocabulary, as in the real file
    t.add_tokens([AddedToken(n, special=False, normalized=False) for n in ("<think>", "</think>", "<tool_call>")])
    return with_template(t, "$A <|endoftext|>", "<|endoftext|>")


def added_flags():
    """GPT-2 pieces, NFC, and an added token for every flag."""
    t = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True), ["<|endoftext|>"], merges=120, pairs=(),
                   normalizer=normalizers.NFC())
    t.add_special_tokens([AddedToken("[MASK]", lstrip=True, special=True, normalized=False),
                          AddedToken("<pad>", rstrip=True, special=True, normalized=False)])
    t.add_tokens([AddedToken("word", single_word=True, normalized=False),
                  AddedToken("both", single_word=True, lstrip=True, rstrip=True, normalized=False),
                  AddedToken("caf\u00e9", normalized=True), AddedToken("<caf\u00e9>", normalized=False),
                  AddedToken("nai\u0308ve", normalized=True),
                  AddedToken("longer", normalized=False), AddedToken("longer token", normalized=False)])
    return t


def sentencepiece_model():
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(s for line in texts.corpus() for s in line.split("\n")), model_writer=out, model_type="bpe",
        vocab_size=640, byte_fallback=True, add_dummy_prefix=True, remove_extra_whitespaces=False, split_digits=True,
        normalization_rule_name="identity", allow_whitespace_only_pieces=True, character_coverage=0.985,
        num_threads=1, minloglevel=2)
    return out.getvalue()


def from_sentencepiece(model):
    """tokenizer.json of a sentencepiece BPE model: every split of a piece into two pieces is a merge, best score first."""
    sp = sentencepiece.SentencePieceProcessor(model_proto=model)
    vocab = {sp.id_to_piece(i): i for i in range(len(sp))}
    plain = [p for p, i in vocab.items() if not (sp.is_control(i) or sp.is_unknown(i) or sp.is_byte(i))]
    merges = []
    for piece in sorted(plain, key=lambda p: -sp.get_score(vocab[p])):
        splits = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in vocab and piece[i:] in vocab]
        merges += sorted(splits, key=lambda s: (vocab[s[0]], vocab[s[1]]))
    t = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.add_special_tokens(special("<unk>", "<s>", "</s>"))
    t.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", vocab["<s>"])])
    return t


def spm(model):
    """Llama 2 / Mistral style: the normaliser makes the spaces visible, nothing is split."""
    t = from_sentencepiece(model)
    t.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    t.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                                   decoders.Strip(content=" ", left=1)])
    return t


def metaspace(model):
    """The newer spelling: no normaliser, a Metaspace pre-tokenizer that prefixes the first piece only."""
    t = from_sentencepiece(model)
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="first", split=False)
    t.decoder = spm(model).decoder
    return t


def dump(lines, path):
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))


def write(name, t, out, more=()):
    """Saves the tokenizer, loads it again and lets the loaded one speak."""
    t.save(str(out / f"{name}.json"), pretty=False)
    t = Tokenizer.from_file(str(out / f"{name}.json"))
    todo = list(dict.fromkeys([*texts.EDGES, *more, *texts.SENTENCES, *texts.random_texts(), *texts.boundary_texts()]))
    lines = []
    for text in todo:
        line = dict(text=text, ids=t.encode(text, add_special_tokens=False).ids, ids_post=t.encode(text).ids)
        if more is texts.NFC and text in more:
            line["nfc"] = t.normalizer.normalize_str(text)
        lines.append(line)
    dump(lines, out / f"{name}.expected.jsonl")
    print(name, "vocabulary", t.get_vocab_size(), "texts", len(lines), "ids", sum(len(x["ids"]) for x in lines))
    return {x["text"]: x["ids"] for x in lines}


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", type=Path, required=True)
    out = ap.parse_args().out
    write("gpt2", gpt2(), out)
    write("smollm2", smollm2(), out)
    write("llama3", llama3(), out)
    write("qwen2", qwen2(), out, texts.NFC)
    write("added_flags", added_flags(), out, texts.FLAGGED)
    model = sentencepiece_model()
    (out / "spm.model").write_bytes(model)
    by_tokenizers = write("spm", spm(model), out)
    write("metaspace", metaspace(model), out)
    sp = sentencepiece.SentencePieceProcessor(model_proto=model)
    by_sentencepiece = {text: sp.encode(text) for text in by_tokenizers}
    dump([dict(text=t, ids=i) for t, i in by_sentencepiece.items()], out / "spm.model.expected.jsonl")
    differ = [t for t in by_tokenizers if by_tokenizers[t] != by_sentencepiece[t]]
    print("sentencepiece and tokenizers differ on", len(differ), [ascii(t) for t in differ])

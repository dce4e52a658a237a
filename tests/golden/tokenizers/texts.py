"""Texts for the tokenizer judges: a training corpus, edge cases, seeded random strings, NFC cases. All made here."""
import random
import unicodedata

SENTENCES = """
The quick brown fox jumps over the lazy dog, and it doesn't care whether you've seen it.
Embeddings map a sentence to a vector; similar sentences lie near each other.
In 2019 the lake froze for 114 days, which was 12.5% longer than the average of 1961-1990.
She said: "I'm sure they'll come, but we'd better wait." He wasn't so sure.
A wonderful thing happened yesterday: the committee's report was published online at last.
for (int i = 0; i < n; ++i) { sum += a[i] * b[i]; }  // dot product
def mean(values):\n\treturn sum(values) / len(values)
Please send the invoice to accounts@example.org before 31/12/2024 (or call +44 20 7946 0018).
Which planet is known as the red planet? Mars is often called the red planet because of its colour.
Der Zug nach München fährt um 8:15 Uhr ab; die Fahrkarten müssen größtenteils im Voraus bezahlt werden.
L'été dernier, nous avons mangé des crêpes à Saint-Malo où le ciel était très bleu.
El niño preguntó: ¿cuándo llegará el tren de la mañana? ¡Mañana será otro día!
Привет, мир! Сегодня хорошая погода, и мы идём гулять в парк.
Η γρήγορη αλεπού πηδάει πάνω από το τεμπέλικο σκυλί.
今天天气很好，我们去公园散步吧。中文没有空格。
東京は日本の首都です。カタカナとひらがなを混ぜて書きます。
안녕하세요, 오늘은 날씨가 아주 좋습니다.
مرحبا بالعالم، كيف حالك اليوم؟
नमस्ते दुनिया, आप कैसे हैं?
สวัสดีชาวโลก วันนี้อากาศดีมาก
""".strip().split("\n")

SYLLABLES = {
    "latin": "ka to mi re lun sar ben dol tis ve quo ing er ation pre un".split(),
    "cyrillic": "ко та ми рал сен дов пре ние ск ый".split(),
    "greek": "κα το μι ρεν σος δη λογ".split(),
    "hangul": list("가나다라마바사아자차카타파하"),
    "han": list("水火山木人大小中国學生日月天地"),
    "kana": list("あいうえおかきくけこサシスセソ"),
}


def corpus(seed=7, lines=1500):
    """Sentences and pseudo-words, mostly Latin."""
    rng = random.Random(seed)
    words = {script: ["".join(rng.choice(s) for _ in range(rng.randint(1, 4))) for _ in range(120)]
             for script, s in SYLLABLES.items()}
    out = []
    for _ in range(lines):
        if rng.random() < 0.5:
            out.append(rng.choice(SENTENCES).replace("\\n", "\n").replace("\\t", "\t"))
            continue
        if rng.random() < 0.15:
            out.append(rng.choice(["  ", "    ", "\t"]) + rng.choice(words["latin"]) + " =  " + str(rng.randrange(1000)) + ";\n\n")
            continue
        script = rng.choice(["latin"] * 5 + list(SYLLABLES))
        line = [rng.choice(words[script]) for _ in range(rng.randint(3, 12))]
        if rng.random() < 0.3:
            line.insert(rng.randrange(len(line)), str(rng.randrange(10 ** rng.randint(1, 6))))
        out.append(" ".join(line) + rng.choice([".", "!", "?", "...", "", "\n", ";"]))
    return out


# One or more of every class that a pre-tokenizer tells apart.
BOUNDARY = list("axsStmMdDR1'!.-_$ \n\r\t\u00a0\u3000\u2028\u0085\u000b\u001c\u200b\ufeff\u017f\u00e9\u0301\u4f60\u0430\u00bd\u00b2\u2167\u0662\u20ac\U0001f600")


def boundary_pairs(seed=9, count=560):
    """Pairs of neighbours for which the byte-level vocabularies get a merge, whether or not they may ever be merged."""
    rng = random.Random(seed)
    common = ["\n ", " \n", "\n\n", "\r\n", "!\n", "\u00a0a", "\u017fx", "\u017fa"]
    return common + rng.sample([a + b for a in BOUNDARY for b in BOUNDARY if a + b not in common], count)


def boundary_texts(seed=10, count=90):
    rng = random.Random(seed)
    pieces = BOUNDARY + ["  ", " ", " ", "\r\n", "\n\n", "'s", "'S", "'LL", "'rE", "'d", "'M", "12", "123", "1234", "'\u017f"] * 2
    return ["".join(rng.choice(pieces) for _ in range(rng.randint(3, 14))) for _ in range(count)]


EDGES = [
    "", " ", "  ", "   ", "a", " a", "a ", "  a", "a  ", "a b", "a  b", "a   b", "\n", "\n\n", "\r\n", "\r", "\t", "\t\t",
    "\n a", " \n", " \n ", "a\nb", "a\n\nb", "a \n b", "a\n  b", "a\r\nb", "a\r\n\r\nb", "\n\n\n   x", "x   \n\n\n", "x \t\n y", "\ta\tb",
    "a\u00a0b", "\u00a0", "\u00a0\u00a0x", " \u00a0 x", "a\u3000b", "a\u2003b", "a\u2028b", "a\u2029b", "a\u0085b", "a\u1680b",
    "a\u200bb", "a\ufeffb", "\ufeffBOM first", "a\u180eb", "a\u001cb", "a\u001fb", "a\u000bb", "a\u000cb", "a\u0000b", "\u0000",
    "\u0001\u0002\u007f", "a\u00adb",
    "I'm", "you're", "they've", "we'll", "she'd", "it's", "don't", "I'M", "YOU'RE", "IT'S", "O'Reilly", "'s", "''s", " 's", "' s",
    "rock'n'roll", "it\u2019s", "'\u017f", "'\u017fx", "x'\u017f", "'reX", "'LL'VE'D", "'tis 'twas", "'dog", "can't've",
    "1", "12", "123", "1234", "1234567", "3.14159", "1,000,000", "0x1F", "a1b2c3", "a 1", "a  1", "a  12 b", " 12", "12 ", "v2.0-rc1",
    "\u00bd cup", "x\u00b2 + y\u00b2", "\u2167 \u2460\u2461", "\u0661\u0662\u0663", "\u0967\u0968", "1\u0662\u00b3", "\u4e00\u4e8c\u4e09 3",
    "!!!", "...", "?!?!", "a...b", "a ... b", " ...", "(a)", "[x]{y}<z>", "--", "-- x", "a--b", "$9.99", "50%", "#tag @user", "a_b", "_a_",
    "`code`", "\"q\"", "\u201cq\u201d", "\u00abq\u00bb", "\u2014", "a\u2014b", "\u2026", "!\n", "!!\n\n", "...\r\n", " !\n!", "; }\n\n\n}\n",
    "// x\n/* y */", "http://example.org/a?b=c&d=1#e", "C:\\dir\\file.txt", "user@example.org",
    "\u00e9", "e\u0301", "caf\u00e9 cafe\u0301", "na\u00efve nai\u0308ve", "\u00dcber U\u0308ber", "\u00c5ngstr\u00f6m \u212b",
    "\ufb01 \ufb02", "\u00df\u1e9e", "\u0130I\u0131i", "\u212aelvin", "\u0301", " \u0301x", "x\u0301\u0302\u0303",
    "\u4f60\u597d", "\u4f60\u597d\u4e16\u754c\u3002", "\u4f60 \u597d", "\u65e5\u672c\u8a9e\u306e\u6587", "\u30ab\u30bf\u30ab\u30ca", "\uff21\uff22\uff23\uff11\uff12",
    "\ud55c\uad6d\uc5b4", "\uac00\uac01 \uac02", "\u1112\u1161\u11ab", "\u041f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629", "\u05e9\u05dc\u05d5\u05dd", "\u0928\u092e\u0938\u094d\u0924\u0947", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u0ba8\u0bbf",
    "\U0001f600", "\U0001f600\U0001f601", "a\U0001f600b", " \U0001f44d\U0001f3fd ", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f", "\U0001f1e9\U0001f1ea",
    "\U0001d54f\U0001d7d9", "\U00020000\U0002a6d6", "\ufffd", "\ue000", "\U0010fffd", "\ufffc", "\u2581", "\u2581a\u2581", "a\u2581b", " \u2581 ",
    "\u0120", "\u0120a\u010a", "<0x41>", "<0x0A>", "<unk>", "<s>", "</s>", "<s>a</s>", "a <s> b", "before</s>after", "x<s>\ny", "</S>", "<s", "< s >",
    "<|endoftext|>", "a<|endoftext|>b", "a <|endoftext|> b", "<|im_start|>user\nhi<|im_end|>\n", "<|begin_of_text|>x", "<|end_of_text|>",
    "<|endoftext|><|endoftext|>", "<|endoftext", "|endoftext|>", "<|im_start|><|im_end|>", "<think>\nhm\n</think>", "x <tool_call> y", "<tool_call>", "a<pad>b",
    "wonderful", " wonderful", "a wonderful thing", "Wonderful", "wonderfully", "yesterday's committee", "hello world", "Hello World", "HELLO",
    "the the the", "thethe", "sentencesentences", "a" * 40, "ab" * 20, "  " * 9, "\n" * 9, "-" * 33, "1" * 21,
]

# Texts for the added-token flags.
FLAGGED = [
    "[MASK]", "a [MASK] b", "a  [MASK]  b", "a\n[MASK]\nb", "[MASK][MASK]", " [MASK] [MASK] ", "<pad>", "a <pad> b", "a<pad>  b", "<pad>\n\nb",
    "word", "a word here", "words", "sword", "word's", "word.", "_word", "word_", "word1", "wordword", "\u00e9word", "word\u0301", "(word)", "word word",
    "caf\u00e9", "cafe\u0301", "a caf\u00e9 b", "CAFE\u0301", "<cafe\u0301>", "<caf\u00e9>", "a<cafe\u0301>b", "na\u00efve", "nai\u0308ve",
    "both", "a both b", "aboth", "a  both\t b", "a,both,b", "longer", "longer token", "longer token here", "longe", "a longer  token",
]


def random_texts(seed=11, count=70):
    """Short strings mixed from many kinds of character; only those assigned since Unicode 14."""
    rng = random.Random(seed)
    ranges = [(0x20, 0x7e)] * 5 + [(0xa0, 0x17f), (0x300, 0x33f), (0x370, 0x3ff), (0x400, 0x45f), (0x5d0, 0x5ea), (0x620, 0x64a),
                                   (0x660, 0x669), (0x900, 0x97f), (0x1100, 0x11ff), (0x1e00, 0x1eff), (0x2000, 0x206f),
                                   (0x2150, 0x218b), (0x2460, 0x24ff), (0x3040, 0x30ff), (0x4e00, 0x4eff), (0xac00, 0xad00),
                                   (0xff01, 0xff5e), (0x1f600, 0x1f64f), (0x1d400, 0x1d7ff)]
    pieces = ["'s", "'ll", " ", "  ", "\n", "\r\n", "\t", " \n", "the ", " 12", "<s>", "<|endoftext|>", "...", "\u00a0", " a", "ing", "tion", "99"]

    def char():
        while True:
            c = chr(rng.randint(*rng.choice(ranges)))
            if unicodedata.category(c) not in ("Cn", "Cs"):
                return c
    out = []
    for _ in range(count):
        n = rng.randint(1, 14)
        out.append("".join(rng.choice(pieces) if rng.random() < 0.3 else char() for _ in range(n)))
    return out


# Canonical composition: order of marks, exclusions, singletons, Hangul, blocked marks.
NFC = [
    "A\u030a", "\u212b", "\u00c5", "\u2126", "\u212a", "\u0340\u0341", "\u0374", "\u037e", "\u0387", "\u1f71", "\u2329\u232a", "\uf900", "\ufa0c",
    "\U0002f800", "e\u0301\u0323", "e\u0323\u0301", "\u1eb9\u0301", "o\u0302\u0301", "o\u0301\u0302", "\u1ed1", "a\u0328\u0301", "a\u0301\u0328",
    "s\u0323\u0307", "s\u0307\u0323", "\u1e9b\u0323", "q\u0307\u0323", "d\u0307\u0323\u0301", "a\u0315\u0300\u05ae\u0301", "\u0344", "u\u0308\u0304", "\u01d5",
    "\u1100\u1161", "\u1100\u1161\u11a8", "\uac00\u11a8", "\uac01\u11a8", "\u1100\u1161\u11a7", "\u1112\u1161\u11ab\u1100\u1173\u11af", "\u1161\u11a8", "\u1100\u1100\u1161",
    "\u0958", "\u0915\u093c", "\u0928\u093c", "\u09c7\u09be", "\u0b47\u0b56", "\u0dd9\u0dcf\u0dca", "\u0fb2\u0f71\u0f80", "\u0f77", "\u2adc", "\ufb1d",
    "\u05e9\u05bc\u05c1", "\u30ab\u3099", "\u30cf\u309a", "\u3099", "\U0001d15e", "\U000110a5\U000110ba", "a\u0345\u0301", "\u03b1\u0345\u0301\u0313",
    "e\u200d\u0301", "e \u0301", "\u0301e", "c\u0327\u0301", "\u1e09", "x\u0323\u0323\u0301\u0301", "\u0f71\u0f72", "\u0f73", "\ufb4e", "\u0cc6\u0cc2\u0cd5",
]

#!/usr/bin/env python3
"""Makes the goldens of tests/text with the reference implementations (pip install tokenizers transformers jinja2).

  python3 make_goldens.py

Writes <name>.json (small tokenizers of every kind that models use, trained on the texts below), <name>.jsonl (what the
tokenizers library answers for them) and templates.jsonl (what Jinja answers, with transformers' settings).
"""
import json
import os
import random

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import jinja2
import transformers.utils.chat_template_utils as chat_utils
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)
from tokenizers.decoders import DecodeStream

HERE = os.path.dirname(os.path.abspath(__file__))

TEXTS = [
    "", " ", "  two  spaces", "Hello, world!", "The quick brown fox doesn't jump; it'll rest.", "I'VE HE'S they'D 'scape",
    "def f(x):\n    return x ** 2  # square\n\n\nclass A:\n\tpass\n", "1234567890 3.14 1,000,000 x2 ²³ ⅷ ٣٤",
    "line\r\nline\r\n\r\n  indented\n \n", "na\u00efve caf\u00e9 cafe\u0301 \u212b \ufb01 \u1e9b\u0323", "你好，世界！こんにちは 안녕",
    "Привет мир, Γειά σου, שלום, مرحبا, नमस्ते", "🧑‍🚀🏾 👁️‍🗨️ ❤️ emoji", "tab\tand\u00a0nbsp\u3000ideographic\u2003em",
    "<s>special</s> <think>tag</think> mid<s>dle", "word<mask> next", "a\u0000b\u0007c\u007f", "\u200b\u200d\ufeff zero width",
    "___ -- ... !!! ??? $$$ ^^^", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\n\n\n\n", "   x",
    "x   ", "\ta", "don’t ‘quote’ “double”", "e\u0301\u0327 \u0327\u0301e", "ſ'ſ 'S K\u212a", "\U0001d400\U00020000\U0010ffff",
    "http://example.com/a?b=c&d=e#f", "{\"key\": [1, 2.5e-3, null, true]}", "▁under ▁▁ score", "<0x41> <0xE9>",
]
CORPUS = [t for t in TEXTS for _ in range(3)] + [
    "the of and to in is you that it he was for on are as with his they I at be this have from or one had by word",
    "for i in range(10): print(i) if x == y else return self.value",
] * 4

GPT2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
          r"\s+(?!\S)|\s+")
QWEN = LLAMA3.replace("{1,3}", "")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def split_bytes(*patterns, behavior="isolated", invert=False):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(p), behavior, invert) for p in patterns] +
                                   [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def byte_bpe(pre, normalizer=None, size=420):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre
    tok.decoder = decoders.ByteLevel()
    if normalizer is not None:
        tok.normalizer = normalizer
    tok.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size, show_progress=False,
                                                        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tok


def add_tokens(tok):
    tok.add_special_tokens([AddedToken("<s>", special=True), AddedToken("</s>", special=True)])
    tok.add_tokens([AddedToken("<think>", normalized=False), AddedToken("</think>", normalized=True),
                    AddedToken("<mask>", lstrip=True, rstrip=True, normalized=False),
                    AddedToken("word", single_word=True, normalized=False)])
    return tok


def make():
    out = {"gpt2": add_tokens(byte_bpe(GPT2)), "llama3": add_tokens(byte_bpe(split_bytes(LLAMA3))),
           "qwen": add_tokens(byte_bpe(split_bytes(QWEN), normalizers.NFC())),
           "o200k": byte_bpe(split_bytes(O200K)),
           "removed_inverted": byte_bpe(split_bytes(LLAMA3, behavior="removed", invert=True)),
           "digits": byte_bpe(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), GPT2])),
           "punctuation": byte_bpe(pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"),
                                                            pre_tokenizers.Split(Regex(r"\s+"), "merged_with_next"),
                                                            pre_tokenizers.Digits(), GPT2])),
           "prefix_space": byte_bpe(pre_tokenizers.ByteLevel(add_prefix_space=True))}
    s = out["llama3"]
    s.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", s.token_to_id("<s>")), ("</s>", s.token_to_id("</s>"))])])

    # SentencePiece-style BPE with byte fallback, as Llama-2 and Gemma have it.
    def piece_bpe(**options):
        pieces = {"<unk>": 0, "<s>": 1, "</s>": 2}
        for b in range(256):
            pieces[f"<0x{b:02X}>"] = len(pieces)
        tok = Tokenizer(models.BPE())
        tok.normalizer = normalizers.Replace(" ", "▁")
        trainer = trainers.BpeTrainer(vocab_size=360, show_progress=False, limit_alphabet=70)
        tok.train_from_iterator(CORPUS, trainer)
        trained = json.loads(tok.to_str())["model"]
        for piece in sorted(trained["vocab"], key=trained["vocab"].get):
            pieces.setdefault(piece, len(pieces))
        merges = [tuple(m) for m in trained["merges"]]
        return Tokenizer(models.BPE(vocab=pieces, merges=merges, unk_token="<unk>", byte_fallback=True, **options))

    llama2 = piece_bpe(fuse_unk=True)
    llama2.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    llama2.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                        decoders.Strip(" ", 1, 0)])
    llama2.add_special_tokens(["<unk>", "<s>", "</s>"])
    out["llama2"] = llama2
    meta = piece_bpe()
    meta.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    meta.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first")])
    meta.add_special_tokens(["<s>", "</s>"])
    meta.add_tokens([AddedToken("word", normalized=True)])
    out["metaspace"] = meta

    uni = Tokenizer(models.Unigram())
    uni.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    uni.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    uni.decoder = decoders.Metaspace()
    uni.train_from_iterator(CORPUS, trainers.UnigramTrainer(vocab_size=300, show_progress=False, unk_token="<unk>",
                                                            special_tokens=["<unk>", "<s>", "</s>"]))
    out["unigram"] = uni

    words = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    words.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Strip()])
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.train_from_iterator(CORPUS, trainers.WordLevelTrainer(vocab_size=120, special_tokens=["[UNK]", "[CLS]", "[SEP]"],
                                                                show_progress=False))
    words.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    out["words"] = words
    return out


def cases(tok, rng):
    alphabet = [chr(c) for c in (*range(32, 127), 9, 10, 13, 0xE9, 0x301, 0x4F60, 0x1F600, 0x17F, 0x2028, 0x660, 0xAD, 0x200D)]
    texts = TEXTS + ["".join(rng.choice(alphabet) for _ in range(rng.randint(1, 30))) for _ in range(25)]
    for text in texts:
        ids = tok.encode(text, add_special_tokens=False).ids
        row = {"kind": "encode", "text": text, "ids": ids}
        with_special = tok.encode(text, add_special_tokens=True).ids
        if with_special != ids:
            row["ids_with_special"] = with_special
        decoded = tok.decode(ids, skip_special_tokens=False)
        skipped = tok.decode(ids, skip_special_tokens=True)
        if decoded != text:
            row["decoded"] = decoded
        if skipped != decoded:
            row["decoded_skip_special"] = skipped
        yield row
    for _ in range(12):
        ids = [rng.randrange(tok.get_vocab_size()) for _ in range(rng.randint(1, 10))]
        yield {"kind": "decode", "ids": ids, "text": tok.decode(ids, skip_special_tokens=False),
               "text_skip_special": tok.decode(ids, skip_special_tokens=True)}
    for text in rng.sample([t for t in TEXTS if t], 8):
        ids = tok.encode(text, add_special_tokens=False).ids
        stream = DecodeStream(skip_special_tokens=False)
        try:
            chunks = [stream.step(tok, i) for i in ids]
        except Exception:
            continue
        yield {"kind": "stream", "ids": ids, "skip_special": False, "chunks": chunks}


TEMPLATES = open(os.path.join(HERE, "templates.txt"), encoding="utf-8").read().split("\n=====\n")
MESSAGES = [
    {"role": "system", "content": "Be brief."}, {"role": "user", "content": " What's 2+2? <é> "},
    {"role": "assistant", "content": "<think>\neasy\n</think>\n\n4", "tool_calls": [
        {"type": "function", "function": {"name": "add", "arguments": {"a": 2, "b": 2.5, "c": None, "d": [True, "x\"y\n"]}}}]},
    {"role": "tool", "content": "{\"sum\": 4}"}, {"role": "user", "content": "Thanks\n"},
]
TOOLS = [{"type": "function", "function": {"name": "add", "description": "Adds\tnumbers", "parameters": {
    "type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number", "enum": [1, 2]}}, "required": ["a"]}}}]


def template_cases():
    for source in TEMPLATES:
        for kwargs in ({}, {"add_generation_prompt": True, "n": 3, "x": -7.5, "items": [3, 1, 2], "s": "Hello World"}):
            variables = {"messages": chat_utils._plain_template_data(MESSAGES), "tools": TOOLS, "documents": None,
                         "add_generation_prompt": False, **kwargs}
            row = {"template": source, "messages": MESSAGES, "tools": TOOLS, "kwargs": kwargs}
            try:
                row["text"] = chat_utils._compile_jinja_template(source).render(**variables)
            except (jinja2.exceptions.TemplateError, TypeError, ValueError, ZeroDivisionError) as error:
                row["error"] = type(error).__name__
            yield row


def write(name, rows):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def main():
    rng = random.Random(1)
    for name, tok in make().items():
        with open(os.path.join(HERE, name + ".json"), "w", encoding="utf-8") as out:
            json.dump(json.loads(tok.to_str()), out, ensure_ascii=False)
        write(name + ".jsonl", cases(tok, rng))
    rows = list(template_cases())
    for row in rows:  # shared by every row, so kept once
        del row["messages"], row["tools"]
    write("templates.jsonl", rows)
    with open(os.path.join(HERE, "conversation.json"), "w", encoding="utf-8") as out:
        json.dump({"messages": MESSAGES, "tools": TOOLS}, out, ensure_ascii=False)


main()

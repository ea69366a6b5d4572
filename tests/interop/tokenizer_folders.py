"""Tiny checkpoints of each family of tokenizers, made of made-up text as their makers made theirs."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as Engine
from tokenizers import models, pre_tokenizers, trainers

sentencepiece = pytest.importorskip("sentencepiece")
transformers = pytest.importorskip("transformers")

WORDS = (
    "the cat sat on a mat dog hello world abc ab c café naïve straße ﬁne привет мир 你好 世界 bonjour le monde don't "
    "123 end. (yes) ¿no? — “so”"
)
SPOKEN = ("en", "zh", "de", "es", "ru", "ko", "fr")
FOREIGN = "der hund saß auf matte bonjour le chat salut monde été ça 😀 مرحبا שלום"

PAGE = [
    "",
    " ",
    "     ",
    "Hello world, the cat sat on a mat.",
    "  the   cat  ",
    "the\tcat\nsat\r\n",
    "a\u00a0b\u2003c\u3000d",
    "😀",
    "a 👩‍👩‍👧‍👦 b 👍🏽👍🏽 🇫🇷🇩🇪",
    "e\u0301te\u0301 cafe\u0301 q\u0323\u0307x",
    "\u1112\u1161\u11ab 한국어",
    "שלום עולם مرحبا بالعالم",
    "hi שלום 你好 привет ไทย हिन्दी",
    "ﬁne ﬂow ﷺ Ⅳ ½ ² ＡＢＣ ｱｲｳ ㎏",
    "x\x00y\x01z\x7f",
    "\u200bzero\u200bwidth\ufeff \u00adsoft\u00adhyphen \u202ertl\u202c",
    "a" * 300,
    "ab" * 200 + " " + "c" * 50,
    "the" + " " * 97 + "end",
    "\u2581 \u2581a\u2581 b",
    "“quotes” — dash… don't stop!!!",
    "\u0301lead \u0301",
    "x" + "\u0301" * 40,
    "\ud7ff\ue000 \u2028 sep \u2029 \U0001f9d1\u200d\U0001f680",
    "ǅ ß İ ı ſ K",
    "1234567890 3.14 $5 <tag> [x] {y}",
]
"""Nasty text."""


def sentences(text: str = WORDS, seed: int = 1) -> list[str]:
    """Rows of words by lot."""
    words, lot = text.split(), random.Random(seed)
    return [" ".join(lot.choices(words, k=lot.randint(3, 9))) for _ in range(300)]


def train(path: Path, lines: list[str], **settings: Any) -> None:
    """A SentencePiece model."""
    chosen = {"model_type": "unigram", "vocab_size": 100, "hard_vocab_limit": False} | settings
    if chosen["model_type"] == "bpe":
        chosen |= {"hard_vocab_limit": True}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(path.with_suffix("")), minloglevel=2, **chosen
    )
    path.with_suffix(".vocab").unlink()
    path.with_suffix(".model").rename(path)


def pieces(path: Path) -> list[str]:
    model = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return [model.id_to_piece(i) for i in range(len(model))]


def write(path: Path, what: Any) -> None:
    path.write_text(json.dumps(what), encoding="utf-8")


def marian(folder: Path, codes: tuple[str, ...] = (), **settings: Any) -> None:
    train(folder / "source.spm", sentences(), **settings)
    train(folder / "target.spm", sentences(FOREIGN, 2), **settings)
    tokens = [name for side in ("source", "target") for name in pieces(folder / f"{side}.spm")]
    random.Random(3).shuffle(tokens)
    tokens = list(dict.fromkeys(["</s>", "<unk>", *tokens, *(f">>{code}<<" for code in codes), "<pad>"]))
    write(folder / "vocab.json", {name: i for i, name in enumerate(tokens)})


def m2m100(folder: Path) -> None:
    train(folder / "sentencepiece.bpe.model", sentences(), model_type="bpe")
    names = [name for name in pieces(folder / "sentencepiece.bpe.model") if not name.startswith("<")]
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *reversed(names)]
    write(folder / "vocab.json", {name: i for i, name in enumerate(tokens)})


def nllb(folder: Path) -> None:
    train(folder / "sentencepiece.bpe.model", sentences(), model_type="bpe")
    first = 1 + len(pieces(folder / "sentencepiece.bpe.model"))
    codes = ["ace_Latn", "eng_Latn", "fra_Latn", "zho_Hans", "zho_Hant", "<mask>"]
    added = {first + i: {"content": code, "special": True} for i, code in enumerate(codes)}
    write(folder / "tokenizer_config.json", {"tokenizer_class": "NllbTokenizer", "added_tokens_decoder": added})


def fairseq(folder: Path) -> None:
    train(folder / "sentencepiece.bpe.model", sentences())


def mbart50(folder: Path) -> None:
    fairseq(folder)
    write(folder / "tokenizer_config.json", {"tokenizer_class": "MBart50Tokenizer"})


def t5(folder: Path) -> None:
    train(folder / "spiece.model", sentences(), pad_id=0, eos_id=1, unk_id=2, bos_id=-1)


def pegasus(folder: Path) -> None:
    t5(folder)


def byte_level(folder: Path) -> None:
    engine = Engine(models.BPE())
    engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    engine.train_from_iterator(sentences(), trainer=trainer)
    model = json.loads(engine.to_str())["model"]
    ids = model["vocab"] | {"<mask>": len(model["vocab"])}
    write(folder / "vocab.json", ids)
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")


def whisper(folder: Path) -> None:
    byte_level(folder)
    ids = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    names = [
        "<|endoftext|>",
        "<|startoftranscript|>",
        *(f"<|{code}|>" for code in ["en", "zh", "de", "es", "ru", "ko", "fr"]),
    ]
    names += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    added = {len(ids) + i: {"content": name, "special": True} for i, name in enumerate(names)}
    write(folder / "tokenizer_config.json", {"tokenizer_class": "WhisperTokenizer", "added_tokens_decoder": added})


MAKERS: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "marian": (marian, "MarianTokenizer", "marian"),
    "marian, many targets": (lambda folder: marian(folder, ("fra", "deu", "zho_Hant")), "MarianTokenizer", "marian"),
    "marian, BPE": (lambda folder: marian(folder, model_type="bpe"), "MarianTokenizer", "marian"),
    "marian, bytes": (lambda folder: marian(folder, byte_fallback=True, vocab_size=400), "MarianTokenizer", "marian"),
    "m2m100": (m2m100, "M2M100Tokenizer", "m2m_100"),
    "nllb": (nllb, "NllbTokenizer", "m2m_100"),
    "mbart": (fairseq, "MBartTokenizer", "mbart"),
    "mbart50": (mbart50, "MBart50Tokenizer", "mbart"),
    "t5": (t5, "T5Tokenizer", "t5"),
    "pegasus": (pegasus, "PegasusTokenizer", "pegasus"),
    "bart": (byte_level, "BartTokenizer", "bart"),
    "whisper": (whisper, "WhisperTokenizer", "whisper"),
}
"""Makers, the class of transformers that reads what they make, and the `model_type` beside it."""

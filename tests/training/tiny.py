"""Runs of a second or two: a corpus of made-up sentences, and a recipe for a model of a few thousand weights."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

from weft.base.validate import validate
from weft.runs.recipe import Recipe

_WORDS = {
    "the": "le",
    "red": "rouge",
    "big": "grand",
    "dog": "chien",
    "cat": "chat",
    "sleeps": "dort",
    "eats": "mange",
    "house": "maison",
    "bread": "pain",
    "today": "aujourd'hui",
    "never": "jamais",
    "here": "ici",
}


def write_corpora(folder: Path) -> None:
    """`a.tsv` (211 pairs), `b.tsv` (53) and `dev.tsv` (7): words for words, all different."""
    generator = random.Random(5)
    pairs: dict[tuple[str, str], None] = {}
    while len(pairs) < 271:
        words = generator.choices(list(_WORDS), k=generator.randint(2, 9))
        pairs[" ".join(words), " ".join(_WORDS[word] for word in words)] = None
    lines = ["\t".join(pair) + "\n" for pair in pairs]
    for name, rows in {"a": lines[:211], "b": lines[211:264], "dev": lines[264:]}.items():
        (folder / f"{name}.tsv").write_text("".join(rows), encoding="utf-8")


def recipe_keys(**changed: Any) -> dict[str, Any]:
    """What a recipe file would hold; `changed` are tables of which the given keys are other ones."""
    pair = {"from": "en", "to": "fr"}
    keys: dict[str, Any] = {
        "seed": 7,
        "data": {
            "train": [{"path": "a.tsv", **pair}, {"path": "b.tsv", **pair, "weight": 2.0}],
            "dev": [{"path": "dev.tsv", **pair}],
            "temperature": 2.0,
        },
        "tokenizer": {"vocabulary_size": 331, "dropout": 0.1},
        "model": {"width": 16, "num_heads": 2, "feedforward_width": 24, "encoder_layers": 1, "decoder_layers": 1},
        "training": {
            "steps": 30,
            "batch_tokens": 256,
            "learning_rate": 3e-3,
            "warmup_steps": 10,
            "log_every": 4,
            "validate_every": 10,
            "checkpoint_every": 10,
        },
        "validation": {"rows": 5, "samples": 1},
        "search": {"beam": 2, "max_length_ratio": 1.0, "max_length_offset": 3},
    }
    for table, values in changed.items():
        keys[table] = {**keys.get(table, {}), **values} if isinstance(values, dict) else values
    return keys


def recipe(**changed: Any) -> Recipe:
    return validate(Recipe, recipe_keys(**changed), where="tiny")


def log_lines(out: Path) -> list[dict[str, Any]]:
    """The log without what depends on the machine's speed."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").split("\n")[:-1]]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def traces(out: Path) -> dict[str, Any]:
    """What two runs have in common if they are the same: hashes of the weights they left, and their logs."""
    files = [out / "last" / "model.safetensors", out / "best" / "model.safetensors"]
    files += sorted((out / "checkpoints").rglob("state.safetensors"))[-1:]
    hashes = {str(file.relative_to(out)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    return {**hashes, "log": log_lines(out)}

"""The table of docs/pictures.md, from benchmarks/results/captions.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SHOWN = {"captioner": "the captioner", "wrong picture": "shown another picture", "blind": "trained without pictures"}
SCORES = ("bleu1", "bleu2", "bleu3", "bleu4")


def table(path: Path) -> str:
    """Scores of the captioner, of it with a wrong picture and of the blind one; nothing where nothing was measured."""
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    lines = [
        "| | BLEU-1 | BLEU-2 | BLEU-3 | BLEU-4 | CIDEr |",
        "|---|---|---|---|---|---|",
        *(_row(title, found[name]) for name, title in SHOWN.items()),
    ]
    ranking, speed, around = found["ranking"], found["pictures a CPU second"], found["surroundings"]
    fastest = ", ".join(f"{one['median']:.0f} ({name})" for name, one in speed.items())
    low, high = ranking["interval"]
    said = [
        f"{found['set'][0].upper()}{found['set'][1:]}; words: {found['tokenizer']}. The picture that five people wrote "
        f"of makes their sentences likelier than another picture for {ranking['right_beats_wrong']:.1%} of them "
        f"({low:.1%} to {high:.1%}).",
        f"Pictures a CPU second, decoded beforehand, one thread: {fastest}. {around['machine']['processor']}, torch "
        f"{around['versions']['torch']}, {around['date'][:10]}, `benchmarks/results/{path.name}`.",
    ]
    return "\n".join(lines) + "\n\n" + "\n\n".join(said) + "\n"


def _row(title: str, one: dict[str, Any]) -> str:
    low, high = one["cider_interval"]
    scores = " | ".join(f"{one[name]:.1f}" for name in SCORES)
    return f"| {title} | {scores} | {one['cider']:.3f} ({low:.3f} to {high:.3f}) |"

"""The tables of docs/captioning.md and the README's row of drawn scenes, from benchmarks/results/scenes.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SETS = {
    "seen": "new scenes, colours and shapes that met in training",
    "held_out": "new scenes with a colour and a shape that never met",
}
COLUMNS = (
    "",
    "true",
    *("one thing", "two", "three"),
    "name all things",
    "true of another scene",
    "look at what they name",
    "by chance",
)


def rows(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the README says of the captioner that ships."""
    seen, million = found["seen"], found["model"]["parameters"] / 1e6
    yield (
        f"Shipped captioner of drawn scenes ({million:.1f} M parameters): every claim of a caption is true",
        f"{seen['true']:.1%} of {seen['scenes']} new scenes; of another scene {seen['true_of_another_scene']:.1%}",
    )


def table(path: Path) -> str:
    """How many captions are true and how many words look at what they name; nothing where nothing was measured."""
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    lines = [
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
        *(_row(title, found[name]) for name, title in SETS.items()),
    ]
    speed, around = found["pictures_a_second"], found["surroundings"]
    origin = (
        f"{found['seen']['scenes']} scenes of each kind; pictures a second of processor time: {speed['batch_1']:.0f} "
        f"one by one, {speed['batch_32']:.0f} in batches of 32. {around['machine']['processor']}, torch "
        f"{around['versions']['torch']}, {around['date'][:10]}, `benchmarks/results/{path.name}`."
    )
    return "\n".join(lines) + f"\n\n{origin}\n"


def _row(title: str, one: dict[str, Any]) -> str:
    looking = one["looking"]
    shares = [
        one["true"],
        *one["true_of_one_two_three_things"],
        one["name_all_things"],
        one["true_of_another_scene"],
        looking["look_at_their_thing"],
        looking["by_chance"],
    ]
    return f"| {title} | " + " | ".join(f"{share:.1%}" for share in shares) + " |"

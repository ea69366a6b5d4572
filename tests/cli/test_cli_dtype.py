"""--dtype: what a model computes in, for every verb that opens one, and refused by those that do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_int8_is_one_word(weft: Any, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("The dog\tLe chien\n", encoding="utf-8")
    floats, bytes_ = (
        weft("score", "--model", "two", "--pairs", pairs, "--to", "fr", *more) for more in ((), ("--dtype", "int8"))
    )
    assert floats.exit_code == bytes_.exit_code == 0
    assert floats.stdout != bytes_.stdout
    (one, length), (other, same) = floats.stdout.split(), bytes_.stdout.split()
    assert length == same
    assert float(one) == pytest.approx(float(other), rel=0.05)
    assert weft("translate", "The dog", "--to", "fr", "--align", "--dtype", "int8").exit_code == 0
    linked = weft("align", "--model", "two", "--to", "fr", "--dtype", "int8", "--input", pairs)
    assert linked.exit_code == 0


def test_a_processor_is_wanted(weft: Any) -> None:
    result = weft("translate", "The dog", "--to", "fr", "--dtype", "int8", "--device", "meta")
    assert result.exit_code == 2
    assert "int8 is for processors, got device meta" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "my.toml", "--out", "x"], "train wants no --dtype, got int8; a recipe says it"),
        (
            ["convert", "two", "x", "--to", "hf"],
            "convert wants no --dtype, got int8; weights are converted as they are",
        ),
        (["align", "--model", "two", "--tune"], "align --tune wants no --dtype, got int8; heads are found in float32"),
    ],
)
def test_who_computes_otherwise_says_so(weft: Any, arguments: list[str], message: str) -> None:
    result = weft(*arguments, "--dtype", "int8", input="The dog\tLe chien\n")
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())

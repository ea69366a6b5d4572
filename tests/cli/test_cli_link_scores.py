"""`weft evaluate --gold --links`: figures of links, on rows of our own and on published ones if at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from weft.alignment.measure import Counts
from weft.alignment.symmetrise import SYMMETRISATIONS

GOLD = """\
the red dog sleeps .\tle chien rouge dort .\t0-0 1-2 2-1 3-3 4-4
he kicked the bucket\til a cassé sa pipe\t0-0 1?1 1?2 2?3 3?4 1-4
no\t\t
\tnon\t
yes , indeed\toui\t0-0 1?0 2?0
"""
LINKS = "0-0 1-1 2-1 3-3 4-4\n0-0 1-1 3-4\n\n\n0-0 2-0\n"
REVERSE = "0-0 1-2 2-2 3-3 4-4\n0-0 1-2 3-3\n\n\n0-0\n"
FORWARD_COUNTS = Counts(links=10, sure=8, found=6, allowed=9)  # counted by hand, as are those below
COUNTS = {
    "forward": FORWARD_COUNTS,
    "reverse": Counts(links=9, sure=8, found=6, allowed=7),
    "intersection": Counts(links=5, sure=8, found=5, allowed=5),
    "union": Counts(links=14, sure=8, found=7, allowed=11),
}
SHARED = Path(os.environ.get("WEFT_SHARED", Path(__file__).parents[3] / "shared")) / "data" / "alignment"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for name, text in (("gold", GOLD), ("links", LINKS), ("reverse", REVERSE)):
        found[name] = tmp_path / f"{name}.tsv"
        found[name].write_text(text, encoding="utf-8")
    return found


def percent(counts: Counts) -> dict[str, Any]:
    measures = {"aer": counts.aer, "precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return {name: pytest.approx(100 * value) for name, value in measures.items()}


def test_one_direction_as_json(weft: Any, files: dict[str, Path]) -> None:
    result = weft("evaluate", "--gold", files["gold"], "--links", files["links"], "--format", "json")
    found = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    floors = found.pop("floors")
    assert list(found) == ["pairs", "aer", "precision", "recall", "f1"]
    assert found == {"pairs": 5, **percent(FORWARD_COUNTS)}
    assert found["aer"] == pytest.approx(100 * (1 - 15 / 18))
    assert list(floors) == ["diagonal", "random"]
    assert all(floor["aer"] > found["aer"] for floor in floors.values())


def test_one_direction_as_a_table_with_floors(weft: Any, files: dict[str, Path]) -> None:
    result = weft("evaluate", "--gold", files["gold"], "--links", "-", input=LINKS)
    rows = [line.split() for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert rows[0] == ["5", "pairs", "AER", "precision", "recall", "F1", "links"]
    assert rows[1] == ["links", "16.7", "90.0", "75.0", "81.8", "10"]
    assert [row[0] for row in rows[2:]] == ["diagonal", "random"]
    assert [row[-1] for row in rows[2:]] == ["11", "11"]


def test_the_seed_is_that_of_the_random_floor(weft: Any, files: dict[str, Path]) -> None:
    def floors(*options: str) -> dict[str, Any]:
        options = ("--format", "json", *options)
        return json.loads(weft("evaluate", "--gold", files["gold"], "--links", files["links"], *options).stdout)[
            "floors"
        ]

    first = floors("--seed", "3")
    assert first == floors("--seed", "3")
    assert any(floors("--seed", str(seed))["random"] != first["random"] for seed in (5, 7, 11))
    assert floors("--seed", "5")["diagonal"] == first["diagonal"]


def test_two_directions_are_scored_in_every_way(weft: Any, files: dict[str, Path]) -> None:
    options = ["evaluate", "--gold", files["gold"], "--links", files["links"], "--reverse-links", files["reverse"]]
    found = json.loads(weft(*options, "--format", "json").stdout)
    assert list(found["symmetrised"]) == list(SYMMETRISATIONS)
    for name, counts in COUNTS.items():
        assert found["symmetrised"][name] == percent(counts)
    assert found["symmetrise"] == "grow-diag"
    assert {key: found[key] for key in ("aer", "precision", "recall", "f1")} == found["symmetrised"]["grow-diag"]
    rows = [line.split()[0] for line in weft(*options).stdout.splitlines()]
    assert rows == ["5", *SYMMETRISATIONS, "diagonal", "random"]


@pytest.mark.parametrize("name", COUNTS)
def test_a_named_way_is_the_only_one(weft: Any, files: dict[str, Path], name: str) -> None:
    options = ["--links", files["links"], "--reverse-links", files["reverse"], "--symmetrise", name]
    options = ["evaluate", "--gold", files["gold"], *options]
    found = json.loads(weft(*options, "--format", "json").stdout)
    assert {key: found[key] for key in ("aer", "precision", "recall", "f1")} == percent(COUNTS[name])
    assert list(found["symmetrised"]) == [found["symmetrise"]] == [name]
    assert [line.split()[0] for line in weft(*options).stdout.splitlines()] == ["5", name, "diagonal", "random"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the published rows are not at hand")
@pytest.mark.parametrize(("languages", "aer"), [("roen", 20.7), ("jaen", 37.4), ("zhen", 13.3)])
def test_published_rows_have_their_published_error_rate(weft: Any, tmp_path: Path, languages: str, aer: float) -> None:
    gold = SHARED / f"scorer-selftest.{languages}.tsv"
    lines = gold.read_text(encoding="utf-8").split("\n")[:-1]
    (tmp_path / "links").write_text("".join(f"{line.split(chr(9))[3]}\n" for line in lines), encoding="utf-8")
    result = weft("evaluate", "--gold", gold, "--links", tmp_path / "links", "--format", "json")
    assert round(json.loads(result.stdout)["aer"], 1) == aer


USAGE = {
    "gold alone": (["--gold", "g"], "wanted --gold and --links, got --gold; give both"),
    "links alone": (["--links", "l"], "wanted --gold and --links, got --links; give both"),
    "nothing": ([], "wanted --model and --pairs (or --gold and --links), got neither; give both"),
    "model alone": (["--model", "two"], "wanted --model and --pairs (or --gold and --links), got --model; give both"),
    "both kinds": (
        ["--gold", "g", "--links", "l", "--beam", "3", "--from", "en"],
        "wanted links to score or translations, got --gold, --links, --from, --beam; leave out --gold or --from",
    ),
    "no second direction": (
        ["--gold", "g", "--links", "l", "--symmetrise", "union"],
        "wanted links of two directions to join by union, got --links alone; add --reverse-links",
    ),
    "unknown way": (
        ["--gold", "g", "--links", "l", "--reverse-links", "r", "--symmetrise", "unoin"],
        "wanted a symmetrisation that there is, got 'unoin'; did you mean union?",
    ),
    "standard input twice": (
        ["--gold", "-", "--links", "l", "--reverse-links", "-"],
        "wanted one file from standard input, got - more than once; name the others",
    ),
}


@pytest.mark.parametrize(("options", "message"), USAGE.values(), ids=USAGE)
def test_wrong_usage_is_named(weft: Any, options: list[str], message: str) -> None:
    result = weft("evaluate", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


INPUT = {
    "no pairs": ("", "", "gold: wanted pairs with gold links, got none; give source TAB target TAB links"),
    "one line too few": (GOLD, LINKS[:-8], "gold:5: wanted 4 lines, as in"),
    "one line too many": (GOLD, LINKS + "\n", "links:6: wanted 5 lines, as in"),
    "out of range": (
        GOLD,
        LINKS.replace("3-4", "4-3"),
        "links:2: wanted links between 4 source and 5 target words, got 4",
    ),
    "no separator": ("a b\n", "\n", "gold:1: wanted source TAB target TAB links, got 1 of these columns"),
    "malformed": (GOLD, LINKS.replace("0-0 2-0", "0-0 2"), "links:5: wanted links i-j"),
}


@pytest.mark.parametrize(("gold", "links", "message"), INPUT.values(), ids=INPUT)
def test_bad_input_is_named_with_its_line(weft: Any, tmp_path: Path, gold: str, links: str, message: str) -> None:
    (tmp_path / "gold").write_text(gold, encoding="utf-8")
    (tmp_path / "links").write_text(links, encoding="utf-8")
    result = weft("evaluate", "--gold", tmp_path / "gold", "--links", tmp_path / "links")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr.replace(f"{tmp_path}{os.sep}", "")


def test_links_given_twice_are_noted_and_count_once(weft: Any, files: dict[str, Path]) -> None:
    files["links"].write_text(LINKS.replace("3-3 4-4", "3-3 4-4 3-3"), encoding="utf-8")
    options = ["evaluate", "--gold", files["gold"], "--links", files["links"]]
    result = weft(*options, "--format", "json")
    assert (result.exit_code, len(result.stderr.splitlines())) == (0, 1)
    assert f"{files['links']}:1: link 3-3 is given twice, it counts once" in result.stderr
    assert json.loads(result.stdout)["aer"] == percent(FORWARD_COUNTS)["aer"]
    assert weft(*options, "--quiet").stderr == ""

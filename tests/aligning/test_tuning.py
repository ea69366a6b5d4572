"""Settings found and written into model folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.tiny import save_untrained

import weft
from weft.aligning.tuning import tune_alignment, tune_by_agreement, tune_by_gold
from weft.alignment.pairs import Gold
from weft.base.errors import UnsupportedError

PAIRS = [
    ("the red dog sleeps .", "le chien rouge dort ."),
    ("the black cat sings !", "le chat noir chante !"),
    ("the cat falls ?", "le chat tombe ?"),
    ("the white tree falls .", "le pin blanc tombe ."),
]
SWAPPED, STRAIGHT = [(0, 0), (1, 2), (2, 1), (3, 3), (4, 4)], [(0, 0), (1, 1), (2, 2), (3, 3)]
LINKS = [SWAPPED, SWAPPED, STRAIGHT, SWAPPED]
GOLD = [Gold(frozenset(links), frozenset(links)) for links in LINKS]


@pytest.fixture
def copy(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


def test_gold_links_choose_the_settings_that_the_folder_keeps(copy: Path) -> None:
    table = tune_by_gold(copy, PAIRS, GOLD, to="fr")
    assert weft.load(copy).config.alignment == table[0].settings
    assert table[0].counts.aer <= table[-1].counts.aer
    assert table[0].counts.aer < 0.5
    weft.load(copy).translate("the red dog sleeps.", to="fr", align=True)


def test_two_directions_agree_on_a_reading_each(copy: Path, tmp_path: Path) -> None:
    reverse = Path(shutil.copytree(copy, tmp_path / "reverse"))
    table = tune_by_agreement(copy, reverse, PAIRS, to=("fr", "rev"))
    assert weft.load(copy).config.alignment == table[0].forward
    assert weft.load(reverse).config.alignment == table[0].reverse


def test_a_model_of_both_directions_has_one_reading(copy: Path) -> None:
    table = tune_by_agreement(copy, copy, PAIRS, to=("fr", "rev"))
    found = weft.load(copy).config.alignment
    assert found == next(one.forward for one in table if one.forward == one.reverse)


def test_a_guided_head_is_kept(tmp_path: Path) -> None:
    folder = save_untrained(tmp_path / "guided", kind="transformer", alignment_head={"layer": 1, "head": 0})
    before = weft.load(folder).config.alignment
    choice = tune_alignment(folder, [(source, target, 3) for source, target in PAIRS])
    assert choice.settings == before == weft.load(folder).config.alignment
    assert choice.table == ()


def test_models_without_cross_attention_are_refused(tmp_path: Path) -> None:
    folder = save_untrained(tmp_path / "other", kind="recurrent")
    with pytest.raises(UnsupportedError, match="no cross-attention to align by"):
        tune_by_gold(folder, PAIRS, GOLD, to="fr")
    with pytest.raises(UnsupportedError, match="no cross-attention to align by"):
        tune_by_agreement(folder, folder, PAIRS, to=("fr", "rev"))

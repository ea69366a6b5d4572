"""Word links as pairs of indices, gold links that are sure or only possible, and the forms of text that hold them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from weft.base.errors import DataError

Pairs = frozenset[tuple[int, int]]
"""Links `(source word, target word)` of one sentence pair, both counted from 0."""

_LINK = "[0-9]{1,9}-[0-9]{1,9}"
_GOLD_LINK = "[0-9]{1,9}[-?][0-9]{1,9}"


@dataclass(frozen=True, slots=True)
class Gold:
    """What people linked: `sure` links that must be found, and `possible` ones, the sure among them, that may be.

    Raises DataError if a sure link is not among the possible ones.
    """

    sure: Pairs
    possible: Pairs

    def __post_init__(self) -> None:
        if not self.sure <= self.possible:
            raise DataError(
                "possible links must include every sure one, got sure ones beside them: "
                f"{as_pharaoh(self.sure - self.possible)}; add these to the possible ones"
            )


def parse_links(text: str, *, num_source: int, num_target: int, where: str) -> Pairs:
    """The links of a line in the Pharaoh form, `i-j i-j ...`; one that is given twice is one link, no text is no link.

    `where` (file:line) starts the message of the DataError that is raised for any other form and for words past the
    `num_source` and `num_target` that there are.
    """
    _check_form(text, _LINK, f"{where}: wanted links i-j")
    return _within(_pairs(text), num_source, num_target, where)


def parse_gold(text: str, *, num_source: int, num_target: int, where: str) -> Gold:
    """The gold links of a line, `i-j` sure and `i?j` possible (as both: sure). Raises as `parse_links`."""
    _check_form(text, _GOLD_LINK, f"{where}: wanted links i-j (sure) or i?j (possible)")
    sure = " ".join(item for item in text.split() if "-" in item)
    return Gold(_pairs(sure), _within(_pairs(text.replace("?", "-")), num_source, num_target, where))


def as_pharaoh(pairs: Pairs) -> str:
    """The links as `i-j i-j ...`, sorted: what `parse_links` reads."""
    return " ".join(f"{i}-{j}" for i, j in sorted(pairs))


def _check_form(text: str, link: str, wanted: str) -> None:
    if re.fullmatch(rf"\s*+(?:{link}(?:\s++|\Z))*+", text):
        return
    wrong = next(item for item in text.split() if not re.fullmatch(link, item))
    raise DataError(
        f"{wanted} of a source and a target word, counted from 0 and parted by spaces, got {wrong!r}; mend the line"
    )


def _pairs(text: str) -> Pairs:
    """The links of a text of the right form, quickly: there may be millions."""
    words = iter(map(int, text.replace("-", " ").split()))
    return frozenset(zip(words, words, strict=True))


def _within(pairs: Pairs, num_source: int, num_target: int, where: str) -> Pairs:
    """The same pairs, if all of their words are there."""
    outside = [(i, j) for i, j in pairs if i >= num_source or j >= num_target]
    if outside:
        raise DataError(
            f"{where}: wanted links between {num_source} source and {num_target} target words, got "
            f"{as_pharaoh(frozenset([min(outside)]))}; count words from 0, the source word first"
        )
    return pairs

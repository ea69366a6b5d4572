"""The final-punctuation rule: heads rest on the full stop, so it is closed to all but its own translation."""

from __future__ import annotations

import unicodedata

from weft.alignment.side import Array, Side


def close_final_mark(mass: Array, unaligned: Array, *, source: Side, target: Side) -> None:
    """Applies the rule to shares of tokens `[t s]` and `[t]`, in place, before they are shared out anew.

    If the source ends in punctuation, no target token keeps a share of that mark; a final target punctuation mark came
    from it whole. So does the code of Chen et al. 2020 (sufe-nlp/transformer-alignment), without saying so in the
    paper. A mark of several tokens (bytes) is all of them.
    """
    columns = _final_mark(source, len(source.tokens))
    if not columns:
        return
    mass[:, columns] = 0
    rows = [row for row in _final_mark(target, len(target.tokens)) if row < len(mass)]
    mass[rows] = 0
    mass[[[row] for row in rows], columns] = 1 / len(columns)
    unaligned[rows] = 0


def _final_mark(side: Side, num_tokens: int) -> list[int]:
    """The tokens of the punctuation that the last token which stands for text is; none if it is anything else."""
    spelt = [place for place in range(num_tokens) if side.tokens[place][0] < side.tokens[place][1]]
    if not spelt or not _is_punctuation(side.text[slice(*side.tokens[spelt[-1]])]):
        return []
    last = side.tokens[spelt[-1]]
    return [place for place in spelt if side.tokens[place] == last]


def _is_punctuation(text: str) -> bool:
    return all(unicodedata.category(character).startswith("P") for character in text)

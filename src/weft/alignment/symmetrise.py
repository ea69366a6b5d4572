"""One set of links from two: those of an aligner that reads source to target, and of one that reads the other way.

Both are given as `(source, target)` pairs. The growing forms start from the links of both (Koehn, Och and Marcu 2003;
Och and Ney 2003, section 3.5) and depend on an order, which is that of Moses: links are visited row by row, neighbours
first straight, then diagonal, again from the top as long as something was added.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable

from weft.alignment.pairs import Pairs
from weft.base.errors import ConfigError
from weft.base.validate import nearest

DEFAULT = "grow-diag"
"""The form behind the published figures that benchmarks compare with."""

_NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def symmetrise(forward: Pairs, reverse: Pairs, name: str) -> Pairs:
    """The links that the symmetrisation of this name (a key of `SYMMETRISATIONS`) makes of two directions.

    Raises ConfigError for a name that is not known.
    """
    check_symmetrisation(name)
    return SYMMETRISATIONS[name](forward, reverse)


def check_symmetrisation(name: str) -> None:
    """Raises ConfigError, with the name that was probably meant, if there is no symmetrisation of this name."""
    if name not in SYMMETRISATIONS:
        raise ConfigError(
            f"wanted a symmetrisation that there is, got {name!r}; {nearest(name, list(SYMMETRISATIONS))}"
        )


class _Growing:
    """Links that grow where words are free, that is, have no link so far. Free words only become fewer."""

    def __init__(self, links: Iterable[tuple[int, int]], *, free: int) -> None:
        """`free` is how many words of a new link must be free: 1 or both."""
        self.links = set(links)
        self.rows = {i for i, _ in self.links}
        self.columns = {j for _, j in self.links}
        self._taken = 2 - free

    def takes(self, link: tuple[int, int]) -> bool:
        """Whether enough words of a link are free."""
        return (link[0] in self.rows) + (link[1] in self.columns) <= self._taken

    def add(self, link: tuple[int, int]) -> None:
        self.links.add(link)
        self.rows.add(link[0])
        self.columns.add(link[1])


def _grow_diag(forward: Pairs, reverse: Pairs, *, free: int) -> _Growing:
    """The links of both directions and, spreading from them, the neighbouring links of either that find free words.

    What a link could not add when it was visited it can never add. So each is visited once, in the next round if it was
    added behind the place that this round had reached.
    """
    grown = _Growing(forward & reverse, free=free)
    left = {link for link in forward ^ reverse if grown.takes(link)}
    if not left:
        return grown
    ahead = [(0, link) for link in sorted(grown.links)]
    while ahead:
        round_, link = heapq.heappop(ahead)
        for down, right in _NEIGHBOURS:
            new = link[0] + down, link[1] + right
            if new in left and grown.takes(new):
                left.remove(new)
                grown.add(new)
                heapq.heappush(ahead, (round_ + (new < link), new))
    return grown


def _final(grown: _Growing, forward: Pairs, reverse: Pairs, *, free: int) -> Pairs:
    """The grown links and, from the forward and then the reverse ones, row by row, all that still find free words."""
    final = _Growing(grown.links, free=free)
    for link in (*sorted(forward), *sorted(reverse)):
        if final.takes(link):
            final.add(link)
    return frozenset(final.links)


SYMMETRISATIONS: dict[str, Callable[[Pairs, Pairs], Pairs]] = {
    "forward": lambda forward, reverse: forward,
    "reverse": lambda forward, reverse: reverse,
    "intersection": lambda forward, reverse: forward & reverse,
    "union": lambda forward, reverse: forward | reverse,
    "grow-diag": lambda forward, reverse: frozenset(_grow_diag(forward, reverse, free=2).links),
    "grow-diag-or": lambda forward, reverse: frozenset(_grow_diag(forward, reverse, free=1).links),
    "grow-diag-final": lambda forward, reverse: _final(_grow_diag(forward, reverse, free=1), forward, reverse, free=1),
    "grow-diag-final-and": lambda forward, reverse: _final(
        _grow_diag(forward, reverse, free=1), forward, reverse, free=2
    ),
}
"""Every symmetrisation by name.

`grow-diag` is the AND form: a neighbour is added if both of its words are free, as in the scripts that most published
error rates of neural aligners come from (Zenkel et al. 2019). `grow-diag-or` asks for one free word, as Moses and
fast_align do, and so do the two `final` forms while they grow, which afterwards add what is left: with one free word
(`grow-diag-final`) or two (`grow-diag-final-and`).
"""

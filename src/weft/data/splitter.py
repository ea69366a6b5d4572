"""The sentences of a document, found by rules; nothing of the text is lost between them.

Where the rules are in doubt they do not split: a model reads two sentences at once better than half of one.
"""

from __future__ import annotations

from itertools import pairwise

import regex

Span = tuple[int, int]

# Titles and the like: a name or a number follows, whatever its case. English, French, Spanish.
_NEVER_LAST = frozenset(
    [
        *("mr", "mrs", "ms", "dr", "prof", "st", "gen", "col", "capt", "lt", "sgt", "rev", "hon", "gov", "sen", "rep"),
        *("vs", "e.g", "i.e", "cf", "fig", "eq", "vol", "pp", "ph.d", "approx", "ed", "eds"),
        *("mm", "mme", "mlle", "mmes", "mlles", "mgr", "me", "ste", "p.ex", "c.-à-d", "n°", "art", "chap", "bd", "av"),
        *("sra", "sres", "sras", "srta", "dña", "lic", "ing", "arq", "p.ej", "núm", "pág", "págs", "avda", "ud", "uds"),
    ]
)
# These end a sentence unless a small letter or a number follows.
_BEFORE_NUMBERS = frozenset(
    [
        *("no", "nos", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "p", "s"),
        *("janv", "févr", "avr", "juil", "déc", "tél", "réf", "ene", "abr", "ago", "dic", "tel"),
    ]
)
_OPENERS = r"\s\p{Ps}\p{Pi}\"'«“‘¿¡\p{Pd}*•"
_NARROW, _WIDE = ".!?…‼⁇⁈⁉؟۔", "。！？｡．।॥"
_ENDING = regex.compile(
    rf"""(?<![{_NARROW}{_WIDE}])              # the whole run of enders, so that long runs take linear time
    (?P<enders>[{_NARROW}{_WIDE}]++)
    (?:[\p{{Pe}}\p{{Pf}}"'”’»]++|[ \u00a0\u202f]»)*+  # quotes and brackets that close; French » stands apart
    | [\n\r\u2028\u2029]""",
    regex.VERBOSE,
)
_NEXT = regex.compile(rf"[{_OPENERS}]*+(?P<first>.)?", regex.DOTALL)
_INITIAL = regex.compile(r"(?:\p{Lu}\.)*\p{Lu}|\p{Lu}\p{Ll}?\.(?:-?\p{Lu}\.?)*")
_LONGEST_WORD = 24


def split(text: str) -> list[Span]:
    """The spans of the sentences, in order: what is between them, before and after is white space alone.

    Sentences end at `. ! ? …` before white space, at CJK enders and dandas, with the quotes and brackets that close
    there, and at every line end; not after abbreviations (English, French, Spanish), initials, a number that begins
    a list item, nor before a small letter.
    """
    cuts = [0]
    for ending in _ENDING.finditer(text):
        if _ends_sentence(text, ending, cuts[-1]):
            cuts.append(ending.end())
    spans = (_trimmed(text, start, end) for start, end in pairwise([*cuts, len(text)]))
    return [(start, end) for start, end in spans if start < end]


def _ends_sentence(text: str, ending: regex.Match[str], sentence: int) -> bool:
    """Whether a sentence that began at `sentence` is over at this ending."""
    enders = ending["enders"]
    if enders is None or any(ender in _WIDE for ender in enders[-2:]):
        return True
    end = ending.end()
    if end < len(text) and not text[end].isspace():
        return False
    following = _NEXT.match(text, end)
    first = (following and following["first"]) or ""
    if first.islower():
        return False
    return enders != "." or not _is_abbreviation(text, ending.start(), sentence, before_number=first.isdigit())


def _is_abbreviation(text: str, stop: int, sentence: int, *, before_number: bool) -> bool:
    """Whether the full stop at `stop` belongs to the word before it."""
    words = text[max(sentence, stop - _LONGEST_WORD) : stop].split()
    if not words or text[stop - 1].isspace():
        return False
    word = regex.sub(rf"^[{_OPENERS}]+", "", words[-1])
    if word.isdigit():
        return len(words) == 1 and stop - sentence < _LONGEST_WORD  # "1. First", "1. 2."
    if (word != "I" and _INITIAL.fullmatch(word)) or word.lower() in _NEVER_LAST:
        return True
    return before_number and word.lower() in _BEFORE_NUMBERS


def _trimmed(text: str, start: int, end: int) -> Span:
    """The span without the white space at its ends."""
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip()) if part.strip() else start

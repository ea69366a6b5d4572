"""Where the words of a text stand, as half-open spans of code points."""

from __future__ import annotations

import re
from functools import cache

import regex

from weft.alignment.link import Span

# One alternative a kind of segment of UAX 29 section 4.1.1, each taking the longest run that no rule breaks. Every
# quantifier is possessive, so nothing is read twice and a line of any length takes linear time. The \b of `regex` is no
# help: it counts a row of flags anew at each of them, joins a flag to the letter behind it, and splits "Qur'an".
_AFTER = r"[\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}]*+"  # WB4
_LETTER = rf"[\p{{WB=ALetter}}\p{{WB=Hebrew_Letter}}]{_AFTER}"
_HEBREW = r"\p{WB=Hebrew_Letter}"
_MIDDLE = rf"[\p{{WB=MidLetter}}\p{{WB=MidNumLet}}\p{{WB=Single_Quote}}]{_AFTER}"
_LETTERS = rf"""(?:{_LETTER})++
    (?:{_MIDDLE}(?:{_LETTER})++
      |(?<={_HEBREW}[\p{{WB=Extend}}\p{{WB=Format}}\p{{WB=ZWJ}}]*)\p{{WB=Double_Quote}}{_AFTER}(?={_HEBREW})(?:{_LETTER})++
    )*+"""  # WB5-7, 7b, 7c
_DIGIT = rf"\p{{WB=Numeric}}{_AFTER}"
_BETWEEN_DIGITS = rf"[\p{{WB=MidNum}}\p{{WB=MidNumLet}}\p{{WB=Single_Quote}}]{_AFTER}"
_NUMBER = rf"(?:{_DIGIT})++(?:{_BETWEEN_DIGITS}(?:{_DIGIT})++)*+"  # WB8, 11, 12
_LAST_HEBREW_QUOTE = (
    rf"(?:(?<={_HEBREW}[\p{{WB=Extend}}\p{{WB=Format}}\p{{WB=ZWJ}}]*)\p{{WB=Single_Quote}}{_AFTER})?+"  # WB7a
)
_RUN = rf"(?:(?:{_LETTERS}|{_NUMBER})++|(?:\p{{WB=Katakana}}{_AFTER})++)"  # WB9, 10, 13
_JOINER = rf"(?:\p{{WB=ExtendNumLet}}{_AFTER})++"  # WB13a, 13b
_WORD = rf"(?:{_RUN}(?:{_JOINER}(?:{_RUN})?+)*+|(?:{_JOINER}(?:{_RUN})?+)++){_LAST_HEBREW_QUOTE}"
_PICTURES = rf"(?:(?<=\u200d)\p{{Extended_Pictographic}}{_AFTER})*+"  # WB3c

# Words that French and Italian (and Catalan) shorten before a vowel. All others stay whole: aujourd'hui, don't, Qur'an.
_ELIDED = (
    r"(?:[cdjlmnstv]|qu|jusqu|lorsqu|puisqu|quoiqu|(?:a|da|de|ne|su|co|que|be)ll|(?:de|ne|da|a|su)?gl"
    r"|(?:qual|alc|ness|ciasc)?un|quest|sant|tutt|tant|anch|com|cos|dov|nient|senz|mezz|quand|grand|buon|pover"
    r"|cent|vent|trent|(?:quar|cinqu|sess|sett|ott|nov)ant)"
)
_VOWEL = r"[aàáâãäåāæeèéêëēiìíîïīoòóôõöøōœuùúûüūyÿýh]"
_ELISION = rf"(?:j['’](?=\p{{L}})|{_ELIDED}['’](?={_VOWEL}|\d|\s?[«“]))"

_NOT_SPACE = re.compile(r"\S+")


@cache
def _segment() -> regex.Pattern[str]:
    """The pattern, compiled for whoever asks for words: that takes as long as half a sentence to translate."""
    return regex.compile(
        rf"{_ELISION}|{_WORD}{_PICTURES}|\r\n|[\r\n\p{{WB=Newline}}]|\p{{WB=WSegSpace}}++{_AFTER}{_PICTURES}"
        rf"|\p{{WB=Regional_Indicator}}{_AFTER}(?:\p{{WB=Regional_Indicator}}{_AFTER})?+{_PICTURES}|.{_AFTER}{_PICTURES}",
        regex.VERSION1 | regex.DOTALL | regex.VERBOSE | regex.IGNORECASE,
    )


def words(text: str) -> list[Span]:
    """The words of `text` in order: the segments of UAX 29 without white space; a punctuation mark is a word too.

    French and Italian elisions end after the apostrophe, straight or curly: `l'homme` is `l'` and `homme`, `dell’arte`
    is `dell’` and `arte`, while `aujourd'hui` and the English `don't` stay whole.
    """
    found = []
    for match in _segment().finditer(text):
        start, end = match.span()
        segment = match.group()
        if segment.isspace():
            continue
        if segment[0].isspace():  # a combining mark on a space: the mark is the word
            start = end - len(segment.lstrip())
        found.append((start, end))
    return found


def given_words(text: str) -> list[Span]:
    """The stretches of `text` between white space: words as somebody has cut them already."""
    return [match.span() for match in _NOT_SPACE.finditer(text)]

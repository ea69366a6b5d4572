import itertools
import random
import time

import pytest
import regex

from weft.alignment.words import given_words, words


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\n\u2003\u00a0\r\n", []),
        ("The big, red dog sleeps.", ["The", "big", ",", "red", "dog", "sleeps", "."]),
        ("l'homme qu'il L’eau", ["l'", "homme", "qu'", "il", "L’", "eau"]),
        ("jusqu'à l'été d'aujourd'hui", ["jusqu'", "à", "l'", "été", "d'", "aujourd'hui"]),
        ("l'e\u0301te\u0301", ["l'", "e\u0301te\u0301"]),
        ("Aujourd'hui, quelqu’un", ["Aujourd'hui", ",", "quelqu’un"]),
        ("dell'arte un’altra c'è Gl'Italiani", ["dell'", "arte", "un’", "altra", "c'", "è", "Gl'", "Italiani"]),
        ("l'« État » l'11 mai j'suis", ["l'", "«", "État", "»", "l'", "11", "mai", "j'", "suis"]),
        ("don't can’t o'clock ma'am rock'n'roll it's", ["don't", "can’t", "o'clock", "ma'am", "rock'n'roll", "it's"]),
        ("the dogs' 'tail'", ["the", "dogs", "'", "'", "tail", "'"]),
        ("3.14 1,000 -5 50% 12:30", ["3.14", "1,000", "-", "5", "50", "%", "12", ":", "30"]),
        (
            "https://www.example.com/a_b?x=1",
            ["https", ":", "/", "/", "www.example.com", "/", "a_b", "?", "x", "=", "1"],
        ),
        ("👨‍👩‍👧👍🏽🇫🇷🇩🇪 1️⃣", ["👨‍👩‍👧", "👍🏽", "🇫🇷", "🇩🇪", "1️⃣"]),
        ("नमस्ते दुनिया।", ["नमस्ते", "दुनिया", "।"]),
        ("السلام عليكم،", ["السلام", "عليكم", "،"]),
        ("צה\"ל ג' 5", ['צה"ל', "ג'", "5"]),
        ("カタカナ 中文", ["カタカナ", "中", "文"]),
        (" \u0301b", ["\u0301", "b"]),
    ],
)
def test_words_are_the_segments_of_uax_29_with_elisions_split(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


def test_given_words_are_what_stands_between_white_space() -> None:
    assert given_words(" l'homme  dort.\n") == [(1, 8), (10, 15)]
    assert given_words(" ") == []


CHARACTERS = "aש'\"’.,:1_\u0301\u200d\u00ad😀🇫🏽カ \t\r\n中\u3000é\u2028"


def test_random_text_is_cut_where_a_naive_reading_of_the_rules_cuts_it() -> None:
    generator = random.Random(3)
    for _ in range(20_000):
        text = "".join(generator.choices(CHARACTERS, k=generator.randint(1, 7)))
        expected = [segment.lstrip() for segment in naive_segments(text) if not segment.isspace()]
        assert cut(text) == expected, ascii(text)


@pytest.mark.parametrize(
    "unit", ["word ", "a\u0301", "\u0301", "🇫", "a'", "ש'", 'ש"', "1.a,", " ", "l'a", "\u200d😀", "_", "ab_"]
)
def test_time_is_linear_in_the_length_of_the_line(unit: str) -> None:
    def seconds(length: int) -> float:
        start = time.process_time()
        words((unit * length)[:length])
        return time.process_time() - start

    seconds(1000)
    assert seconds(200_000) < 10  # a quadratic one takes minutes


def naive_segments(text: str) -> list[str]:
    """UAX 29, rule by rule, for every boundary; what the elisions of French add is not among the characters tried."""
    starts = [0, *(place for place in range(1, len(text)) if breaks(text, place)), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(starts)]


KINDS = [
    "ALetter",
    "Hebrew_Letter",
    "MidLetter",
    "MidNumLet",
    "MidNum",
    "Single_Quote",
    "Double_Quote",
    "Numeric",
    "Katakana",
    "ExtendNumLet",
    "Regional_Indicator",
    "WSegSpace",
    "Newline",
    "CR",
    "LF",
    "Extend",
    "Format",
    "ZWJ",
]
IGNORED = {"Extend", "Format", "ZWJ"}
HARD = {"Newline", "CR", "LF"}
LETTERS = {"ALetter", "Hebrew_Letter"}
QUOTES = {"MidNumLet", "Single_Quote"}
KIND = {
    character: next((kind for kind in KINDS if regex.fullmatch(rf"\p{{WB={kind}}}", character)), "Other")
    for character in CHARACTERS
}


def breaks(text: str, place: int) -> bool:
    kinds = [KIND[character] for character in text]
    before, after = kinds[place - 1], kinds[place]
    if before in HARD or after in HARD:
        return (before, after) != ("CR", "LF")
    if before == "ZWJ" and regex.match(r"\p{Extended_Pictographic}", text[place]):
        return False
    if before == after == "WSegSpace" or after in IGNORED:
        return False
    left = [kind for index, kind in enumerate(kinds[:place]) if kind not in IGNORED or not attached(kinds, index)]
    right = [after, *(kind for kind in kinds[place + 1 :] if kind not in IGNORED)]
    a, b = left[-1], after
    a2, b2 = (left[-2] if len(left) > 1 else ""), (right[1] if len(right) > 1 else "")
    joined = (
        (a in LETTERS and (b in LETTERS or b == "Numeric"))
        or (a in LETTERS and b in {"MidLetter"} | QUOTES and b2 in LETTERS)
        or (a2 in LETTERS and a in {"MidLetter"} | QUOTES and b in LETTERS)
        or (a == "Hebrew_Letter" and b == "Single_Quote")
        or (a == "Hebrew_Letter" and b == "Double_Quote" and b2 == "Hebrew_Letter")
        or (a2 == "Hebrew_Letter" and a == "Double_Quote" and b == "Hebrew_Letter")
        or (a == "Numeric" and (b == "Numeric" or b in LETTERS))
        or (a == "Numeric" and b in {"MidNum"} | QUOTES and b2 == "Numeric")
        or (a2 == "Numeric" and a in {"MidNum"} | QUOTES and b == "Numeric")
        or (a == b == "Katakana")
        or (a in LETTERS | {"Numeric", "Katakana", "ExtendNumLet"} and b == "ExtendNumLet")
        or (a == "ExtendNumLet" and b in LETTERS | {"Numeric", "Katakana"})
    )
    if a == b == "Regional_Indicator":
        run = len(left) - next((i for i in range(len(left) - 1, -1, -1) if left[i] != a), -1) - 1
        return run % 2 == 0
    return not joined


def attached(kinds: list[str], index: int) -> bool:
    """Whether a mark follows something that rule WB4 lets it join, so that later rules do not see it."""
    while index >= 0 and kinds[index] in IGNORED:
        index -= 1
    return index >= 0 and kinds[index] not in HARD

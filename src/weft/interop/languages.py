"""Names that checkpoints have for languages, as plain codes: `eng_Latn`, `en_XX`, `>>eng<<` and `__en__` are all `en`.

Plain is BCP 47 at its shortest: two letters if ISO 639-1 has them, else three; script or region only where a model
tells several of one language apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from weft.interop.language_codes import SHORT

_TOKEN = re.compile(r">>(?P<marian>[A-Za-z][\w-]*)<<|__(?P<m2m>[a-z]{2,3})__|<\|(?P<whisper>[a-z]{2,3})\|>")
_CODE = re.compile(r"(?P<language>[A-Za-z]{2,3})(?:[_-](?P<script>[A-Za-z]{4}))?(?:[_-](?P<region>[A-Za-z]{2}|\d{3}))?")
_NO_REGION = "XX"

_USUAL = {"zh": ("zh-Hans", "zh-CN"), "sr": ("sr-Cyrl",), "pt": ("pt-BR",), "mn": ("mn-Cyrl",), "pa": ("pa-Guru",)}
"""Which of several scripts or regions the plain code means, if the model has no token for the plain code."""


def code_of(token: str) -> str | None:
    """What a token calls its language (`>>fra<<`: `fra`; `__fr__` and `<|fr|>`: `fr`); None if it is no such token."""
    found = _TOKEN.fullmatch(token)
    return found and next(code for code in found.groups() if code)


def full_code(code: str) -> str | None:
    """The whole of what a checkpoint's code says, in BCP 47: `zho_Hans` is `zh-Hans`; None if it is no code."""
    found = _CODE.fullmatch(code)
    if not found:
        return None
    language, script, region = found["language"].lower(), found["script"], (found["region"] or "").upper()
    parts = [SHORT.get(language, language), script and script.title(), region if region != _NO_REGION else ""]
    return "-".join(part for part in parts if part)


def plain_codes(codes: Iterable[str]) -> dict[str, str]:
    """Plain codes to the codes of one model, each of which gets a name of its own, in the model's order."""
    codes = list(codes)
    taken, full = {code for code in codes if full_code(code) == code}, dict[str, str]()
    for code in codes:
        name = full_code(code)
        if name is None or (name != code and name in taken):
            name = code  # a second name of the same language keeps itself
        taken.add(name)
        full[name] = code
    found: dict[str, str] = {}
    for name, code in full.items():
        short = name.split("-")[0]
        same = [other for other in full if other.split("-")[0] == short]
        usual = next((other for other in (short, *_USUAL.get(short, ()), *same) if other in same), name)
        found[short if name == usual else name] = code
    return found

"""HTML documents that need nothing else: styles, scripts and numbers inside, and a policy that lets no other in."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files


def document(
    template: str,
    *,
    title: str,
    note: str,
    styles: Sequence[str],
    scripts: Sequence[str],
    data: object,
    parts: Mapping[str, str],
    pictures: bool = False,
) -> str:
    """A file of `web/` with its markers filled: title and note as text, `parts` as HTML, `data` for the scripts.

    The policy lets no script run but these, and nothing be loaded but, with `pictures`, what the document holds itself.
    """
    script = "\n" + "".join(_file(name) for name in scripts)
    filled = {
        **parts,
        "policy": _policy(script, pictures=pictures),
        "title": escape(title),
        "note": escape(note),
        "style": "\n" + "".join(_file(name) for name in styles),
        "data": _json(data),
        "script": script,
    }
    # In one pass, so that text cannot bring markers in.
    return re.sub(r"<!--(\w+)-->", lambda marker: filled[marker[1]], _file(template))


def rounded(numbers: Sequence[float]) -> list[float]:
    """Four digits behind the point are more than can be seen."""
    return [round(float(number), 4) for number in numbers]


def _file(name: str) -> str:
    return files("weft.alignment").joinpath("web", name).read_text(encoding="utf-8")


def _policy(script: str, *, pictures: bool) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"{allowed}; img-src data:" if pictures else allowed


def _json(data: object) -> str:
    """JSON in which no `<` can end the element that holds it."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e")

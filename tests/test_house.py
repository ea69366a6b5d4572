"""The rules of the house that a machine can check: who imports whom, what stays out of a room, how long files are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "weft"

ROOT = ""
"""The room of the files that lie directly in the package: models on their way in and out."""
SIBLINGS = ("training", "generation", "alignment", "statistical", "data")
FLOORS = (
    ("cli",),
    ("serving",),
    (ROOT,),
    ("runs",),
    ("aligning",),
    ("translating",),
    ("interop",),
    ("store",),
    ("models",),
    SIBLINGS,
    ("layers",),
    ("attention",),
    ("base",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
SIBLINGS_MAY_READ = {"alignment": "weft.attention.record"}
OPTIONAL = {"matplotlib", "tensorboard", "IPython", "ctranslate2", "huggingface_hub", "PIL", "pycocoevalcap"}
"""Heavy packages that may be imported inside a function, each in the one file that uses it."""
DOOR = "cli"
"""Where everything may be imported late, as in the package's own `__init__`: `weft --help` must answer at once."""
NOBODY_KNOWS_WHAT_IS_IN = {"utils", "helpers", "common", "misc"}
LONGEST_FILE = 300


@dataclass(frozen=True)
class Module:
    name: str
    """Dotted, as imported."""
    path: Path
    tree: ast.Module

    @property
    def room(self) -> str:
        parts = self.name.split(".")
        return parts[1] if len(parts) > 2 or (self.path.name == "__init__.py" and len(parts) == 2) else ROOT


@dataclass(frozen=True)
class Import:
    of: str
    line: int
    hidden: bool
    """True inside a function."""


def modules(source: Path) -> dict[str, Module]:
    found = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path, ast.parse(path.read_text(encoding="utf-8")))
    return found


def imports(module: Module, known: dict[str, Module]) -> Iterator[Import]:
    """Every import of a file, wherever it stands; `from package import module` counts as an import of the module."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    hidden = {inner for node in ast.walk(module.tree) if isinstance(node, functions) for inner in ast.walk(node)}
    for node in ast.walk(module.tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.path}:{node.lineno} relative import; name the module in full"
            names = [
                whole if (whole := f"{node.module}.{alias.name}") in known else str(node.module) for alias in node.names
            ]
        for name in names:
            yield Import(name, node.lineno, node in hidden)  # type: ignore[attr-defined]


def wrong_arrows(source: Path) -> list[str]:
    """Imports that go upward, between siblings, or to a room without a floor."""
    known, wrong = modules(source), []
    for module in known.values():
        if module.name in ("weft", "weft.__main__"):
            continue  # the public face may look at every room
        assert module.room in FLOOR, f"{module.path}: room {module.room!r} has no floor; give it one in FLOORS"
        for found in imports(module, known):
            if found.of.split(".")[0] == "weft" and not may_import(module.room, found.of, known):
                wrong.append(f"{module.name}:{found.line} imports {found.of}")
    return wrong


def may_import(room: str, name: str, known: dict[str, Module]) -> bool:
    if name not in known or name == "weft":  # the face stands above everything but the command line
        return name == "weft" and room in ("cli", "serving")
    other = known[name].room
    if room in SIBLINGS:
        return other in (room, "base") or name == SIBLINGS_MAY_READ.get(room)
    return other == room or FLOOR[other] > FLOOR[room]


def circles(source: Path) -> list[str]:
    """Modules that import themselves by way of others."""
    known = modules(source)
    arrows = {name: {found.of for found in imports(module, known)} & known.keys() for name, module in known.items()}
    arrows["weft"] = set()
    return sorted(name for name in arrows if name in reach(arrows, name))


def reach(arrows: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = set(arrows[start])
    while ahead:
        name = ahead.pop()
        seen.add(name)
        ahead |= arrows[name] - seen
    return seen


def hidden_imports(source: Path) -> list[str]:
    known = modules(source)
    return [
        f"{module.name}:{found.line} imports {found.of} inside a function"
        for module in known.values()
        for found in imports(module, known)
        if found.hidden and module.room != DOOR and module.name != "weft"
        if found.of.split(".")[0] not in OPTIONAL and found.of != "torch.utils.tensorboard"
    ]


def calls(source: Path, function: str) -> list[str]:
    return [
        f"{module.name}:{node.lineno} calls {function}"
        for module in modules(source).values()
        if module.room != "cli" or function != "print"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function
    ]


def test_imports_only_go_down_and_siblings_never_meet() -> None:
    assert wrong_arrows(SOURCE) == []


def test_there_are_no_circles() -> None:
    assert circles(SOURCE) == []


def test_no_import_hides_in_a_function() -> None:
    assert hidden_imports(SOURCE) == []


def test_only_the_command_line_prints() -> None:
    assert calls(SOURCE, "print") == []


def test_nobody_asks_what_an_object_happens_to_have() -> None:
    assert calls(SOURCE, "hasattr") == []


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCE.rglob("*.py")}
    assert {path.name: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_files_are_named_after_their_subject() -> None:
    assert {path.stem for path in SOURCE.rglob("*.py")} & NOBODY_KNOWS_WHAT_IS_IN == set()


@pytest.mark.parametrize(
    ("file", "line", "finding"),
    [
        ("base/padded.py", "import weft.attention.masks", "weft.base.padded:1 imports weft.attention.masks"),
        ("data/text.py", "from weft.generation import search", "weft.data.text:1 imports weft.generation.search"),
        ("data/text.py", "from weft.layers.norm import Norm", "weft.data.text:1 imports weft.layers.norm"),
        ("alignment/words.py", "import weft.attention.masks", "weft.alignment.words:1 imports weft.attention.masks"),
        (
            "store/folder.py",
            "import weft.translator",
            "weft.store.folder:1 imports weft.translator",
        ),
        ("store/folder.py", "def f():\n  import weft.cli.main", "weft.store.folder:2 imports weft.cli.main"),
        ("translator.py", "import weft", "weft.translator:1 imports weft"),
        ("models/build.py", "from weft.gone import x", "weft.models.build:1 imports weft.gone"),
    ],
)
def test_the_guard_sees_arrows_that_go_wrong(tmp_path: Path, file: str, line: str, finding: str) -> None:
    source = small_house(tmp_path)
    assert wrong_arrows(source) == []
    (source / file).write_text(line, encoding="utf-8")
    assert wrong_arrows(source) == [finding]


def test_the_guard_sees_circles_and_hidden_imports(tmp_path: Path) -> None:
    source = small_house(tmp_path)
    (source / "translator.py").write_text("def f():\n    from weft import trainer\n", encoding="utf-8")
    (source / "trainer.py").write_text("from weft.translator import f", encoding="utf-8")
    assert circles(source) == ["weft.trainer", "weft.translator"]
    assert hidden_imports(source) == ["weft.translator:2 imports weft.trainer inside a function"]


def small_house(folder: Path) -> Path:
    """A house in which every arrow is right."""
    files = {
        "__init__.py": "def f():\n  import weft.cli.main",
        "base/padded.py": "",
        "attention/masks.py": "import weft.base.padded",
        "attention/record.py": "import weft.attention.masks",
        "layers/norm.py": "from weft.attention import masks",
        "generation/search.py": "",
        "alignment/words.py": "import weft.attention.record",
        "data/text.py": "",
        "models/build.py": "import weft.layers.norm",
        "store/folder.py": "import weft.models.build, weft.data.text",
        "translator.py": "import weft.store.folder",
        "trainer.py": "",
        "cli/main.py": "def f():\n  import torch, weft, weft.translator",
    }
    for name, text in files.items():
        path = folder / "weft" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "weft"

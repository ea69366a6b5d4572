"""How every benchmark writes down what it measured: one JSON file with result, command, versions and machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"


def arguments(doc: str | None, name: str) -> argparse.ArgumentParser:
    """A parser that shows the benchmark's docstring and knows `--out`, by default `benchmarks/results/NAME.json`."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS / f"{name}.json", help="the JSON file to write")
    return parser


def write(path: Path, findings: dict[str, Any], *, packages: tuple[str, ...] = ()) -> None:
    """Writes the findings with their surroundings; `packages` are further ones whose version matters."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {**findings, "surroundings": surroundings(packages)}
    path.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"written: {path}", flush=True)


def surroundings(packages: tuple[str, ...] = ()) -> dict[str, Any]:
    """Command, versions and machine: what a reader needs to judge a figure, and nothing that names a host or a user."""
    return {
        "command": " ".join(["python", *map(_without_home, sys.argv)]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            **{package: version(package) for package in ("weft", *packages)},
        },
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": processor(),
            "cores": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
            "load_average": round(os.getloadavg()[0], 2),
        },
        "threads": torch.get_num_threads(),
    }


def processor() -> str:
    """The processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or "processor unknown"


def described(model: Any) -> dict[str, Any]:
    """What a report says of a model folder that was loaded (a `StoredModel`): name, languages, shape and size."""
    shape = model.config.model
    return {
        "name": model.folder.name,
        "languages": [f"{pair.from_}-{pair.to}" for pair in model.config.languages],
        "parameters": sum(parameter.numel() for parameter in model.model.parameters()),
        "layers": [shape.encoder_layers, shape.decoder_layers],
        "width": shape.width,
        "vocabulary_size": shape.vocabulary_size,
    }


def _without_home(argument: str) -> str:
    """An argument of the command; of an absolute path only its last two parts."""
    path = Path(argument)
    return "/".join(path.parts[-2:]) if path.is_absolute() else argument

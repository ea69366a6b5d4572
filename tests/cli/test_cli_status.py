"""Every way in which a command can end: a status, one message, no traceback."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import typer

from weft.base.errors import DataError
from weft.cli.status import guarded, note

ENDS = {
    "ours": (DataError("x:3: wanted this"), 2, "weft: x:3: wanted this\n"),
    "lines": (DataError("one\ntwo"), 2, "weft: one two\n"),
    "disk": (
        OSError(errno.ENOSPC, "No space left on device", "out.txt"),
        2,
        "weft: out.txt: wanted to read or write, got: No space left on device; "
        "check the path and the room on the disk\n",
    ),
    "unforeseen": (
        KeyError("k"),
        2,
        "weft: an error that weft did not foresee: KeyError: 'k'; --debug shows where it came from\n",
    ),
    "interrupted": (KeyboardInterrupt(), 130, "weft: stopped\n"),
    "interrupted with advice": (KeyboardInterrupt("go on with --resume"), 130, "weft: go on with --resume\n"),
    "pipe": (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
}


@pytest.mark.parametrize(("error", "status", "message"), ENDS.values(), ids=ENDS)
def test_every_end_has_a_status_and_at_most_one_message(
    error: BaseException, status: int, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "dup2", lambda *files: None)
    with pytest.raises(typer.Exit) as ended, guarded():
        raise error
    assert ended.value.exit_code == status
    assert capsys.readouterr().err == message


def test_an_exit_on_purpose_passes() -> None:
    with pytest.raises(typer.Exit) as ended, guarded():
        raise typer.Exit(1)
    assert ended.value.exit_code == 1


@pytest.mark.parametrize(("options", "heard"), [({}, ["w"]), ({"quiet": True}, []), ({"debug": True}, ["w", "i"])])
def test_what_the_library_logs_is_said_by_its_weight(
    options: dict[str, bool], heard: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("weft.anything")
    before = logging.getLogger("weft").level
    with guarded(**options):
        logger.warning("w")
        logger.info("i")
    assert capsys.readouterr().err == "".join(f"weft: {one}\n" for one in heard)
    assert logging.getLogger("weft").level == before


def test_warnings_of_others_are_for_debugging() -> None:
    with guarded():
        warnings.warn("not for users", UserWarning, stacklevel=1)
    with pytest.warns(UserWarning, match="for us"), guarded(debug=True):
        warnings.warn("for us", UserWarning, stacklevel=1)


def test_a_note_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    note("a  b\nc")
    assert capsys.readouterr().err == "weft: a  b c\n"


def test_a_reader_that_goes_away_ends_it_silently(home: Path) -> None:
    """In a process of its own, through a real pipe."""
    command = [sys.executable, "-m", "weft", "translate", "--to", "fr", "--model", str(home / "two"), "--beam", "1"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write(b"The dog\n" * 3)
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="wants a device that is always full")
def test_a_full_disk_under_standard_output_is_one_message(home: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "weft", "models"]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env={**os.environ, "WEFT_HOME": str(home)}, check=False
        )
    assert done.returncode == 2
    assert done.stderr.decode().startswith("weft: output: wanted to read or write, got: No space left")
    assert done.stderr.count(b"\n") == 1

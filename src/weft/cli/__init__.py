"""The command line: `weft VERB`. A verb imports what it needs when it runs, so that `weft --help` answers at once."""

from __future__ import annotations


def main() -> None:
    """Runs the command line of this process and exits with one of the statuses in `weft.cli.status`."""
    from weft.cli.app import app

    app(prog_name="weft")

"""weft's own model folders on the Hugging Face hub: up with `push`, down with `pull`; nothing but files goes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.store.atomic import whole_folder
from weft.store.folder import FILES
from weft.store.names import HUB, find
from weft.store.verify import verify


def push(
    model: str | Path, repo: str, *, private: bool | None = None, revision: str | None = None, token: str | None = None
) -> str:
    """Uploads a model folder to `ORG/NAME` (made if it is not there) and answers its address.

    `token` is one that may write (None: that of `hf auth login`). Raises DataError, before anything is sent, for a
    folder that is not whole, UnsupportedError without the package, ConfigError if the hub cannot be reached or says no.
    """
    repo, folder = repo.removeprefix(HUB), find(model)
    _demand_whole(folder, f"{folder}: wanted a whole model folder to push", "put it right first")
    hub = _hub()
    with _answered(hub, repo, "push there; log in with `hf auth login`, or give a token that may write"):
        api = hub.HfApi(token=token)
        api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo,
            folder_path=folder,
            allow_patterns=sorted(FILES),
            revision=revision,
            commit_message=f"Model {folder.name}",
        )
    return f"{hub.constants.ENDPOINT}/{repo}"


def pull(repo: str, folder: Path, *, revision: str | None = None, token: str | None = None) -> Path:
    """Brings a model of weft's from `ORG/NAME` to a new folder, whole or not at all, and answers the folder.

    What was fetched once needs no network. Raises UnsupportedError without the package, ConfigError if the folder is
    taken or the model is not to be had, and DataError if what came is no whole model.
    """
    repo = repo.removeprefix(HUB)
    if folder.exists():
        raise ConfigError(f"{folder}: wanted a new folder for {repo}, got one that is there; choose another name")
    cached = _fetched(repo, revision=revision, token=token)
    with whole_folder(folder) as part:
        for path in cached.iterdir():
            if path.name in FILES:
                shutil.copyfile(path, part / path.name)
        _demand_whole(part, f"{repo}: wanted a whole model of weft's", "ask who pushed it")
    return folder


def _fetched(repo: str, *, revision: str | None, token: str | None) -> Path:
    """The folder in the hub's own cache, brought there if it is not; without network, what is there."""
    hub = _hub()
    with _answered(hub, repo, "read it; check name and network, and for a gated model log in with `hf auth login`"):
        return Path(hub.snapshot_download(repo, revision=revision, token=token, allow_patterns=sorted(FILES)))


def _demand_whole(folder: Path, wanted: str, remedy: str) -> None:
    problems = [f"{check.name}: {check.problem}" for check in verify(folder).checks if check.problem]
    if problems:
        raise DataError(f"{wanted}, got {'; '.join(problems)}; {remedy}")


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise UnsupportedError("the hub wants the package huggingface_hub, got none; pip install 'weft[hf]'") from error
    return huggingface_hub


@contextmanager
def _answered(hub: Any, repo: str, remedy: str) -> Iterator[None]:
    """What goes wrong between here and the hub, as ConfigError: it is the name, the token or the network."""
    try:
        yield
    except (OSError, ValueError, hub.errors.HTTPError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(f"{HUB}{repo}: wanted an answer of the hub, got: {reason}; {remedy}") from error

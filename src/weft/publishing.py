"""weft's own model folders on the Hugging Face hub: up with `push`, down with `pull`; nothing but files goes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from weft.base.errors import ConfigError, DataError, UnsupportedError
from weft.interop.hub import PREFIX, fetch
from weft.store.atomic import whole_folder
from weft.store.folder import FILES
from weft.store.names import find
from weft.store.verify import verify


def push(model: str | Path, repo: str, *, private: bool | None = None, token: str | None = None) -> str:
    """Uploads a model folder to `ORG/NAME` (made if it is not there) and answers its address.

    `token` is one that may write (None: that of `hf auth login`). Raises DataError, before anything is sent, for a
    folder that is not whole, UnsupportedError without the package, ConfigError if the hub cannot be reached or says no.
    """
    repo, folder = repo.removeprefix(PREFIX), find(model)
    _demand_whole(folder, f"{folder}: wanted a whole model folder to push", "put it right first")
    hub = _hub()
    try:
        api = hub.HfApi(token=token)
        api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo, folder_path=folder, allow_patterns=sorted(FILES), commit_message=f"Model {folder.name}"
        )
    except (OSError, ValueError, hub.errors.HTTPError) as error:  # the name, the token or the network
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ConfigError(
            f"{PREFIX}{repo}: wanted to push a model, got: {reason[0]}; log in with `hf auth login`, or give a token "
            "that may write"
        ) from error
    return f"{hub.constants.ENDPOINT}/{repo}"


def pull(repo: str, folder: Path) -> Path:
    """Brings a model of weft's from `ORG/NAME` (or `ORG/NAME@REVISION`) to a new folder, and answers the folder.

    It appears whole or not at all; what was fetched once needs no network. Raises ConfigError if the folder is taken,
    DataError if what came is no whole model, and what `interop.hub.fetch` raises.
    """
    repo = repo.removeprefix(PREFIX)
    if folder.exists():
        raise ConfigError(f"{folder}: wanted a new folder for {repo}, got one that is there; choose another name")
    cached = fetch(PREFIX + repo)
    with whole_folder(folder) as part:
        for path in cached.iterdir():
            if path.name in FILES:
                shutil.copyfile(path, part / path.name)
        _demand_whole(part, f"{repo}: wanted a whole model of weft's", "ask who pushed it")
    return folder


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

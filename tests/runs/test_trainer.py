"""The life of a run: what stands in its folder, when it ends, and that it goes on where it stopped."""

from __future__ import annotations

import errno
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.tiny import log_lines, recipe, traces

from weft.base.errors import ConfigError, DataError
from weft.runs.recipe import Recipe, read_recipe
from weft.runs.status import Status
from weft.runs.trainer import train
from weft.runs.validation import Validation
from weft.store import checkpoint
from weft.store.checkpoint import checkpoints, latest_step
from weft.store.folder import load

CPU = torch.device("cpu")


def quick(**training: Any) -> Recipe:
    """A recipe that translates nothing while training."""
    return recipe(training={"metric": "loss", "log_every": 10, **training}, tokenizer={"dropout": 0.0})


def scripted(monkeypatch: pytest.MonkeyPatch, scores: list[dict[str, float]]) -> None:
    """Looks at the development set bring these scores, and the last ones for ever."""
    left = itertools.chain(scores, itertools.repeat(scores[-1]))
    monkeypatch.setattr(Validation, "scores", lambda self, model, *, beam: next(left))


def after(step: int) -> Callable[[], bool]:
    """A `stop` that answers True from that update on."""
    calls = itertools.count(1)
    return lambda: next(calls) >= step


def fail(*_: Any, **__: Any) -> None:
    pytest.fail("no work was to be done")


def test_the_run_folder(finished: Path, data: Path) -> None:
    assert {path.name for path in finished.iterdir()} == {
        "best", "checkpoints", "config.toml", "last", "log.jsonl", "run.json", "tokenizer",
    }  # fmt: skip
    assert [path.name for path in checkpoints(finished / "checkpoints")] == ["step-00000020", "step-00000030"]
    assert read_recipe(finished / "config.toml") == recipe()
    described = json.loads((finished / "run.json").read_text(encoding="utf-8"))
    assert described["seed"] == 7
    assert described["versions"].keys() == {"python", "weft", "torch", "tokenizers", "numpy"}
    assert described["hardware"].keys() == {"machine", "processors", "threads", "accelerator"}
    assert described["data"].keys() == {"a.tsv", "b.tsv", "dev.tsv"}
    assert all(len(digest) == 64 for digest in described["data"].values())
    assert described["corpora"]["a.tsv en-fr"] == "read 211, kept 211, dropped: none"


def test_best_and_last_are_models_with_a_card(finished: Path) -> None:
    for name in ("best", "last"):
        stored = load(finished / name)
        assert [(pair.from_, pair.to) for pair in stored.config.languages] == [("en", "fr")]
        assert stored.config.search == recipe().search
        assert stored.config.about.scores.keys() == {"dev loss", "dev bleu", "dev chrf"}
        assert "updates" in stored.card
        assert "Development scores:" in stored.card


def test_finished_models_have_found_the_heads_by_which_they_align(finished: Path) -> None:
    for name in ("best", "last"):
        stored = load(finished / name)
        assert stored.config.alignment is not None
        assert stored.config.alignment.layer < stored.config.model.decoder_layers


def test_the_log(finished: Path) -> None:
    lines = log_lines(finished)
    assert [line["step"] for line in lines if "loss" in line] == [4, 8, 12, 16, 20, 24, 28, 30]
    assert [line["step"] for line in lines if "dev" in line] == [10, 20, 30]
    assert lines[-1].keys() == {"step", "last"}
    for line in lines:
        if "loss" in line:
            assert line.keys() == {"step", "loss", "likelihood", "learning_rate", "tokens", "epoch"}
        if "dev" in line:
            assert line["dev"].keys() == {"loss", "bleu", "chrf"}
            assert [sample.keys() for sample in line["samples"]] == [{"source", "target", "translation"}]
    losses = [line["likelihood"] for line in lines if "likelihood" in line]
    assert losses[-1] < losses[0]
    assert sorted(line["tokens"] for line in lines if "tokens" in line) == [
        line["tokens"] for line in lines if "tokens" in line
    ]
    assert all("seconds" in json.loads(text) for text in whole_lines(finished) if '"loss"' in text and "dev" not in text
               and "last" not in text)  # fmt: skip


def whole_lines(out: Path) -> list[str]:
    return (out / "log.jsonl").read_text(encoding="utf-8").split("\n")[:-1]


def test_a_display_is_told_after_every_update(data: Path, tmp_path: Path) -> None:
    seen: list[Status] = []
    train(quick(steps=12, validate_every=5), tmp_path / "run", data=data, device=CPU, report=seen.append)
    assert [status.step for status in seen] == list(range(1, 13))
    assert {status.steps for status in seen} == {12}
    assert seen[3].learning_rate == pytest.approx(4 / 10 * 3e-3)
    assert all(status.loss > 0 and status.tokens_per_second > 0 for status in seen)
    assert seen[-1].seconds_left == 0
    assert seen[4].scores == {}
    assert seen[5].scores.keys() == {"loss"}


def test_only_the_latest_checkpoints_stay(data: Path, tmp_path: Path) -> None:
    train(quick(checkpoint_every=4, keep_checkpoints=3), tmp_path / "run", data=data, device=CPU)
    names = [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()]
    assert sorted(names) == ["step-00000024", "step-00000028", "step-00000030"]


def test_stopped_and_resumed_it_ends_as_if_never_stopped(data: Path, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert not train(recipe(), out, data=data, device=CPU, stop=after(7))
    assert latest_step(out / "checkpoints") == 7
    assert not (out / "last").exists()
    assert not train(recipe(), out, data=data, device=CPU, resume=True, stop=after(10))
    assert latest_step(out / "checkpoints") == 17
    assert train(recipe(), out, data=data, device=CPU, resume=True)
    assert traces(out) == traces(finished)


def test_stopped_before_the_first_checkpoint_was_due_and_killed_it_starts_again(
    data: Path, finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert not train(recipe(), out, data=data, device=CPU, stop=after(7))
    shutil.rmtree(out / "checkpoints")  # as if killed before
    assert train(recipe(), out, data=data, device=CPU, resume=True)
    assert traces(out) == traces(finished)


def test_a_finished_run_that_is_resumed_stays_as_it_is(data: Path, copied: Path) -> None:
    before = traces(copied)
    assert train(recipe(), copied, data=data, device=CPU, resume=True)
    assert traces(copied) == before


def test_a_longer_run_goes_on_and_says_so_in_its_recipe(data: Path, copied: Path) -> None:
    longer = recipe(training={"steps": 34})
    assert train(longer, copied, data=data, device=CPU, resume=True)
    assert log_lines(copied)[-1]["step"] == 34
    assert [line for line in log_lines(copied) if "last" in line] == log_lines(copied)[-1:]
    assert read_recipe(copied / "config.toml") == longer


def test_it_ends_when_patience_does(monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    wanted = recipe(training={"patience": 2, "validate_every": 3, "metric": "chrf", "steps": 60})
    scripted(monkeypatch, [{"loss": 9.0, "bleu": 1.0, "chrf": score} for score in (5.0, 7.0, 7.0, 6.0)])
    assert train(wanted, out, data=data, device=CPU)
    assert log_lines(out)[-1]["step"] == 12
    assert load(out / "best").config.about.scores["dev chrf"] == 7.0
    state = json.loads((out / "checkpoints" / "step-00000012" / "state.json").read_text(encoding="utf-8"))
    assert (state["progress"]["best_step"], state["progress"]["without_gain"]) == (6, 2)
    before = traces(out)
    assert train(wanted, out, data=data, device=CPU, resume=True)  # it was over: no update is done
    assert traces(out) == before


@pytest.mark.parametrize("metric", ["bleu", "chrf", "loss"])
def test_the_metric_names_the_best(monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path, metric: str) -> None:
    scores = [
        {"loss": 3.0, "bleu": 9.0, "chrf": 1.0},
        {"loss": 2.0, "bleu": 8.0, "chrf": 2.0},
        {"loss": 2.5, "bleu": 7.0, "chrf": 3.0},
    ]
    scripted(monkeypatch, scores)
    train(recipe(training={"metric": metric, "steps": 9, "validate_every": 3}), tmp_path / "run", data=data, device=CPU)
    best = {"bleu": scores[0], "chrf": scores[2], "loss": scores[1]}[metric]
    assert load(tmp_path / "run" / "best").config.about.scores == {f"dev {name}": value for name, value in best.items()}


def test_without_development_pairs_the_latest_is_the_best(data: Path, tmp_path: Path) -> None:
    wanted = quick(patience=1)
    wanted = wanted.model_copy(update={"data": wanted.data.model_copy(update={"dev": ()})})
    train(wanted, tmp_path / "run", data=data, device=CPU)
    best, last = (load(tmp_path / "run" / name) for name in ("best", "last"))
    assert log_lines(tmp_path / "run")[-1] == {"step": 30, "last": {}}
    assert best.fingerprint == last.fingerprint
    assert "Development scores" not in last.card


def test_last_is_the_mean_of_the_latest_looks(data: Path, tmp_path: Path) -> None:
    train(quick(average_last=2, validate_every=10), tmp_path / "run", data=data, device=CPU)
    train(quick(steps=20, validate_every=10), tmp_path / "20", data=data, device=CPU)
    train(quick(validate_every=10), tmp_path / "30", data=data, device=CPU)
    files = sorted(path.name for path in (tmp_path / "run" / "recent").iterdir())
    assert files == ["00000020.safetensors", "00000030.safetensors"]
    mean, early, late = (weights(tmp_path / name / "last") for name in ("run", "20", "30"))
    for name, value in mean.items():
        torch.testing.assert_close(value, (early[name] + late[name]) / 2)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {name: p.detach() for name, p in load(folder).model.named_parameters()}


def test_the_moving_average_is_what_is_kept_and_not_what_is_trained(data: Path, tmp_path: Path) -> None:
    train(quick(ema=0.5), tmp_path / "averaged", data=data, device=CPU)
    train(quick(), tmp_path / "plain", data=data, device=CPU)
    averaged, plain = (checkpoint.read_checkpoint(last(tmp_path / name)).tensors for name in ("averaged", "plain"))
    stored = weights(tmp_path / "averaged" / "last")
    for name, value in stored.items():
        assert torch.equal(averaged[f"model/{name}"], plain[f"model/{name}"])
        assert torch.equal(value, averaged[f"average/{name}"])
    assert any(not torch.equal(value, plain[f"model/{name}"]) for name, value in stored.items())


def last(out: Path) -> Path:
    return checkpoints(out / "checkpoints")[-1]


def test_a_full_disk_costs_no_checkpoint_but_the_new_one(
    monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path, finished: Path
) -> None:
    out, write = tmp_path / "run", checkpoint.write_tensors

    def full_after_step_10(path: Path, tensors: dict[str, torch.Tensor]) -> None:
        if latest_step(out / "checkpoints") >= 10:
            path.write_bytes(b"half of a checkpoint")
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, tensors)

    monkeypatch.setattr(checkpoint, "write_tensors", full_after_step_10)
    with pytest.raises(DataError, match=r"step-00000020: .*No space left on device; make room and resume from the"):
        train(recipe(), out, data=data, device=CPU)
    assert [path.name for path in (out / "checkpoints").iterdir()] == ["step-00000010"]
    monkeypatch.setattr(checkpoint, "write_tensors", write)
    assert train(recipe(), out, data=data, device=CPU, resume=True)
    assert traces(out) == traces(finished)


def test_a_start_that_failed_leaves_nothing_to_the_next(data: Path, tmp_path: Path, finished: Path) -> None:
    """Its tokenizer is of another recipe."""
    out = tmp_path / "run"
    with pytest.raises(DataError, match="wanted at least one pair"):
        train(
            recipe(tokenizer={"vocabulary_size": 311}, data={"cleaning": {"min_characters": 999}}),
            out, data=data, device=CPU,
        )  # fmt: skip
    assert (out / "tokenizer").exists()
    assert train(recipe(), out, data=data, device=CPU)
    assert traces(out) == traces(finished)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.tsv: there is no such file; say with --data where the recipe's files are"):
        train(recipe(), tmp_path / "run", data=tmp_path, device=CPU)


def test_float16_on_a_cpu_is_refused_before_any_work(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"training\.precision float16 wants a GPU, got a CPU"):
        train(recipe(training={"precision": "float16"}), tmp_path / "run", data=data, device=CPU)
    assert not (tmp_path / "run").exists()


def test_bfloat16_is_close_to_float32(data: Path, tmp_path: Path) -> None:
    losses = []
    for precision in ("float32", "bfloat16"):
        train(quick(precision=precision), tmp_path / precision, data=data, device=CPU)
        losses.append([line["loss"] for line in log_lines(tmp_path / precision) if "loss" in line])
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert losses[1] != losses[0]

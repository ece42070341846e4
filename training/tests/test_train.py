"""Training as a whole: resuming, learning, several workers."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from recipe.batches import Round, Rounds
from recipe.checkpoint import load_checkpoint
from recipe.config import ModelConfig, Stage, TrainConfig
from recipe.evaluate import held_samples, score_model
from recipe.objective import losses
from recipe.train import Settings, Trainer, learning_rate
from recipe.workers import Group

MODEL = ModelConfig(channels=8, width=48, layers=2, heads=2, predictor=32, joint=32, phones=16)
CONFIG = TrainConfig(
    model=MODEL,
    stages=(
        Stage(0.4, ce=3.0, ctc=0.5, tdt=0.0, batch_seconds=8.0),
        Stage(1.0, ce=0.3, ctc=0.3, tdt=0.7, augment=0.3, batch_seconds=8.0),
    ),
    rate=3e-3,
    round_hours=0.01,
)


def _settings(data: Path, out: Path, hours: float, *, resume: bool = False) -> Settings:
    out.mkdir(exist_ok=True)
    return Settings(data, out, hours, resume=resume, log_seconds=1e9, score_minutes=1e9)


def _train(settings: Settings, config: TrainConfig, steps: int | None = None) -> Trainer:
    """Runs to the end of the plan, or is told to stop after some steps."""
    trainer = Trainer(settings, config, Group())
    take = trainer.step

    def step_and_stop(batch) -> None:
        take(batch)
        trainer.stopping = trainer.progress.step == steps

    trainer.step = step_and_stop
    trainer.run()
    return trainer


@pytest.mark.parametrize("stop_after", [3, 7])
@pytest.mark.parametrize(("dropout", "hide"), [(0.0, 0.0), (0.1, 0.3)])
def test_a_resumed_run_ends_as_an_uninterrupted_one(
    data: Path, tmp_path: Path, stop_after: int, dropout: float, hide: float
) -> None:
    """Stopped within a round of the first stage, and of the second."""
    config = replace(CONFIG, model=replace(MODEL, dropout=dropout), hide=hide)
    whole = _train(_settings(data, tmp_path / "whole", 0.03), config)
    _train(_settings(data, tmp_path / "parts", 0.03), config, stop_after)
    rest = _train(_settings(data, tmp_path / "parts", 0.03, resume=True), config)
    assert rest.progress == whole.progress
    assert rest.phones.names == whole.phones.names
    weights = rest.model.state_dict()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, weights[name]), name
    for name, value in whole.average.items():
        assert torch.equal(value, rest.average[name]), name


@pytest.mark.parametrize(("hide", "seen"), [(0.0, True), (1.0, False)])
def test_the_predictor_does_not_see_hidden_tokens(
    data: Path, tmp_path: Path, hide: float, *, seen: bool
) -> None:
    """The embedding of a token that was hidden gets no gradient."""
    config = replace(CONFIG, stages=(replace(CONFIG.stages[1], until=1.0),), hide=hide)
    trainer = Trainer(_settings(data, tmp_path / "run", 0.03), config, Group())
    rounds = Rounds(data, config, trainer.tokenizer, trainer.phones)
    which = Round(0, config.stages[0], {"chords-train": 40})
    losses(trainer.model, next(rounds.batches(which)), config.stages[0], config).total.backward()
    gradient = trainer.model.decoder.prediction["embed"].weight.grad
    assert bool(gradient.abs().sum() > 0) is seen


def test_a_small_model_learns_made_up_words(data: Path, tmp_path: Path) -> None:
    """Both heads read held-out sentences of known words."""
    stages = (
        Stage(0.3, ce=3.0, ctc=1.0, tdt=0.0, batch_seconds=10.0),
        Stage(1.0, ce=0.3, ctc=0.5, tdt=0.7, batch_seconds=10.0),
    )
    trainer = _train(_settings(data, tmp_path / "run", 0.8), replace(CONFIG, stages=stages))
    found = score_model(trainer.model, trainer.tokenizer, held_samples(data, 4)["chords"])
    assert found.ctc < 50
    assert found.tdt < 50


def test_the_learning_rate_rises_stays_and_falls() -> None:
    """At the corners of the schedule."""
    config = TrainConfig(rate=1.0, warmup=0.1, decay=0.5, floor=0.02)
    assert learning_rate(config, 0.05) == pytest.approx(0.5, rel=1e-3)
    assert learning_rate(config, 0.3) == 1.0
    assert learning_rate(config, 0.75) == pytest.approx(0.5)
    assert learning_rate(config, 1.0) == 0.02


def test_two_workers_train_together(data: Path, tmp_path: Path) -> None:
    """Through the command line: they end by themselves and leave a checkpoint and scores."""
    config = tmp_path / "config.toml"
    sizes = "channels = 8\nwidth = 48\nlayers = 1\nheads = 2\npredictor = 32\njoint = 32"
    stage = "until = 1.0\ntdt = 0.5\nbatch_seconds = 8.0"
    config.write_text(f"round_hours = 0.01\n[model]\n{sizes}\n[[stages]]\n{stage}\n")
    out = tmp_path / "run"
    options = ["--data", data, "--out", out, "--hours", "0.01", "--config", config]
    command = [sys.executable, "-m", "recipe.train", *map(str, options), "--workers", "2"]
    root = Path(__file__).parents[1]
    subprocess.run(command, check=True, cwd=root, timeout=300, capture_output=True)
    assert load_checkpoint(out / "last.pt").progress["seconds"] >= 36
    assert "chords" in (out / "scores.jsonl").read_text()

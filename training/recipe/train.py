"""Trains the model: `python -m recipe.train --data DATA --out RUN --hours 300`.

Everything that changes during a run is a function of the audio seen so far, so that a run can be
stopped and resumed at any step and ends as if it had never stopped.
"""

import argparse
import json
import logging
import math
import signal
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import multiprocessing, nn

from recipe.batches import Batch, PhoneTable, Round, Rounds, ahead, pack_sizes
from recipe.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from recipe.config import TrainConfig, read_config
from recipe.evaluate import Samples, held_samples, real_samples, score_model
from recipe.model import TdtModel
from recipe.objective import losses, move
from recipe.tokenizer import FILE_NAME, open_tokenizer
from recipe.workers import FlatGradients, Group

LOG = logging.getLogger("recipe.train")
EMA_EVERY = 4


@dataclass(frozen=True)
class Settings:
    """What a run is told from outside; none of it changes what is learned."""

    data: Path
    out: Path
    hours: float
    resume: bool = False
    device: str = "cpu"
    threads: int = 1
    workers: int = 1
    log_seconds: float = 30.0
    save_minutes: float = 3.0
    score_minutes: float = 10.0
    real: Path | None = None
    stop_hours: float = math.inf


@dataclass
class Progress:
    """Where a run stands."""

    seconds: float = 0.0
    step: int = 0
    round: int = 0
    position: int = 0
    stage: int = 0
    sizes: dict[str, int] = field(default_factory=dict)


def learning_rate(config: TrainConfig, progress: float) -> float:
    """Returns the rate at a progress of 0 to 1: a ramp, a plateau, a cosine."""
    ramp = min(1.0, (progress + 1e-5) / config.warmup)
    if progress < config.decay:
        return config.rate * ramp
    fall = (min(progress, 1.0) - config.decay) / (1 - config.decay)
    return config.rate * max(config.floor, 0.5 * (1 + math.cos(math.pi * fall)))


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW that decays matrices only."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.rate, betas=(0.9, 0.98), fused=True)


class Trainer:
    """One worker of a run."""

    def __init__(self, settings: Settings, config: TrainConfig, group: Group) -> None:
        self.settings = settings
        self.group = group
        self.device = torch.device(settings.device)
        torch.manual_seed(config.seed)
        tokenizer = open_tokenizer(settings.data / FILE_NAME)
        vocabulary = tokenizer.get_piece_size()
        self.config = replace(config, model=replace(config.model, vocabulary=vocabulary))
        self.tokenizer = tokenizer
        self.model = TdtModel(self.config.model).to(self.device).train()
        self.optimizer = make_optimizer(self.model, self.config)
        self.statistics = [
            buffer for name, buffer in self.model.named_buffers() if "running" in name
        ]
        extras = 1 + sum(buffer.numel() for buffer in self.statistics)
        self.gradients = FlatGradients(list(self.model.parameters()), extras)
        self.average = {name: value.clone() for name, value in self._weights().items()}
        self.progress = Progress()
        self.phones = PhoneTable(size=config.model.phones)
        self.stopping = False
        self.sums: dict[str, list[float]] = defaultdict(list)
        if settings.resume and (settings.out / "last.pt").exists():
            self._restore(load_checkpoint(settings.out / "last.pt"))

    def _weights(self) -> dict[str, torch.Tensor]:
        return {k: v for k, v in self.model.state_dict().items() if v.is_floating_point()}

    def _restore(self, saved: Checkpoint) -> None:
        self.model.load_state_dict(saved.model)
        self.optimizer.load_state_dict(saved.optimizer)
        self.average = {name: value.to(self.device) for name, value in saved.average.items()}
        self.phones = PhoneTable(saved.phones, self.config.model.phones)
        self.progress = Progress(**saved.progress)

    def save(self) -> None:
        """Writes the checkpoint."""
        if self.group.leads:
            saved = Checkpoint(
                config=self.config,
                model=self.model.state_dict(),
                average=self.average,
                optimizer=self.optimizer.state_dict(),
                phones=self.phones.names,
                progress=vars(self.progress),
            )
            save_checkpoint(saved, self.settings.out / "last.pt")

    @property
    def fraction(self) -> float:
        """Audio seen as a share of the plan."""
        return self.progress.seconds / (self.settings.hours * 3600)

    def step(self, batch: Batch) -> None:
        """Learns from one batch."""
        stage = self.config.stages[self.progress.stage]
        torch.manual_seed(self.config.seed + self.progress.step * 64 + self.group.rank)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, self.fraction)
        self.gradients.flat.zero_()
        found = losses(self.model, move(batch, self.device), stage, self.config)
        found.total.backward()
        self._share()
        norm = float(self.gradients.clip(self.config.clip))
        if math.isfinite(norm):
            self.optimizer.step()
        else:
            LOG.warning("step %d has no finite gradient", self.progress.step)
        self.progress.step += 1
        self.progress.seconds += batch.seconds
        self.progress.position = batch.position + 1
        if self.progress.step % EMA_EVERY == 0:
            self._follow()
        for name, value in {**found.parts, "norm": norm}.items():
            self.sums[name].append(value)

    def _share(self) -> None:
        """Averages gradients, batch-norm statistics and the wish to stop over the workers."""
        if self.group.workers == 1:
            return
        extras = self.gradients.extras
        extras[0] = float(self.stopping)
        torch.cat([buffer.flatten() for buffer in self.statistics], out=extras[1:])
        self.group.average(self.gradients.flat)
        self.stopping = bool(extras[0] > 0)
        parts = extras[1:].split([buffer.numel() for buffer in self.statistics])
        for buffer, part in zip(self.statistics, parts, strict=True):
            buffer.copy_(part)

    def _follow(self) -> None:
        """Moves the averaged weights towards the current ones."""
        decay = min(self.config.ema, (1 + self.progress.step) / (10 + self.progress.step))
        current = self._weights()
        values = list(self.average.values())
        torch._foreach_lerp_(values, [current[k] for k in self.average], 1 - decay**EMA_EVERY)

    def run(self) -> None:
        """Trains to the end of the plan, or until told to stop."""
        share = (self.group.rank, self.group.workers)
        rounds = Rounds(self.settings.data, self.config, self.tokenizer, self.phones, share)
        clock = Clock(self)
        while self.fraction < 1 and not self.stopping:
            which = self._round()
            for batch in ahead(rounds.batches(which, self.progress.position)):
                self.step(batch)
                clock.tick()
                if self.stopping or self.fraction >= 1:
                    break
            else:
                self.progress.round += 1
                self.progress.position = 0
                self.progress.sizes = {}
        self.save()
        clock.log()
        if self.fraction >= 1:
            clock.score()

    def _round(self) -> Round:
        """Returns the round to go on with; a new one sees what the packs hold by now."""
        progress = self.progress
        if not progress.sizes:
            progress.stage = self.config.stage(self.fraction)
            packs = self.config.stages[progress.stage].packs
            progress.sizes = self._agree(pack_sizes(self.settings.data, packs))
            if self.group.leads:
                facts = progress.round, progress.stage, progress.sizes
                LOG.info("round %d, stage %d, packs %s", *facts)
        return Round(progress.round, self.config.stages[progress.stage], progress.sizes)

    def _agree(self, sizes: dict[str, int]) -> dict[str, int]:
        """Takes the first worker's view of packs that may be growing."""
        if self.group.workers == 1:
            return sizes
        shared = [sizes]
        torch.distributed.broadcast_object_list(shared, src=0)
        return shared[0]


class Clock:
    """Logs, saves and scores a run at intervals of wall time."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        now = time.monotonic()
        self.logged = self.saved = self.scored = now
        self.logged_seconds = trainer.progress.seconds
        self.samples: dict[str, Samples] = {}

    def tick(self) -> None:
        """Does what is due."""
        now = time.monotonic()
        settings = self.trainer.settings
        if now - self.logged >= settings.log_seconds:
            self.log()
        if now - self.saved >= 60 * settings.save_minutes:
            self.trainer.save()
            self.saved = now
        if now - self.scored >= 60 * settings.score_minutes:
            self.score()
            self.scored = time.monotonic()

    def log(self) -> None:
        """Writes the mean losses since the last line, and the speed, as one line of JSON."""
        trainer = self.trainer
        now = time.monotonic()
        seconds = trainer.progress.seconds - self.logged_seconds
        line = {
            "hours": round(trainer.progress.seconds / 3600, 3),
            "step": trainer.progress.step,
            "round": trainer.progress.round,
            "rate": round(learning_rate(trainer.config, trainer.fraction), 7),
            "speed": round(seconds / max(now - self.logged, 1e-9), 1),
        }
        for name, values in sorted(trainer.sums.items()):
            line[name] = round(sum(values) / len(values), 4)
        trainer.sums.clear()
        self.logged, self.logged_seconds = now, trainer.progress.seconds
        if trainer.group.leads:
            append_line(trainer.settings.out / "log.jsonl", line)

    def score(self) -> None:
        """Writes word error rates on held-out packs and real speech."""
        trainer = self.trainer
        if not trainer.group.leads:
            return
        start = time.monotonic()
        if not self.samples:
            self.samples = held_samples(trainer.settings.data, 24)
            if trainer.settings.real:
                self.samples |= real_samples(trainer.settings.real, 16)
        line: dict[str, object] = {"hours": round(trainer.progress.seconds / 3600, 3)}
        for name, samples in self.samples.items():
            found = score_model(trainer.model, trainer.tokenizer, samples)
            line[name] = {"ctc": found.ctc, "tdt": found.tdt, "heard": found.heard[:2]}
        trainer.model.train()
        append_line(trainer.settings.out / "scores.jsonl", line)
        self.logged += time.monotonic() - start


def append_line(path: Path, line: dict[str, object]) -> None:
    """Appends a line of JSON to a file and shows it."""
    text = json.dumps(line)
    with path.open("a", encoding="utf-8") as file:
        file.write(text + "\n")
    LOG.info("%s", text)


def work(rank: int, settings: Settings, config: TrainConfig) -> None:
    """Runs one worker to its end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    torch.set_num_threads(settings.threads)
    torch.set_flush_denormal(True)
    group = Group(rank, settings.workers, settings.out / "meeting")
    trainer = Trainer(settings, config, group)

    def stop(*_: object) -> None:
        trainer.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if group.leads:
        count = sum(parameter.numel() for parameter in trainer.model.parameters())
        LOG.info("%.2f million parameters, step %d", count / 1e6, trainer.progress.step)
    trainer.run()
    group.close()


def parse(arguments: list[str] | None = None) -> tuple[Settings, Path | None]:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Trains the model.")
    parser.add_argument("--data", type=Path, required=True, help="folder of packs and tokenizer")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--hours", type=float, required=True, help="hours of speech to see in all")
    parser.add_argument("--config", type=Path, help="TOML file of sizes and stages")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="threads of each worker")
    parser.add_argument("--workers", type=int, default=1, help="processes that train together")
    parser.add_argument("--real", type=Path, help="folder of real speech to score on")
    parser.add_argument("--save-minutes", type=float, default=3.0)
    parser.add_argument("--score-minutes", type=float, default=10.0)
    values = vars(parser.parse_args(arguments))
    config = values.pop("config")
    return Settings(**values), config


def main() -> None:
    """Starts the workers and is the first of them."""
    settings, path = parse()
    settings.out.mkdir(parents=True, exist_ok=True)
    (settings.out / "meeting").unlink(missing_ok=True)
    config = read_config(path)
    context = multiprocessing.get_context("spawn")
    for rank in range(1, settings.workers):
        context.Process(target=work, args=(rank, settings, config), daemon=True).start()
    work(0, settings, config)


if __name__ == "__main__":
    main()

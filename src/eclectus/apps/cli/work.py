"""Does the jobs: sources in, results out as each is finished."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eclectus.apps.cli.background import in_background
from eclectus.apps.cli.inputs import STDIN
from eclectus.apps.cli.jobs import Job, OutputPlan
from eclectus.apps.cli.progress import View
from eclectus.apps.cli.report import Tally, duration
from eclectus.core.errors import EclectusError
from eclectus.core.options import SubtitleOptions
from eclectus.output.registry import render
from eclectus.output.writer import write_atomic
from eclectus.signal.decode import open_audio

if TYPE_CHECKING:
    from eclectus.core.types import Progress, Transcript
    from eclectus.recognition.recognizer import Recognizer


@dataclass(frozen=True, slots=True)
class Worker:
    """A loaded model with everything that its results need.

    Attributes:
        recognizer: The model.
        plan: Where results go.
        subtitles: How they are laid out.
        view: Where the run is shown.
        tally: What came of it so far.
    """

    recognizer: Recognizer
    plan: OutputPlan
    subtitles: SubtitleOptions
    view: View
    tally: Tally = field(default_factory=Tally)

    def run(self, jobs: Sequence[Job]) -> None:
        """Do all jobs; one that fails is told and counted, and the others go on."""
        self.view.begin([job.name for job in jobs])
        for index, job in enumerate(jobs):
            if job.problem is not None:
                self._failed(index, job, job.problem)
        todo = [(index, job) for index, job in enumerate(jobs) if self._is_due(job)]
        positions = [index for index, _ in todo]

        def advance(progress: Progress) -> None:
            self.view.advance(positions[progress.source], progress.done_s, progress.total_s)

        if len(todo) > 1:
            threading.Thread(target=self._measure, args=(todo,), daemon=True).start()
        outcomes = self.recognizer.transcribe_many(
            [job.source for _, job in todo], on_progress=advance
        )
        for (index, job), outcome in zip(todo, in_background(outcomes), strict=True):
            if outcome.transcript is not None:
                self._finished(index, job, outcome.transcript)
            elif outcome.error is not None:
                self._failed(index, job, outcome.error)

    def _measure(self, todo: Sequence[tuple[int, Job]]) -> None:
        """Read the lengths of all files from their heads, for the time left."""
        for index, job in todo:
            if job.source == STDIN:
                continue
            try:
                with open_audio(job.source) as stream:
                    length_s = stream.duration_s
            except EclectusError:
                length_s = 0.0  # it will fail when its turn comes
            if length_s is not None:
                self.view.expect(index, length_s)

    def _is_due(self, job: Job) -> bool:
        if job.problem is not None:
            return False
        if self.plan.is_done(job):
            self.tally.skipped += 1
            self.view.say(f"{job.name}: skipped, its results exist")
            return False
        return True

    def _finished(self, index: int, job: Job, transcript: Transcript) -> None:
        try:
            written = self._deliver(job, transcript)
        except EclectusError as error:
            self._failed(index, job, error)
            return
        self.tally.done += 1
        self.tally.audio_s += transcript.duration
        arrow = f" → {', '.join(written)}" if written else ""
        self.view.finish(index, f"{duration(transcript.duration)} of audio{arrow}")

    def _failed(self, index: int, job: Job, error: EclectusError) -> None:
        self.tally.failed.append(job.name)
        self.view.fail(index, f"{error} ({error.code})")

    def _deliver(self, job: Job, transcript: Transcript) -> list[str]:
        if not job.outputs:
            with self.view.paused():
                for name in self.plan.formats:
                    text = self._render(transcript, name)
                    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
                sys.stdout.flush()
            return []
        written = []
        for name, path in job.outputs:
            text = self._render(transcript, name)
            if write_atomic(path, text, self.plan.options.overwrite):
                written.append(str(path))
        return written

    def _render(self, transcript: Transcript, name: str) -> str:
        return render(transcript, name, self.subtitles, self.plan.options.timestamps)

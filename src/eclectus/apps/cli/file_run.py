"""Transcribes the planned files: sources in, results out as each is finished."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eclectus.apps.cli.background import in_background
from eclectus.apps.cli.inputs import STDIN
from eclectus.apps.cli.output_plan import OutputPlan, PlannedFile
from eclectus.apps.cli.progress import View
from eclectus.apps.cli.report import Tally, duration
from eclectus.core.errors import EclectusError
from eclectus.output.registry import render
from eclectus.output.transcript_format import RenderOptions
from eclectus.output.writer import write_atomic
from eclectus.signal.decode import open_audio

if TYPE_CHECKING:
    from eclectus.core.types import Progress, Transcript
    from eclectus.recognition.recognizer import Recognizer


@dataclass(frozen=True, slots=True)
class FileRun:
    """A loaded model with everything that its results need.

    Attributes:
        recognizer: The model.
        plan: Where results go.
        rendering: How they are written.
        view: Where the run is shown.
        tally: What came of it so far.
    """

    recognizer: Recognizer
    plan: OutputPlan
    rendering: RenderOptions
    view: View
    tally: Tally = field(default_factory=Tally)

    def run(self, files: Sequence[PlannedFile]) -> None:
        """Transcribe all files; one that fails is reported and counted, and the others go on."""
        self.view.begin([file.name for file in files])
        for index, file in enumerate(files):
            if file.problem is not None:
                self._failed(index, file, file.problem)
        todo = [(index, file) for index, file in enumerate(files) if self._is_due(file)]
        positions = [index for index, _ in todo]

        def advance(progress: Progress) -> None:
            self.view.advance(positions[progress.source], progress.done_s, progress.total_s)

        if len(todo) > 1:
            threading.Thread(target=self._measure, args=(todo,), daemon=True).start()
        outcomes = self.recognizer.transcribe_many(
            [file.source for _, file in todo], on_progress=advance
        )
        for (index, file), outcome in zip(todo, in_background(outcomes), strict=True):
            if outcome.transcript is not None:
                self._finished(index, file, outcome.transcript)
            elif outcome.error is not None:
                self._failed(index, file, outcome.error)

    def _measure(self, todo: Sequence[tuple[int, PlannedFile]]) -> None:
        """Read the lengths of all files from their heads, for the time left."""
        for index, file in todo:
            if file.source == STDIN:
                continue
            try:
                with open_audio(file.source) as stream:
                    length_s = stream.duration_s
            except EclectusError:
                length_s = 0.0  # it will fail when its turn comes
            if length_s is not None:
                self.view.expect(index, length_s)

    def _is_due(self, file: PlannedFile) -> bool:
        if file.problem is not None:
            return False
        if self.plan.is_done(file):
            self.tally.skipped += 1
            self.view.say(f"{file.name}: skipped, its results exist")
            return False
        return True

    def _finished(self, index: int, file: PlannedFile, transcript: Transcript) -> None:
        try:
            written = self._deliver(file, transcript)
        except EclectusError as error:
            self._failed(index, file, error)
            return
        self.tally.done += 1
        self.tally.audio_s += transcript.duration
        arrow = f" → {', '.join(written)}" if written else ""
        self.view.finish(index, f"{duration(transcript.duration)} of audio{arrow}")

    def _failed(self, index: int, file: PlannedFile, error: EclectusError) -> None:
        self.tally.failed.append(file.name)
        self.view.fail(index, f"{error} ({error.code})")

    def _deliver(self, file: PlannedFile, transcript: Transcript) -> list[str]:
        if not file.outputs:
            with self.view.paused():
                for name in self.plan.formats:
                    text = render(transcript, name, self.rendering)
                    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
                sys.stdout.flush()
            return []
        written = []
        for name, path in file.outputs:
            text = render(transcript, name, self.rendering)
            if write_atomic(path, text, self.plan.options.overwrite):
                written.append(str(path))
        return written

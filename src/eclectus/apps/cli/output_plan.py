"""What is to be done: each source with the files that its results go to, checked beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from eclectus.apps.cli.inputs import STDIN, Input
from eclectus.core.choices import OverwritePolicy
from eclectus.core.errors import EclectusError, OptionError, OutputExistsError
from eclectus.core.options import OutputOptions
from eclectus.output.registry import expand_formats
from eclectus.output.template import TemplateFields, add_suffix, expand_template


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One source and where its results go.

    Attributes:
        source: The path, or `-`.
        name: For messages.
        outputs: The path of each format; empty when results go to standard output.
        problem: Why it can't be done, known before any work.
    """

    source: str
    name: str
    outputs: tuple[tuple[str, Path], ...] = ()
    problem: EclectusError | None = None


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """How names of results follow from names of sources.

    Attributes:
        options: Formats, folder, template and policy.
        model: Name of the model, for the template.
        to_stdout: Print instead of writing files.
    """

    options: OutputOptions
    model: str
    to_stdout: bool = False

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats, `all` expanded.

        Raises:
            OptionError: There is no such format.
        """
        return expand_formats(self.options.formats)

    def files(self, inputs: Iterable[Input], *, first_index: int = 1) -> list[PlannedFile]:
        """Plan the results of all inputs.

        Raises:
            OptionError: Two inputs would write the same file, a result would replace an input, or
                the template is impossible.
        """
        files = [self._file(one, index) for index, one in enumerate(inputs, first_index)]
        _refuse_collisions(files)
        return files

    def _file(self, one: Input, index: int) -> PlannedFile:
        if self.to_stdout or one.problem is not None:
            return PlannedFile(one.source, one.name, problem=one.problem)
        outputs = tuple((name, self._path(one, index, name)) for name in self.formats)
        problem = None
        if self.options.overwrite is OverwritePolicy.FAIL:
            taken = [path for _, path in outputs if path.exists()]
            if taken:
                problem = OutputExistsError(
                    f"{taken[0]} exists; --overwrite overwrite replaces it, skip leaves it",
                    path=str(taken[0]),
                )
        return PlannedFile(one.source, one.name, outputs, problem)

    def _path(self, one: Input, index: int, format_name: str) -> Path:
        values = TemplateFields.of_source(
            one.source, index=index, model=self.model, day=date.today()
        )
        name = add_suffix(expand_template(self.options.template, values), format_name)
        return Path(self.options.directory or ".") / name

    def is_done(self, file: PlannedFile) -> bool:
        """Return whether all results exist and are to be left as they are."""
        skips = self.options.overwrite is OverwritePolicy.SKIP
        return skips and bool(file.outputs) and all(path.exists() for _, path in file.outputs)


def _refuse_collisions(files: Sequence[PlannedFile]) -> None:
    sources = {Path(file.source).absolute(): file.name for file in files if file.source != STDIN}
    writers: dict[Path, str] = {}
    for file in files:
        for _, path in file.outputs:
            place = path.absolute()
            if place in writers:
                raise OptionError(
                    f"{writers[place]} and {file.name} would both be written to {path}; tell them "
                    "apart with --output-template '{parent}/{filename}' or '{index}-{filename}'",
                    path=str(path),
                )
            if place in sources:
                raise OptionError(
                    f"the result {path} would replace an input; choose another --output-dir or "
                    "--output-template",
                    path=str(path),
                )
            writers[place] = file.name

"""The fields of OpenAI's `/v1/audio/transcriptions`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from eclectus.apps.server.common.json_reader import read_json
from eclectus.apps.server.common.language_codes import language_code
from eclectus.apps.server.common.uploads import Form, checked
from eclectus.apps.server.common.whisper_shapes import Granularity, ResponseFormat
from eclectus.apps.server.common.wire_errors import HttpError
from eclectus.core.choices import WindowPlan
from eclectus.core.options import TranscribeOptions
from eclectus.service.service import SpeechService


class ServerVad(BaseModel):
    """OpenAI's description of a voice detector: here it means that files are divided in pauses."""

    type: Literal["server_vad", "auto"] = "server_vad"
    threshold: float | None = None
    silence_duration_ms: float | None = None
    prefix_padding_ms: float | None = None


def _strategy(value: Any) -> Any:
    """Understand `auto` as an object, and an object that is JSON text."""
    if value == "auto":
        return {"type": "auto"}
    if isinstance(value, str):
        try:
            return read_json(value)
        except HttpError:
            return {"type": value}
    return value


class TranscriptionForm(BaseModel):
    """What a client may send beside the file. Lists are named with `[]` or without."""

    model_config = ConfigDict(populate_by_name=True, use_attribute_docstrings=True)

    model: str | None = None
    """A model of this server; OpenAI's own names mean the default one."""
    language: str | None = None
    """ISO 639-1 code of the language that is spoken: a hint."""
    languages: list[str] = Field(default=[], alias="languages[]")
    """Languages that may be spoken; a single one is a hint."""
    response_format: ResponseFormat | None = None
    """`json` if not given."""
    granularities: list[Granularity] = Field(default=[], alias="timestamp_granularities[]")
    """What `verbose_json` holds: `segment` (if not given), `word`, or both."""
    include: list[str] = Field(default=[], alias="include[]")
    """`logprobs`: `json` tells the log-probability of each token."""
    chunking_strategy: Annotated[ServerVad | None, BeforeValidator(_strategy)] = None
    """`auto` or `server_vad`: long files are divided in pauses of the speech."""
    stream: bool = False
    """Send the text as server-sent events while the file is being recognised."""
    prompt: str | None = None
    """Accepted, not used."""
    keywords: list[str] = Field(default=[], alias="keywords[]")
    """Accepted, not used."""
    temperature: float | None = None
    """Accepted, not used: the search is deterministic."""
    include_timestamps: bool | None = None
    """Given without `response_format`, the answer is that of `/transcribe`."""
    should_chunk: bool | None = None
    """Accepted, not used: long files are always divided."""

    @classmethod
    def of(cls, form: Form) -> TranscriptionForm:
        """Read the fields.

        Raises:
            RequestValidationError: A value is impossible.
        """
        values: dict[str, Any] = form.fields()
        values.pop("file", None)
        for name in ("languages", "timestamp_granularities", "include", "keywords"):
            values[f"{name}[]"] = form.many(name)
            values.pop(name, None)
        if nested := form.nested("chunking_strategy"):
            values["chunking_strategy"] = nested
        return checked(cls, values)

    @property
    def logprobs(self) -> bool:
        """Whether log-probabilities are asked for."""
        return "logprobs" in self.include

    @property
    def native(self) -> bool:
        """Whether the answer is that of `/transcribe`."""
        return self.include_timestamps is not None and self.response_format is None

    def options(self, service: SpeechService) -> TranscribeOptions:
        """Return what the fields ask for."""
        one = self.languages[0] if len(self.languages) == 1 else None
        options = service.transcribe_options(language_code(self.language or one))
        if self.chunking_strategy is not None:
            pauses = replace(options.long_form, plan=WindowPlan.PAUSES)
            options = replace(options, long_form=pauses)
        return options

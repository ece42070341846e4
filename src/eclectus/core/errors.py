"""Every error that eclectus raises on purpose.

::

    EclectusError
    ├─ AudioError         UndecodableAudioError · UnsupportedMediaError · AudioTooLongError
    │                     AudioNotFoundError
    ├─ ModelError         UnknownModelError · ModelFilesError · ModelDownloadError
    │                     IncompatibleModelError
    ├─ OptionError
    ├─ OutputError        OutputExistsError
    ├─ BackendError       BackendUnavailableError · OutOfMemoryError · InferenceError
    ├─ StreamError        StreamClosedError
    ├─ StorageError       StorageNotFoundError
    ├─ QueueError
    └─ CapacityError      DeadlineError

Each also inherits the builtin exception that a caller would think of catching.
"""

from __future__ import annotations

from typing import ClassVar


class EclectusError(Exception):
    """The root of all errors of this package.

    Attributes:
        code: A stable machine-readable string, one per class.
        context: Facts of the case (paths, limits, names), for programs and logs.

    The message is for a person and says what to do next.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **context: object) -> None:
        super().__init__(message)
        self.message = message
        self.context = context

    def __str__(self) -> str:
        return self.message


class AudioError(EclectusError):
    """The audio can't be used."""

    code = "audio_error"


class AudioNotFoundError(AudioError, OSError):
    """There is no readable file at the path."""

    code = "audio_not_found"


class UndecodableAudioError(AudioError, ValueError):
    """The bytes are broken, empty, or not audio at all."""

    code = "undecodable_audio"


class UnsupportedMediaError(AudioError, ValueError):
    """The container or codec needs a decoder that is not installed; the message names the extra."""

    code = "unsupported_media"


class AudioTooLongError(AudioError, ValueError):
    """The audio is longer than the limit allows."""

    code = "audio_too_long"


class ModelError(EclectusError):
    """The model can't be used."""

    code = "model_error"


class UnknownModelError(ModelError, LookupError):
    """No folder, catalogue name or hub id of this form; the message lists near names."""

    code = "unknown_model"


class ModelFilesError(ModelError, OSError):
    """Files are missing, ambiguous, truncated or mixed up; the message has the path."""

    code = "model_files"


class ModelDownloadError(ModelError, OSError):
    """The hub could not be reached or did not deliver what was asked for."""

    code = "model_download"


class IncompatibleModelError(ModelError, ValueError):
    """The files are whole, but describe a model that eclectus can't run."""

    code = "incompatible_model"


class OptionError(EclectusError, ValueError):
    """An option that is impossible here; the message says what is possible."""

    code = "invalid_option"


class OutputError(EclectusError, OSError):
    """A result can't be written."""

    code = "output_error"


class OutputExistsError(OutputError, FileExistsError):
    """The output file exists and the overwrite policy forbids to replace it."""

    code = "output_exists"


class BackendError(EclectusError):
    """The inference engine can't do what is asked."""

    code = "backend_error"


class BackendUnavailableError(BackendError, ImportError):
    """The engine or device is not there; the message names the extra to install."""

    code = "backend_unavailable"


class OutOfMemoryError(BackendError, MemoryError):
    """The device ran out of memory; the message names the batch and window to reduce."""

    code = "out_of_memory"


class InferenceError(BackendError, RuntimeError):
    """The engine failed while it computed."""

    code = "inference_error"


class StreamError(EclectusError):
    """A live stream can't go on."""

    code = "stream_error"


class StreamClosedError(StreamError, ValueError):
    """Samples were pushed into a stream that has ended."""

    code = "stream_closed"


class StorageError(EclectusError, OSError):
    """An object store can't be read or written, perhaps only now."""

    code = "storage_error"


class StorageNotFoundError(StorageError):
    """There is no such object, or nobody with these keys may see it."""

    code = "storage_not_found"


class QueueError(EclectusError, ConnectionError):
    """The queue of a batch worker can't be reached, or is no such queue."""

    code = "queue_error"


class CapacityError(EclectusError, TimeoutError):
    """A queue is full or a deadline has passed.

    Attributes:
        retry_after_s: Seconds after which a new try makes sense, if known.
    """

    code = "capacity"

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, **context: object
    ) -> None:
        super().__init__(message, **context)
        self.retry_after_s = retry_after_s


class DeadlineError(CapacityError):
    """The work took longer than is allowed."""

    code = "deadline"

"""Guards against audio that is longer than anyone meant."""

from __future__ import annotations

from eclectus.core.errors import AudioTooLongError
from eclectus.core.options import AudioOptions

# Below this the ratio of output to input is not looked at: minutes of honest silence compress
# to almost nothing, and minutes can do no harm.
EXPANSION_FLOOR_S = 600.0


class DurationGuard:
    """Counts decoded seconds and stops at a limit."""

    def __init__(self, options: AudioOptions, name: str, size: int | None) -> None:
        """Prepare for one source.

        Args:
            options: The limits.
            name: Of the source, for messages.
            size: Bytes of the encoded source; None for samples in memory.
        """
        self._longest_s = options.max_duration_s
        self._name = name
        self._expandable_s: float | None = None
        if options.max_expansion is not None and size is not None:
            self._expandable_s = max(EXPANSION_FLOOR_S, options.max_expansion * size / 1_000)
        self._size = size
        self._decoded_s = 0.0

    def promise(self, duration_s: float | None) -> None:
        """Check the length that a header claims, before anything is decoded.

        Raises:
            AudioTooLongError: It is over the limit on duration.
        """
        if duration_s is not None:
            self._check_duration(duration_s)

    def count(self, seconds: float) -> None:
        """Count a decoded block.

        Raises:
            AudioTooLongError: What was decoded so far is over a limit.
        """
        self._decoded_s += seconds
        self._check_duration(self._decoded_s)
        if self._expandable_s is not None and self._decoded_s > self._expandable_s:
            raise AudioTooLongError(
                f"{self._name}: {self._size} bytes have become {self._decoded_s:.0f} s of audio "
                f"and there is more, which looks like a decompression bomb; "
                f"raise max_expansion if it is not",
                limit_s=self._expandable_s,
                decoded_s=self._decoded_s,
                size=self._size,
            )

    def _check_duration(self, seconds: float) -> None:
        if self._longest_s is not None and seconds > self._longest_s:
            raise AudioTooLongError(
                f"{self._name} is {seconds:.1f} s long or more; the limit is "
                f"{self._longest_s:g} s (max_duration_s)",
                limit_s=self._longest_s,
                duration_s=seconds,
            )

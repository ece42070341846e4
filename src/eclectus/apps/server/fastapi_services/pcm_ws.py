"""`/ws` of the FastAPI services: samples in, `{"text", "is_final"}` out."""

from __future__ import annotations

from eclectus.apps.server.common.conversation import DONE, Conversation
from eclectus.apps.server.common.json_reader import read_object
from eclectus.apps.server.common.live_driver import drive
from eclectus.apps.server.common.samples import Encoding, SampleReader
from eclectus.apps.server.common.socket_call import SocketCall
from eclectus.apps.server.common.wire_errors import HttpError, message_of
from eclectus.core.errors import OptionError
from eclectus.service.live import LiveEvent
from eclectus.streaming.events import Endpoint, Final, Partial

_ENCODINGS = {
    "s16le": Encoding.PCM16,
    "pcm_s16le": Encoding.PCM16,
    "linear16": Encoding.PCM16,
    "int16": Encoding.PCM16,
    "f32le": Encoding.FLOAT32,
    "pcm_f32le": Encoding.FLOAT32,
    "float32": Encoding.FLOAT32,
}
_STOP = "stop"
_RATES = (1_000, 384_000)


def _rate(text: str) -> int:
    low, high = _RATES
    if not text.isascii() or not text.isdigit() or not low <= int(text[:9]) <= high:
        raise OptionError(f"sample_rate is a whole number from {low} to {high} Hz, not {text!r}")
    return int(text)


def _encoding(name: str) -> Encoding:
    if name.lower() not in _ENCODINGS:
        raise OptionError(f"encoding is one of {', '.join(_ENCODINGS)}, not {name!r}")
    return _ENCODINGS[name.lower()]


class PcmSession(Conversation[SocketCall]):
    """One client of `/ws`: raw mono samples in, the open utterance as it grows out."""

    protocol = "pcm"

    def __init__(self, call: SocketCall) -> None:
        self._call = call
        self._final: list[str] = []
        self._told = ""
        self._stopped = False
        self._answered = False

    async def run(self) -> int:
        """Serve until `stop` is answered."""
        query = self._call.query
        samples = SampleReader(_encoding(query.get("encoding", "s16le")))
        rate = _rate(query.get("sample_rate", "16000"))
        request = self._call.request(sample_rate=rate, stalls=True)
        async with self._call.service.stream(request) as live:

            async def hear(message: str | bytes) -> bool:
                if isinstance(message, bytes):
                    await live.push(samples.read_mono(message))
                else:
                    self._stopped = is_stop(message)
                return not self._stopped

            await drive(self._call.line, [live], hear, self._tell)
            # Whoever says stop waits for a last final, though there is nothing left to say.
            if not self._answered:
                await self._say("", is_final=True)
        return DONE

    async def fail(self, error: Exception) -> None:
        """Send an error."""
        await self._call.line.send({"error": message_of(error)})

    async def _tell(self, _: int, batch: list[LiveEvent]) -> None:
        for event in batch:
            if isinstance(event, Final):
                self._final.append(event.text)
                await self._show(" ".join(self._final))
            elif isinstance(event, Partial):
                await self._show(" ".join(filter(None, [*self._final, event.text])))
            elif isinstance(event, Endpoint):
                await self._end_utterance()

    async def _show(self, text: str) -> None:
        if text != self._told:
            self._told = text
            await self._say(text, is_final=False)

    async def _end_utterance(self) -> None:
        text, self._told = " ".join(self._final), ""
        self._final.clear()
        if text:
            self._answered = self._stopped
            await self._say(text, is_final=True)

    async def _say(self, text: str, *, is_final: bool) -> None:
        await self._call.line.send({"text": text, "is_final": is_final})


def is_stop(text: str) -> bool:
    """Whether a text message ends the stream: `stop` or `{"type": "stop"}`."""
    if text.strip().lower() == _STOP:
        return True
    try:
        return str(read_object(text).get("type")).lower() == _STOP
    except HttpError:
        return False

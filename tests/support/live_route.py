"""A server with one plain WebSocket of its own, for tests of the life of the process.

Dialect: binary messages are int16 samples, mono, 16 kHz; answers are `{"text", "is_final"}`, true
when an utterance ended; the text message `stop` ends the stream.

    python -m tests.support.live_route [FLAGS OF eclectus serve]
"""

from __future__ import annotations

from eclectus.apps.cli.main import main
from eclectus.apps.server import app
from eclectus.apps.server.common.conversation import DONE, Conversation
from eclectus.apps.server.common.live_driver import drive
from eclectus.apps.server.common.samples import Encoding, SampleReader
from eclectus.apps.server.common.socket_call import SocketCall
from eclectus.apps.server.common.wire import Wire
from eclectus.apps.server.common.wire_errors import message_of
from eclectus.service.live import LiveEvent
from eclectus.streaming.events import Endpoint, Final, Partial

PATH = "/test/live"


class Plain(Conversation[SocketCall]):
    protocol = "test"

    def __init__(self, call: SocketCall) -> None:
        self._call = call
        self._words: list[str] = []

    async def run(self) -> int:
        reader = SampleReader(Encoding.PCM16)
        async with self._call.service.stream(self._call.request(sample_rate=16_000)) as live:

            async def hear(message: str | bytes) -> bool:
                if isinstance(message, bytes):
                    await live.push(reader.read_mono(message))
                return message != "stop"

            await drive(self._call.line, [live], hear, self._tell)
        return DONE

    async def fail(self, error: Exception) -> None:
        await self._call.line.send({"error": message_of(error)})

    async def _tell(self, _: int, batch: list[LiveEvent]) -> None:
        for event in batch:
            if isinstance(event, Final):
                self._words += [word.text for word in event.words]
            elif isinstance(event, Partial):
                draft = " ".join([*self._words, *(word.text for word in event.words)])
                await self._call.line.send({"text": draft, "is_final": False})
            elif isinstance(event, Endpoint):
                await self._call.line.send({"text": " ".join(self._words), "is_final": True})
                self._words.clear()


TEST = Wire(name="test", live={PATH: Plain})

if __name__ == "__main__":
    app.WIRES = (*app.WIRES, TEST)
    main()

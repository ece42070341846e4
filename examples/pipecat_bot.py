"""A Pipecat bot that prints what it hears: `python examples/pipecat_bot.py`; Ctrl-C ends it.

Needs `pip install 'eclectus[cpu,pipecat]' 'pipecat-ai[local]'` and a microphone.
"""

import asyncio

from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import Frame, InterimTranscriptionFrame, TranscriptionFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.local.audio import LocalAudioTransport, LocalAudioTransportParams
from pipecat.workers.runner import WorkerRunner

from eclectus.integrations.pipecat import EclectusSTTService


class Printer(FrameProcessor):
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterimTranscriptionFrame | TranscriptionFrame):
            end = "\n" if isinstance(frame, TranscriptionFrame) else "\r"
            print(f"{frame.text}\x1b[K", end=end, flush=True)
        await self.push_frame(frame, direction)


async def main() -> None:
    microphone = LocalAudioTransport(LocalAudioTransportParams(audio_in_enabled=True)).input()
    vad = VADProcessor(vad_analyzer=SileroVADAnalyzer())
    stt = EclectusSTTService()  # the settings' model; here a language model and a voice may follow
    runner = WorkerRunner()
    await runner.add_workers(PipelineWorker(Pipeline([microphone, vad, stt, Printer()])))
    await runner.run()


asyncio.run(main())

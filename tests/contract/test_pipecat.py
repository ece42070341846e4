"""The Pipecat service in unmodified Pipecat: its own harness, and a pipeline fed from a file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("pipecat", reason="run by scripts/check pipecat, in its own environment")

from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    CancelFrame,
    EndWorkerFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    InterruptionFrame,
    MetricsFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    StartFrame,
    STTMetadataFrame,
    STTUpdateSettingsFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.metrics.metrics import ProcessingMetricsData, STTUsageMetricsData, TTFBMetricsData
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection
from pipecat.tests.utils import QueuedFrameProcessor, SleepFrame, run_test
from pipecat.transcriptions.language import Language
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

import eclectus
from eclectus.core.errors import ModelError, OptionError
from eclectus.integrations.pipecat import EclectusSTTService, bot_settings
from tests.support.clips import right

pytestmark = pytest.mark.filterwarnings("default")  # Pipecat's dependencies warn

DATA = Path(__file__).parents[1] / "data"
Settings = EclectusSTTService.Settings


@pytest.fixture(scope="module")
def said(model: eclectus.Model) -> str:
    """What the model hears in the whole file at once."""
    text = model.transcribe(DATA / "garden.flac").text
    assert right(text)
    return text


def audio(
    rate: int = 16_000, piece_s: float = 0.1, after_s: float = 0.0
) -> list[InputAudioRawFrame]:
    samples, own = soundfile.read(DATA / "garden.flac", dtype="int16")
    samples = np.repeat(samples, rate // own)
    samples = np.concatenate([samples, np.zeros(round(after_s * rate), np.int16)])
    step = round(piece_s * rate)
    return [
        InputAudioRawFrame(samples[at : at + step].tobytes(), rate, 1)
        for at in range(0, len(samples), step)
    ]


def turn(rate: int = 16_000) -> list[Frame]:
    return [
        VADUserStartedSpeakingFrame(start_secs=0.2),
        *audio(rate),
        VADUserStoppedSpeakingFrame(stop_secs=0.2),
    ]


async def heard(
    stt: EclectusSTTService,
    frames: Sequence[Frame],
    *,
    rate: int = 16_000,
    metrics: bool = False,
    end: bool = True,
) -> tuple[Sequence[Frame], Sequence[Frame]]:
    params = PipelineParams(
        audio_in_sample_rate=rate, enable_metrics=metrics, enable_usage_metrics=metrics
    )
    return await run_test(
        stt, frames_to_send=frames, pipeline_params=params, start_timeout=60, send_end_frame=end
    )


def finals(frames: Sequence[Frame]) -> list[TranscriptionFrame]:
    return [frame for frame in frames if isinstance(frame, TranscriptionFrame)]


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_a_turn_becomes_interims_and_one_finalized_transcription(
    model: eclectus.Model, said: str, rate: int
) -> None:
    frames = [*turn(rate)[:-1], SleepFrame(1.0), turn(rate)[-1], SleepFrame(1.0)]
    down, up = asyncio.run(heard(EclectusSTTService(model=model), frames, rate=rate))
    (final,) = finals(down)
    assert final.text == said if rate == 16_000 else len(final.text) > 40
    assert final.finalized
    assert final.language == Language.EN
    assert [frame for frame in down if isinstance(frame, InterimTranscriptionFrame)]
    assert not [frame for frame in [*down, *up] if isinstance(frame, ErrorFrame)]


def test_metadata_follows_the_start_and_the_latency_is_measured(model: eclectus.Model) -> None:
    down, _ = asyncio.run(heard(EclectusSTTService(model=model), []))
    (metadata,) = [frame for frame in down if isinstance(frame, STTMetadataFrame)]
    assert 0.2 < metadata.ttfs_p99_latency < 60
    down, _ = asyncio.run(heard(EclectusSTTService(model=model, ttfs_p99_latency=0.4), []))
    (metadata,) = [frame for frame in down if isinstance(frame, STTMetadataFrame)]
    assert metadata.ttfs_p99_latency == 0.4


def test_metrics_tell_ttfb_processing_and_usage(model: eclectus.Model) -> None:
    frames = [*turn(), SleepFrame(2.0)]
    down, _ = asyncio.run(heard(EclectusSTTService(model=model), frames, metrics=True))
    found = [item for frame in down if isinstance(frame, MetricsFrame) for item in frame.data]
    (ttfb,) = [one.value for one in found if isinstance(one, TTFBMetricsData) and one.value]
    (taken,) = [one.value for one in found if isinstance(one, ProcessingMetricsData) and one.value]
    (usage,) = [one.value for one in found if isinstance(one, STTUsageMetricsData)]
    assert ttfb >= 0.2 + taken
    assert taken > 0
    assert usage.audio_seconds == pytest.approx(4.235, abs=0.01)


def test_turns_do_not_share_words_and_times_count_on(model: eclectus.Model, said: str) -> None:
    down, _ = asyncio.run(heard(EclectusSTTService(model=model), [*turn(), *turn()]))
    first, second = finals(down)
    assert first.text == second.text == said
    assert first.result is not None
    assert first.result[-1].end <= 4.3
    assert second.result is not None
    assert second.result[0].start >= 4.2


def test_words_before_the_vad_spoke_are_not_lost(model: eclectus.Model, said: str) -> None:
    frames = audio()
    late: list[Frame] = [*frames[:4], VADUserStartedSpeakingFrame(start_secs=0.2), *frames[4:]]
    down, _ = asyncio.run(heard(EclectusSTTService(model=model), late))
    assert [final.text for final in finals(down)] == [said]


def test_without_speech_nothing_is_told(model: eclectus.Model) -> None:
    down, _ = asyncio.run(heard(EclectusSTTService(model=model), audio()))
    assert not finals(down)


def test_the_end_of_the_pipeline_ends_the_turn(model: eclectus.Model, said: str) -> None:
    down, _ = asyncio.run(heard(EclectusSTTService(model=model), turn()[:-1]))
    assert [final.text for final in finals(down)] == [said]


def test_an_interruption_of_the_bot_keeps_the_users_words(model: eclectus.Model, said: str) -> None:
    frames = turn()
    frames.insert(20, InterruptionFrame())
    down, _ = asyncio.run(heard(EclectusSTTService(model=model), frames))
    assert [final.text for final in finals(down)] == [said]


def test_a_cancelled_service_leaves_the_shared_model_to_others(
    model: eclectus.Model, said: str
) -> None:
    async def both() -> Sequence[Frame]:
        cancelled = asyncio.create_task(
            heard(EclectusSTTService(model=model), [*turn(), CancelFrame()], end=False)
        )
        down, _ = await heard(EclectusSTTService(model=model), turn())
        await cancelled
        return down

    assert [final.text for final in finals(asyncio.run(both()))] == [said]


def test_settings_change_between_turns(model: eclectus.Model, said: str) -> None:
    update = STTUpdateSettingsFrame(delta=Settings(min_confidence=1.0, language=Language.EN_GB))
    frames = [*turn(), SleepFrame(1.0), update, SleepFrame(0.3), *turn()]
    down, _ = asyncio.run(heard(EclectusSTTService(model=model), frames))
    assert [final.text for final in finals(down)] == [said]


def test_an_impossible_setting_is_refused_and_the_old_one_stays(
    model: eclectus.Model, said: str
) -> None:
    update = STTUpdateSettingsFrame(delta=Settings(chunk_s=-1.0))
    stt = EclectusSTTService(model=model)
    down, up = asyncio.run(heard(stt, [update, SleepFrame(0.3), *turn()]))
    assert [final.text for final in finals(down)] == [said]
    assert [frame for frame in up if isinstance(frame, ErrorFrame)]


def test_a_model_is_changed_by_name_and_a_bad_name_keeps_the_old(tmp_path: Path, said: str) -> None:
    update = STTUpdateSettingsFrame(delta=Settings(model=str(tmp_path / "none")))
    stt = EclectusSTTService(settings=Settings(model="tiny"))
    down, up = asyncio.run(heard(stt, [update, SleepFrame(0.5), *turn()]))
    assert [final.text for final in finals(down)] == [said]
    assert stt.settings.model == "tiny"
    errors = [frame for frame in up if isinstance(frame, ErrorFrame)]
    assert isinstance(errors[0].exception, ModelError)
    better = STTUpdateSettingsFrame(delta=Settings(model="builtin"))
    down, _ = asyncio.run(
        heard(
            EclectusSTTService(settings=Settings(model="tiny")),
            [better, SleepFrame(0.5), *turn()],
        )
    )
    assert [final.text for final in finals(down)] == [said]


def test_with_own_turns_the_service_proposes_them(model: eclectus.Model, said: str) -> None:
    stt = EclectusSTTService(model=model, own_turns=True)
    down, _ = asyncio.run(heard(stt, audio(after_s=2.0), metrics=True))
    kinds = [type(frame) for frame in down]
    assert [final.text for final in finals(down)] == [said]
    assert kinds.index(ProposedUserStartedSpeakingFrame) < kinds.index(TranscriptionFrame)
    assert kinds.index(TranscriptionFrame) < kinds.index(ProposedUserStoppedSpeakingFrame)


def test_the_event_loop_goes_on_while_the_model_computes(model: eclectus.Model) -> None:
    async def watched() -> tuple[int, Sequence[Frame]]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        down, _ = await heard(EclectusSTTService(model=model), turn())
        ticking.cancel()
        return ticks, down

    ticks, down = asyncio.run(watched())
    assert finals(down)
    assert ticks > 5


def test_every_variable_of_the_older_bot_means_something() -> None:
    settings = bot_settings(
        {
            "PARAKEET_MODEL": "mlx-community/parakeet-tdt-0.6b-v2",
            "PARAKEET_CONTEXT_SIZE": "256,32",
            "PARAKEET_ATTENTION_MODE": "local",
            "PARAKEET_PRECISION": "bf16",
            "PARAKEET_CHUNK_MS": "400",
            "PARAKEET_EMIT_PARTIAL": "false",
            "PARAKEET_MIN_CONFIDENCE": "0.1",
        }
    )
    live = settings.live
    assert (settings.model, settings.backend.precision) == ("parakeet-tdt-0.6b-v2", "bf16")
    assert (live.left_s, live.right_s) == pytest.approx((20.48, 2.56))
    assert (live.chunk_s, live.emit_partial, live.min_confidence) == (0.4, False, 0.1)
    whole = bot_settings({"PARAKEET_ATTENTION_MODE": "full", "PARAKEET_CHUNK_MS": "100"}).live
    assert (whole.chunk_s, whole.right_s) == (60.0, 0.0)


@pytest.mark.parametrize(
    "variables", [{"PARAKEET_CONTEXT_SIZE": "many"}, {"PARAKEET_ATTENTION_MODE": "odd"}]
)
def test_an_impossible_variable_is_named(variables: dict[str, str]) -> None:
    with pytest.raises(OptionError, match=next(iter(variables))):
        bot_settings(variables)


def test_a_bot_without_partials_gets_finals_only(model: eclectus.Model, said: str) -> None:
    variables = {"PARAKEET_EMIT_PARTIAL": "false", "PARAKEET_ATTENTION_MODE": "full"}
    stt = EclectusSTTService(model=model, configuration=bot_settings(variables))
    down, _ = asyncio.run(heard(stt, turn()))
    assert [final.text for final in finals(down)] == [said]
    assert not [frame for frame in down if isinstance(frame, InterimTranscriptionFrame)]


def test_a_loaded_model_and_a_name_exclude_each_other(model: eclectus.Model) -> None:
    with pytest.raises(OptionError, match="not both"):
        EclectusSTTService(model=model, settings=Settings(model="other"))


class FileInput(BaseInputTransport):
    """A transport whose microphone is a file, played as fast as a person speaks."""

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self.create_task(self._play())

    async def _play(self) -> None:
        for frame in audio(piece_s=0.02, after_s=1.5):
            await self.push_audio_frame(frame)
            await asyncio.sleep(0.02)
        await self.push_frame(EndWorkerFrame())


def test_a_real_pipeline_hears_a_file_with_pipecats_own_vad(model: eclectus.Model) -> None:
    async def play() -> list[Frame]:
        found: asyncio.Queue[Frame] = asyncio.Queue()
        source = FileInput(TransportParams(audio_in_enabled=True, audio_in_sample_rate=16_000))
        stages = [
            source,
            VADProcessor(vad_analyzer=SileroVADAnalyzer()),
            EclectusSTTService(model=model),
            QueuedFrameProcessor(queue=found, queue_direction=FrameDirection.DOWNSTREAM),
        ]
        params = PipelineParams(audio_in_sample_rate=16_000, enable_metrics=True)
        worker = PipelineWorker(Pipeline(stages), params=params)
        runner = WorkerRunner()
        await runner.add_workers(worker)
        await asyncio.wait_for(runner.run(), 60)
        return [found.get_nowait() for _ in range(found.qsize())]

    frames = asyncio.run(play())
    told = finals(frames)
    assert right(" ".join(final.text for final in told))
    assert all(final.finalized for final in told)
    assert [frame for frame in frames if isinstance(frame, InterimTranscriptionFrame)]

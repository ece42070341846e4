"""The log-mel front end."""

import torch

from recipe.features import LogMel, mel_filters


def test_a_batch_gives_what_its_items_give_alone() -> None:
    """Padding reaches neither the frames nor the normalisation."""
    torch.manual_seed(0)
    audio = torch.randn(2, 8000)
    audio[1, 5000:] = 0
    lengths = torch.tensor([8000, 5000])
    both, frames = LogMel()(audio, lengths)
    alone, _ = LogMel()(audio[1:, :5000], lengths[1:])
    assert frames.tolist() == [50, 31]
    torch.testing.assert_close(both[1, :, :31], alone[0], rtol=1e-4, atol=1e-4)
    assert not both[1, :, 31:].any()


def test_features_have_zero_mean_and_unit_deviation() -> None:
    """By bin, with the unbiased deviation."""
    torch.manual_seed(1)
    features, _ = LogMel()(torch.randn(1, 16000), torch.tensor([16000]))
    torch.testing.assert_close(features.mean(2), torch.zeros(1, 80), rtol=0, atol=1e-4)
    torch.testing.assert_close(features.std(2), torch.ones(1, 80), rtol=0, atol=1e-3)


def test_a_tone_lights_its_own_filter() -> None:
    """1 kHz lies at mel 15 of Slaney's scale, which reaches 45.2 at 8 kHz."""
    audio = torch.sin(2 * torch.pi * 1000 * torch.arange(16000) / 16000)[None]
    spectrum = torch.stft(audio, 512, 160, 400, torch.hann_window(400), return_complex=True).abs()
    power = torch.from_numpy(mel_filters(80)) @ spectrum[0].square()
    assert int(power.mean(1).argmax()) == round(15 / 45.2456 * 81) - 1

"""Writes a model's README.md from the results of the other commands.

    python -m recipe.card runs/small/onnx --results runs/small/results

The folder of results has `fp32.json` and `int8.json` (recipe.evaluate --voices), `times.json`
(recipe.times) and `agree.json` (recipe.agree); what is missing is left out of the card. The text
that figures don't change is in `card.md` beside this file.
"""

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import onnx

from recipe.batches import pack_names
from recipe.checkpoint import load_checkpoint
from recipe.export import DECODER, ENCODER
from recipe.packs import open_pack

TEMPLATE = Path(__file__).with_name("card.md")
INT8 = ".int8.onnx"
SOURCES = {
    "flite": ("Flite 2.2, with its own alignments", "CMU, BSD-like"),
    "kokoro": ("Kokoro-82M", "Apache-2.0"),
    "joe": ("Piper en_US-joe-medium", "CC0"),
    "festival": ("Festival 2.5", "MIT-like (Edinburgh, CMU)"),
    "espeak": ("espeak-ng 1.51", "program GPL-3, its output not covered"),
    "real": (
        "speechocean762 (OpenSLR 101) and LJ Speech, read",
        "free for commercial and non-commercial use; public domain",
    ),
}
"""What a pack is called in the card, and its licence; more in DATA.md."""


def read_results(folder: Path) -> dict[str, Any]:
    """Reads every JSON file of a folder by its name."""
    return {
        path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))
    }


def rates(results: Mapping[str, Any]) -> str:
    """The table of word error rates, fp32 beside int8, and what int8 costs on the whole."""
    whole, small = results.get("fp32"), results.get("int8")
    if not (whole and small):
        return "Not measured."
    lines = ["| Speech | fp32 | int8 |", "|---|---|---|"]
    lines += [f"| {name} | {whole[name]:.1f} | {small[name]:.1f} |" for name in whole]
    means = [sum(values[name] for name in whole) / len(whole) for values in (whole, small)]
    lines.append(f"| *mean* | {means[0]:.1f} | {means[1]:.1f} |")
    return "\n".join(lines)


def times(results: Mapping[str, Any]) -> str:
    """What is known about word times."""
    found = results.get("times")
    if not found:
        return "Not measured."
    lines = [
        f"On {found['matched']} words of flite's speech that were found rightly, in milliseconds:",
        "",
        "| | median error | 95th percentile | median with its sign |",
        "|---|---|---|---|",
    ]
    for name in ("start", "end"):
        row = found[name]
        lines.append(f"| {name} | {row['median_ms']} | {row['p95_ms']} | {row['bias_ms']} |")
    return "\n".join(lines)


def agreement(results: Mapping[str, Any]) -> str:
    """How many clips have the same tokens in every engine."""
    found = results.get("agree")
    if not found:
        return "Not measured."
    lines = [
        f"{found['clips']} recordings that no engine has to divide, {found['tokens']} tokens; "
        "compared with eclectus, fp32:",
        "",
        "| Engine | recordings with equal tokens | tokens that differ, % |",
        "|---|---|---|",
    ]
    lines += [
        f"| {name} | {row['same']} | {row['token_error_rate']} |"
        for name, row in found["engines"].items()
    ]
    return "\n".join([*lines, "", "sherpa-onnx computes features of its own."])


def sizes(folder: Path) -> dict[str, str]:
    """Figures that the graphs themselves give."""
    encoder, decoder = (onnx.load(str(folder / name)) for name in (ENCODER, DECODER))
    joint = {weight.name: weight.dims for weight in decoder.graph.initializer}
    shapes = {weight.name: weight.dims for weight in encoder.graph.initializer}
    layers = {found[1] for name in shapes if (found := re.match(r"layers\.(\d+)\.", name))}
    count = sum(
        _count(weight.dims) for graph in (encoder, decoder) for weight in graph.graph.initializer
    )
    small = sum(
        (folder / name.replace(".onnx", INT8)).stat().st_size for name in (ENCODER, DECODER)
    )
    facts = json.loads((folder / "config.json").read_text("utf-8"))
    return {
        "name": facts["name"],
        "bins": str(facts["features_size"]),
        "durations": ", ".join(map(str, facts["durations"])),
        "window": str(facts["max_window_s"]),
        "pieces": str(joint["embed"][0] - 1),
        "predictor": str(joint["embed"][1]),
        "joint": str(joint["joint.out.weight"][0]),
        "layers": str(len(layers)),
        "width": str(shapes["pre_encode.out.bias"][0]),
        "millions": f"{count / 1e6:.1f}",
        "megabytes": f"{small / 1e6:.1f}",
    }


def _count(dims: Any) -> int:
    total = 1
    for size in dims:
        total *= size
    return total


def write_card(folder: Path, results: Mapping[str, Any], hours: str, audio: str) -> str:
    """Returns the card's text."""
    measured = {
        "rates": rates(results),
        "times": times(results),
        "agreement": agreement(results),
        "hours": hours,
        "audio": audio,
    }
    return Template(TEMPLATE.read_text("utf-8")).substitute(sizes(folder) | measured)


def main() -> None:
    """Writes README.md into a model's folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model", type=Path, help="folder of exported graphs, fp32 and int8")
    parser.add_argument("--results", type=Path, required=True, help="folder of JSON files")
    parser.add_argument("--data", type=Path, required=True, help="folder of the packs")
    parser.add_argument("--checkpoint", type=Path, required=True, help="tells the hours it saw")
    given = parser.parse_args()
    hours = load_checkpoint(given.checkpoint).progress["seconds"] / 3600
    text = write_card(given.model, read_results(given.results), f"{hours:.0f}", audio(given.data))
    (given.model / "README.md").write_text(text, encoding="utf-8")


def audio(data: Path) -> str:
    """The table of the packs that were trained on: hours, voices and licences."""
    lines = ["| Source | Hours | Voices | Licence |", "|---|---|---|---|"]
    for name in pack_names(data, held=False):
        pack = open_pack(data, name)
        source = name.removesuffix("-train")
        voices = len({pack.voice(index) for index in range(pack.count)})
        label, licence = SOURCES.get(source, (source, "?"))
        lines.append(f"| {label} | {pack.seconds / 3600:.1f} | {voices} | {licence} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

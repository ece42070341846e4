"""Writes an exported model in sherpa-onnx's layout.

python -m recipe.sherpa runs/small/onnx runs/small/sherpa [--int8]

`encoder.onnx`, `decoder.onnx`, `joiner.onnx` and `tokens.txt`: the decoder graph is cut behind the
predictor, and the encoder carries the facts that sherpa-onnx wants in its metadata.
"""

import argparse
import json
import shutil
from pathlib import Path

import onnx
from onnx.utils import Extractor

from recipe.export import DECODER, ENCODER
from recipe.lean import PREDICTED
from recipe.model import SUBSAMPLING

STATES = ["input_states_1", "input_states_2"]
STATES_AFTER = ["output_states_1", "output_states_2"]


def write_sherpa(folder: Path, out: Path, *, int8: bool = False) -> None:
    """Writes the layout of an exported model."""
    out.mkdir(parents=True, exist_ok=True)
    end = ".int8.onnx" if int8 else ".onnx"
    encoder, decoder = (
        onnx.load(str(folder / name.replace(".onnx", end))) for name in (ENCODER, DECODER)
    )
    _add_facts(encoder, decoder, folder)
    onnx.save(encoder, str(out / "encoder.onnx"))
    width = decoder.graph.input[3].type.tensor_type.shape.dim[2].dim_value
    decoder.graph.value_info.append(
        onnx.helper.make_tensor_value_info(
            PREDICTED, onnx.TensorProto.FLOAT, ["batch", width, "places"]
        )
    )
    _turn(decoder)
    inputs = ["targets", "target_length", *STATES]
    outputs = [PREDICTED, "prednet_lengths", *STATES_AFTER]
    onnx.save(Extractor(decoder).extract_model(inputs, outputs), str(out / "decoder.onnx"))
    joiner = Extractor(decoder).extract_model(["encoder_outputs", PREDICTED], ["outputs"])
    onnx.save(joiner, str(out / "joiner.onnx"))
    shutil.copyfile(folder / "vocab.txt", out / "tokens.txt")


def _turn(decoder: onnx.ModelProto) -> None:
    """Passes the predictor's output from one graph to the other as (B, H, U), as NeMo does."""
    made = next(node for node in decoder.graph.node if node.output[0] == PREDICTED)
    place = list(decoder.graph.node).index(made)
    made.attribute[0].ints[:] = [1, 2, 0]
    back = f"{PREDICTED}.rows"
    for node in decoder.graph.node:
        node.input[:] = [back if name == PREDICTED else name for name in node.input]
    turn = onnx.helper.make_node("Transpose", [PREDICTED], [back], perm=[0, 2, 1])
    decoder.graph.node.insert(place + 1, turn)


def _add_facts(encoder: onnx.ModelProto, decoder: onnx.ModelProto, folder: Path) -> None:
    facts = json.loads((folder / "config.json").read_text("utf-8"))
    state = decoder.graph.input[3].type.tensor_type.shape.dim
    entries = {
        "vocab_size": len((folder / "vocab.txt").read_text("utf-8").splitlines()) - 1,
        "normalize_type": "per_feature",
        "subsampling_factor": SUBSAMPLING,
        "pred_rnn_layers": state[0].dim_value,
        "pred_hidden": state[2].dim_value,
        "feat_dim": facts["features_size"],
        "model_type": "EncDecRNNTBPEModel",
        "version": "2",
        "model_author": "eclectus",
        "url": "tdt",  # by these letters sherpa-onnx knows that the joint gives durations
        "comment": facts["name"],
    }
    for key, value in entries.items():
        encoder.metadata_props.add(key=key, value=str(value))


def main() -> None:
    """Writes an exported model in sherpa-onnx's layout."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--int8", action="store_true", help="take the quantised graphs")
    given = parser.parse_args()
    write_sherpa(given.folder, given.out, int8=given.int8)


if __name__ == "__main__":
    main()

"""The lighter vocoder that a bundle falls back to when the machine is too slow for the full one.

GPT and SoVITS meet only at the tokens, so that the second half of any other candidate will do: the same
tokens, phonemes, style and noise go in.
"""

from pathlib import Path

import torch

from autocompress.errors import ClaimError, MalformedError
from autocompress.models.onnx import export_sovits
from autocompress.production.assembly import ShapedStudent
from autocompress.transforms.onnx_precision.parity import check_parity
from autocompress.transforms.onnx_precision.parity_cases import parity_cases
from autocompress.transforms.onnx_precision.writing import write_graphs

LIGHT_GRAPH = "sovits_lite.onnx"


def export_light_tier(light: ShapedStudent, full: ShapedStudent, folder: Path) -> Path:
    """Write the SoVITS half of ``light`` at its own precisions; it must take what ``full``'s takes.

    Raises MalformedError when the halves do not fit one another, ClaimError when the graph does not answer
    as its network does.
    """
    for name in ("inter", "gin"):
        asked, found = getattr(full.sovits.config, name), getattr(light.sovits.config, name)
        if asked != found:
            raise MalformedError(
                f"The lighter SoVITS has {name} {found}, the full one {asked}: they cannot share noise and "
                "style. Choose another point as the fallback."
            )
    plain, final = folder / "light-fp32", folder / "light"
    for place in (plain, final):
        place.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        export_sovits(light.sovits, plain / LIGHT_GRAPH)
    written = write_graphs({"sovits": plain / LIGHT_GRAPH}, light.precision, final)
    cases = parity_cases(light.gpt, light.sovits, light.precision)
    parity = check_parity(written.paths, cases, light.precision)
    if not parity.holds:
        raise ClaimError(
            f"the lighter SoVITS of candidate {light.candidate.id} does not answer as its network does: "
            f"{parity.reason}. Choose another point as the fallback."
        )
    return written.paths["sovits"]

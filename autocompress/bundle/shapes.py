"""Whether a graph has the inputs and sizes that the manifest says."""

from collections.abc import Iterator
from typing import Any

from autocompress.bundle.manifest import PREFILL, STEP, AudioSettings
from autocompress.bundle.sessions import Session
from autocompress.errors import BundleError

_INPUTS = {
    PREFILL: {"phoneme_ids", "prompt"},
    STEP: {"token", "position", "length"},
    "sovits": {"codes", "phoneme_ids", "style", "noise", "window"},
}


def check_shapes(path: str, role: str, session: Session, audio: AudioSettings) -> None:
    """Raises BundleError that lists every difference of the graph at ``path``."""
    faults = list(_faults(role, session, audio))
    if faults:
        raise BundleError(f"{path} is not the graph of this manifest: {'; '.join(faults)}. Produce it again.")


def _faults(role: str, session: Session, audio: AudioSettings) -> Iterator[str]:
    inputs = {value.name: value.shape for value in session.get_inputs()}
    outputs = {value.name: value.shape for value in session.get_outputs()}
    if missing := sorted(_INPUTS[role] - set(inputs)):
        yield f"it has no input {', '.join(missing)}"
        return
    if role == "sovits":
        yield from _differs("gin", inputs["style"][1], audio.gin)
        yield from _differs("inter", inputs["noise"][1], audio.inter)
        if "audio" not in outputs:
            yield "it has no output audio"
    elif "logits" not in outputs:
        yield "it has no output logits"
    else:
        yield from _differs("codes", outputs["logits"][-1], audio.codes + 1, "tokens with EOS")


def _differs(key: str, found: Any, wanted: int, unit: str = "channels") -> Iterator[str]:
    if isinstance(found, int) and found != wanted:
        yield f"it has {found} {unit} where audio.{key} asks for {wanted}"

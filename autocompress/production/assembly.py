"""Student → fp32 graphs → graphs at the decided precisions → parity gate → what a bundle is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from autocompress.bundle import AudioSettings, Ingredients, SpeechDefaults, TextSettings
from autocompress.bundle.manifest import SOVITS_LITE
from autocompress.errors import ClaimError
from autocompress.models.gpt import Gpt
from autocompress.models.onnx import export_graphs
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.speech import SpeechSettings
from autocompress.models.training.sovits_distillation import VOCODER
from autocompress.models.voice import Voice
from autocompress.space import Candidate
from autocompress.transforms import Calibration
from autocompress.transforms.building import with_vocoder
from autocompress.transforms.materialize import Networks, unrounded_gpt, unrounded_sovits
from autocompress.transforms.onnx_precision.parity import ParityReport, check_parity
from autocompress.transforms.onnx_precision.parity_cases import parity_cases
from autocompress.transforms.onnx_precision.plan import PrecisionPlan
from autocompress.transforms.onnx_precision.writing import WrittenGraphs, write_graphs

Stage = Callable[[str], None]
_ROLES = {"prefill": "gpt_prefill", "step": "gpt_step", "sovits": "sovits"}


@dataclass(frozen=True, eq=False)
class ShapedStudent:
    """A student in full precision, and the precisions that its graphs will be written at."""

    candidate: Candidate
    gpt: Gpt
    sovits: Sovits
    precision: PrecisionPlan

    def with_part(self, part: str, network: Gpt | Sovits) -> "ShapedStudent":
        """The student with other weights, or other sizes, of its "gpt", its "front" or its "vocoder"."""
        if isinstance(network, Gpt):
            return replace(self, gpt=network)
        front, vocoder = (self.sovits, network) if part == VOCODER else (network, self.sovits)
        return replace(self, sovits=with_vocoder(front, vocoder))


@dataclass(frozen=True)
class ExportedGraphs:
    """The graphs of a student as they are shipped, how well they agree with it, and a lighter SoVITS."""

    written: WrittenGraphs
    parity: ParityReport
    light: Path | None = None


def shaped_student(
    teacher: Networks, candidate: Candidate, calibration: Calibration | None = None
) -> ShapedStudent:
    """The candidate's architecture with unrounded weights: rounding is the exporter's, once.

    With a calibration the weights are ready for it: rounded, they are those that the search has judged.
    """
    scores = calibration or Calibration()
    plan = PrecisionPlan.of(candidate, len(teacher.gpt.config.blocks))
    return ShapedStudent(
        candidate,
        unrounded_gpt(teacher.gpt, candidate, scores.gpt),
        unrounded_sovits(teacher.sovits, candidate, scores.sovits),
        plan,
    )


def export_student(
    student: ShapedStudent, folder: Path, *, bert: bool, stage: Stage = lambda _: None
) -> ExportedGraphs:
    """Write the graphs into ``folder``; a ClaimError when one does not answer as the student does."""
    plain, final = folder / "fp32", folder / "graphs"
    final.mkdir(parents=True, exist_ok=True)
    stage("export")
    with torch.no_grad():
        graphs = export_graphs(student.gpt, student.sovits, plain, bert=bert)
    stage("precision")
    written = write_graphs(graphs, student.precision, final)
    stage("parity")
    cases = parity_cases(student.gpt, student.sovits, student.precision, bert=bert)
    parity = check_parity(written.paths, cases, student.precision)
    if not parity.holds:
        raise ClaimError(
            f"the exported graphs of candidate {student.candidate.id} do not answer as the student does: "
            f"{parity.reason}. Produce another point of the front."
        )
    return ExportedGraphs(written, parity)


def ingredients(
    student: ShapedStudent,
    graphs: ExportedGraphs,
    card: Path,
    voices: Sequence[Voice],
    teacher: dict[str, object],
    *,
    bert: bool,
    speech: SpeechSettings | None = None,
) -> Ingredients:
    """Everything that ``write_bundle`` wants; ``speech`` is how the bundle speaks unless told otherwise."""
    roles = {path: _ROLES[name] for name, path in graphs.written.paths.items()}
    files = {path.name: (roles.get(path, "weights"), path) for path in graphs.written.files}
    if graphs.light is not None:
        files[graphs.light.name] = (SOVITS_LITE, graphs.light)
    config = student.sovits.config
    return Ingredients(
        files={**files, "card.md": ("card", card)},
        audio=AudioSettings(
            config.audio.sample_rate_hz, config.audio.hop, config.quantizer.codes, config.gin, config.inter
        ),
        text=TextSettings(config.version, bert),
        voices=tuple(voices),
        teacher=teacher,
        candidate=student.candidate.to_dict(),
        speech=_defaults(speech or SpeechSettings()),
    )


def _defaults(speech: SpeechSettings) -> SpeechDefaults:
    sampling = speech.sampling
    return SpeechDefaults(
        sampling.top_k,
        sampling.top_p,
        sampling.temperature,
        sampling.repetition_penalty,
        speech.noise_scale,
        speech.pause_s,
    )

"""What a report says, as frozen values: all of it is shown, and nothing else is read while rendering."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from autocompress.objectives import Constraint, Measurement

Standing = Literal["front", "nearest", "other", "infeasible", "failed"]
"""Where a trial ended: on the front, nearest to the bounds, beaten, beyond a bound, or not running at all."""


@dataclass(frozen=True)
class ScheduleRow:
    """One unit of the model as a candidate leaves it.

    ``kept`` is the share of the teacher's units that stay (0 removed, 1 whole); ``bits`` are those its
    weights are stored with (0 when removed); ``compute`` names the kernels that multiply with them.
    """

    unit: str
    part: str
    kept: float
    words: str
    bits: float
    compute: str

    @property
    def pruned(self) -> float:
        return 1.0 - self.kept


@dataclass(frozen=True)
class Point:
    """One trial: its measurements, its layer-by-layer schedule, its cost by component, its clips.

    ``costs`` holds shares by quantity and component; ``clips`` names a clip by sentence.
    """

    number: int
    candidate: str
    standing: Standing
    measurements: Mapping[str, Measurement]
    rung: str = ""
    origin: str = ""
    failure: str | None = None
    picks: tuple[str, ...] = ()
    decisions: Mapping[str, Any] = field(default_factory=dict)
    schedule: tuple[ScheduleRow, ...] = ()
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    clips: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sentence:
    """A sentence that teacher and candidates speak, and the teacher's clip of it."""

    id: str
    text: str
    voice: str
    teacher_clip: str | None = None


@dataclass(frozen=True)
class VoiceClip:
    """A voice of the bundle, and its clip of the sentence that all of them say."""

    voice: str
    clip: str


@dataclass(frozen=True)
class SensitivityCell:
    """What one option of one decision loses alone; ``failed`` when it broke the model."""

    choice: str
    option: str
    loss: float
    failed: bool = False


@dataclass(frozen=True)
class Delivery:
    """A quantity as the search predicted it and as the bundle delivers it.

    ``comparable`` is false where the prediction is for one machine and the delivery was measured on another.
    """

    key: str
    predicted: Measurement | None
    delivered: Measurement
    where: str = ""
    predicted_for: str = ""
    comparable: bool = True

    @property
    def inside(self) -> bool | None:
        """Whether the delivered value lies within the predicted interval, where there is one."""
        if self.predicted is None or not self.comparable:
            return None
        return self.predicted.low <= self.delivered.value <= self.predicted.high


@dataclass(frozen=True)
class Curve:
    """One quantity over the steps of a training."""

    run: str
    name: str
    steps: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Provenance:
    """Where a number comes from, in one line."""

    what: str
    source: str


@dataclass(frozen=True)
class ReportData:
    """A whole report. Empty parts are shown as what they are: not there, with what would make them."""

    title: str
    request: str
    objectives: tuple[str, ...]
    constraints: tuple[Constraint, ...]
    points: tuple[Point, ...]
    teacher: Mapping[str, Measurement] = field(default_factory=dict)
    teacher_costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    teacher_schedule: tuple[ScheduleRow, ...] = ()
    history: tuple[tuple[int, float], ...] = ()
    reference: tuple[float, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    clips: Mapping[str, str] = field(default_factory=dict, repr=False)
    voices: tuple[VoiceClip, ...] = ()
    voices_text: str = ""
    sensitivity: tuple[SensitivityCell, ...] = ()
    sensitivity_note: str = ""
    deliveries: tuple[Delivery, ...] = ()
    delivered_candidate: str | None = None
    curves: tuple[Curve, ...] = ()
    provenance: tuple[Provenance, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def front(self) -> tuple[Point, ...]:
        """The points on the front, by size."""
        return tuple(point for point in self.points if point.standing == "front")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; decisions of points beyond the front are not shown and stay out."""
        fields = asdict(self)
        for point in fields["points"]:
            if point["standing"] not in ("front", "nearest"):
                point["decisions"] = {}
        fields["constraints"] = [{**asdict(c), "text": str(c)} for c in self.constraints]
        fields["deliveries"] = [{**asdict(d), "inside": d.inside} for d in self.deliveries]
        return fields

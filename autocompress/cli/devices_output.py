"""What ``devices predict`` and ``devices profile`` print, and how they read ``--shape``."""

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from autocompress.errors import ProfileError
from autocompress.hardware.latency import GraphPrediction

_SHOWN_ROWS = 20


def emit(document: dict[str, Any], text: str, as_json: bool) -> None:
    """One JSON document, or the text for a person."""
    print(json.dumps(document, ensure_ascii=False) if as_json else text)


def progress(quiet: bool) -> Callable[[str], None]:
    """Progress lines on stderr, or nothing."""
    return (lambda _text: None) if quiet else (lambda text: print(text, file=sys.stderr, flush=True))


def parse_shapes(options: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """``["x=1,60"]`` → ``{"x": (1, 60)}``."""
    shapes = {}
    for option in options:
        name, _, sizes = option.rpartition("=")
        try:
            shapes[name] = tuple(int(size) for size in sizes.split(",")) if sizes else ()
        except ValueError:
            name = ""
        if not name:
            raise ProfileError(f"--shape needs NAME=1,60 with whole numbers, found {option!r}.")
    return shapes


def prediction_document(prediction: GraphPrediction) -> dict[str, Any]:
    """Everything of a prediction, units in the names."""
    total = prediction.total
    return {
        "device": prediction.device,
        "threads": prediction.threads,
        "kind": total.kind,
        "latency_s": total.median_s,
        "latency_low_s": total.low_s,
        "latency_high_s": total.high_s,
        "confidence": total.confidence,
        "hot_latency_s": prediction.hot.median_s,
        "undisturbed_latency_s": prediction.undisturbed.median_s,
        "call_s": prediction.call_s,
        "memory_bytes": prediction.peak_memory_bytes,
        "weight_bytes": prediction.weight_bytes,
        "storage_bytes": prediction.storage_bytes,
        "unknown_operators": list(prediction.unknown),
        "notes": list(prediction.notes),
        "operators": [
            {
                "name": op.name,
                "type": op.op_type,
                "family": op.family,
                "precision": op.precision,
                "count": op.count,
                "work": op.work,
                "bytes": op.bytes,
                "output_shape": list(op.output_shape),
                "seconds": seconds,
                "known": op.known,
            }
            for op, seconds in zip(prediction.operators, prediction.seconds, strict=True)
        ],
    }


def prediction_text(prediction: GraphPrediction) -> str:
    """Total, memory, and the operators that cost most."""
    total = prediction.total
    lines = [
        f"{prediction.device}, {prediction.threads} thread(s): {_ms(total.median_s)} "
        f"({_ms(total.low_s)} to {_ms(total.high_s)} at {total.confidence:.0%}, {total.kind})",
        f"memory {_mb(prediction.peak_memory_bytes)}; weights {_mb(prediction.storage_bytes)} stored, "
        f"{_mb(prediction.weight_bytes)} computed with",
        *([f"warmed up, at most: {_ms(prediction.hot.median_s)}"] if prediction.thermal_factor < 1 else []),
        *_undisturbed(prediction),
        *(f"note: {note}" for note in prediction.notes),
        *([f"unknown, costed as their bytes: {', '.join(prediction.unknown)}"] if prediction.unknown else []),
        f"{'ms':>10}  {'share':>6}  {'count':>5}  operator",
    ]
    rows = sorted(zip(prediction.seconds, prediction.operators, strict=True), key=lambda row: -row[0])
    for seconds, op in rows[:_SHOWN_ROWS]:
        what = f"{op.op_type} {op.precision} {list(op.output_shape)} {op.name}"
        lines.append(f"{seconds * 1e3:10.4f}  {seconds / total.median_s:6.1%}  {op.count:5}  {what}")
    if rest := rows[_SHOWN_ROWS:]:
        lines.append(
            f"{sum(row[0] for row in rest) * 1e3:10.4f}  in {len(rest)} more operators (--json has all)"
        )
    return "\n".join(lines)


def _undisturbed(prediction: GraphPrediction) -> list[str]:
    """A line where the device was measured among other programs, and they are felt."""
    alone = prediction.undisturbed.median_s
    return (
        [f"undisturbed by other programs: {_ms(alone)}"] if alone < 0.98 * prediction.total.median_s else []
    )


def _mb(size_bytes: float) -> str:
    return f"{size_bytes / 1e6:.1f} MB"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"

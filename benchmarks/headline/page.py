"""The table as a page: the headline as found, the rows, who dominates whom, where quality breaks."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.headline.hearing import FLOOR
from benchmarks.headline.judging import (
    AIM_FASTER,
    AIM_SMALLER,
    LIMITS,
    Held,
    Row,
    dominating,
    first_break,
    headline,
    mean,
    times_smaller,
)
from benchmarks.headline.timing import AUDIO_S

_NAMES = {"similarity": "similarity", "mos": "MOS", "cer": "CER", FLOOR: "silence floor"}
_HEAD = (
    "row", "MB", "smaller", f"s for {AUDIO_S:g} s", "faster", "memory MB", "similarity", "MOS", "CER",
    "floor, dB over fp32", "KL, nats", "mel, dB", "limits",
)  # fmt: skip


def page(rows: Sequence[Row], more: Mapping[str, Mapping[str, float]], facts: Mapping[str, object]) -> str:
    """``more`` has memory and divergence by row; the first row is the teacher."""
    parts = [
        "# The headline: fp32 graphs, what one would pick instead, and our front",
        headline_text(rows),
        how_text(rows, facts),
        table(rows, more),
        _LEGEND,
        "## Does ours dominate?",
        "\n".join(dominance_lines(rows)),
        "## Where quality breaks",
        break_text(rows),
        "## The rows",
        "\n".join(f"* **{row.name}**: {row.about}" for row in rows),
        provenance_text(facts),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def training_text(training: Mapping[str, Any]) -> str:
    """What a training's record says of each part: " (gpt 120 steps, 0.037 to 0.016 KL nats a token; …)"."""
    parts = [
        f"{part['part']} {part['steps']} steps, {part['untrained_loss']:.2g} to {part['trained_loss']:.2g} "
        f"{part['unit']}"
        for part in training.get("parts", ())
    ]
    return f" ({'; '.join(parts)})" if parts else ""


def headline_text(rows: Sequence[Row]) -> str:
    teacher, best = rows[0], headline(rows)
    if best is None:
        return "**No row of ours holds all four limits**, so there is no factor at held quality to report."
    smallest, fastest = best
    told = f"**At held quality: {factors_text(smallest, teacher)}** than the fp32 ONNX graphs"
    if fastest is not smallest:
        told += f", or **{factors_text(fastest, teacher)}**"
    return (
        f"{told}. {aim_text('size', times_smaller(smallest, teacher), AIM_SMALLER)} "
        f"{aim_text('speed', fastest.times_faster, AIM_FASTER)}"
    )


def factors_text(row: Row, teacher: Row) -> str:
    return (
        f"{times_smaller(row, teacher):.1f} times smaller and {row.times_faster:.1f} times faster "
        f"({row.size_mb:.1f} against {teacher.size_mb:.1f} MB; row `{row.name}`{unsure_text(row)})"
    )


def aim_text(what: str, found: float, aim: float) -> str:
    if found >= aim:
        return f"The aim for {what}, {aim:g} times, is reached."
    return f"The aim for {what}, {aim:g} times, is missed by a factor of {aim / found:.1f}."


def unsure_text(row: Row) -> str:
    unsure = [_NAMES[one.key] for one in row.held if not one.sure]
    return f"; not beyond chance at 90 %: {', '.join(unsure)}" if unsure else ""


def how_text(rows: Sequence[Row], facts: Mapping[str, object]) -> str:
    count = len(rows[0].readings)
    return (
        f"Each bundle said the same {count} utterances ({facts['sentences']} sentences, {facts['voices']} "
        "voices, same seeds) through the bundle's runtime, only its graphs differ; one thread each; latency "
        f"is the median of {facts['rounds']} interleaved rounds of {AUDIO_S:g} s, the same tokens for all, "
        "and so is what is faster, compared round by round. "
        "± is a standard error: of the mean in the first row, of the difference to it, paired by utterance "
        "and clustered by sentence, in the others."
    )


def table(rows: Sequence[Row], more: Mapping[str, Mapping[str, float]]) -> str:
    lines = [_HEAD, ("---",) * len(_HEAD), *(_cells(row, rows[0], more[row.name]) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(row: Row, teacher: Row, more: Mapping[str, float]) -> tuple[str, ...]:
    return (
        f"`{row.name}`",
        f"{row.size_mb:.1f}",
        f"{times_smaller(row, teacher):.1f}×",
        f"{row.latency_s:.2f}",
        f"{row.times_faster:.2f}×",
        f"{more['memory_mb']:.0f}",
        *(_score(row, teacher, one) for one in row.held),
        f"{more['kl_nats']:.3g}",
        f"{more['mel_distance_db']:.2f}",
        " ".join(f"{_NAMES[one.key]} {_mark(one)}" for one in row.held) if row is not teacher else "",
    )


def _score(row: Row, teacher: Row, one: Held) -> str:
    own = mean({item: read[one.key] for item, read in row.readings.items()})
    digits = 1 if one.key == FLOOR else 3
    error = own.error if row is teacher else one.difference.error
    value = own.value if row is teacher or one.key != FLOOR else one.difference.value
    return f"{value:.{digits}f} ± {error:.{digits}f}" + (" (level)" if row is teacher and digits == 1 else "")


def _mark(one: Held) -> str:
    return ("yes" if one.holds else "no") + ("" if one.sure else "?")


_LEGEND = (
    "Limits: " + "; ".join(limit.words for limit in LIMITS) + ". A question mark: not beyond chance at 90 %. "
    "KL and mel distance are teacher-forced, on the same tokens and noise. Sizes are all files of a bundle "
    "but its voice store; what prefill and step share is stored once in every row."
)


def dominance_lines(rows: Sequence[Row]) -> list[str]:
    """One line an alternative: which of ours is at least as good in everything, or why none is."""
    lines = []
    for other in (row for row in rows[1:] if not row.ours):
        own, found = dominating(rows, other)
        chance = f" (within the errors: {'; '.join(found.within_errors)})" if found.within_errors else ""
        if found.whole:
            lines.append(f"* `{other.name}`: dominated by `{own.name}`{chance}.")
        else:
            lines.append(
                f"* `{other.name}`: not dominated. Nearest is `{own.name}`: {'; '.join(found.against)}."
            )
    return lines


def break_text(rows: Sequence[Row]) -> str:
    last, broken = first_break(rows)
    if broken is None:
        return "None of our rows misses a limit." if last is not None else ""
    missed = _listed(broken)
    before = f"`{last.name}` ({last.size_mb:.1f} MB) holds all four limits; " if last else ""
    after = [row for row in rows if row.ours and row.size_mb < broken.size_mb]
    smaller = "".join(
        f" `{row.name}` ({row.size_mb:.1f} MB) misses {_listed(row)}."
        for row in sorted(after, key=lambda row: -row.size_mb)
    )
    return f"From large to small: {before}`{broken.name}` ({broken.size_mb:.1f} MB) misses {missed}.{smaller}"


def _listed(row: Row) -> str:
    return ", ".join(_NAMES[key] for key in row.missed) or "none"


def provenance_text(facts: Mapping[str, object]) -> str:
    return "\n".join(
        f"* {name}: {facts[key]}"
        for name, key in (("machine", "machine"), ("weights", "weights_sha256"), ("command", "command"))
    )

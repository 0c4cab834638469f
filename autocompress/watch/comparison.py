"""Two fronts of one request: what moved, which bundle is out of date, what can no longer be met."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FrontFields = Mapping[str, Any]  # front.json


@dataclass(frozen=True)
class Move:
    """A quantity of a pick before and now."""

    pick: str
    key: str
    before: float
    now: float


@dataclass(frozen=True)
class Comparison:
    """``replace`` says why the bundle should be made again (empty: it stands)."""

    met_before: bool | None
    met_now: bool
    moves: tuple[Move, ...] = ()
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    hypervolume: tuple[float | None, float] = (None, 0.0)
    replace: str = ""

    @property
    def lost(self) -> bool:
        """The request could be met and no longer can."""
        return self.met_before is True and not self.met_now

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"lost": self.lost}


def compare(before: FrontFields | None, now: FrontFields, bundle: Mapping[str, Any] | None) -> Comparison:
    """Two ``front.json`` and the manifest of the bundle that was made from the earlier one, if any."""
    old, new = _members(before or {"trials": []}), _members(now)
    return Comparison(
        met_before=None if before is None else bool(old),
        met_now=bool(new),
        moves=tuple(_moves(before, now)) if before else (),
        joined=tuple(sorted(new.keys() - old.keys())),
        left=tuple(sorted(old.keys() - new.keys())),
        hypervolume=(before["hypervolume"] if before else None, now["hypervolume"]),
        replace=_replace(now, bundle) if bundle else "",
    )


def summary_lines(name: str, comparison: Comparison) -> list[str]:
    """The comparison for a person."""
    if comparison.lost:
        lines = [f"{name}: can no longer be met; the nearest point is in front.json"]
    elif not comparison.met_now:
        lines = [f"{name}: cannot be met; the nearest point is in front.json"]
    else:
        gained = "" if comparison.met_before is not False else " for the first time"
        joined, left = len(comparison.joined), len(comparison.left)
        lines = [f"{name}: met{gained}; {joined} points joined the front, {left} left"]
    lines += [f"  {m.pick}: {m.key} {m.before:.4g} → {m.now:.4g}" for m in comparison.moves]
    return lines + ([f"  bundle: {comparison.replace}"] if comparison.replace else [])


def _members(front: FrontFields) -> dict[str, Mapping[str, Any]]:
    return {trial["candidate"]["id"]: trial for trial in front["trials"]}


def _picked(front: FrontFields, pick: str) -> Mapping[str, Any] | None:
    number = front["picks"].get(pick)
    return next((t for t in front["trials"] if t["number"] == number), None)


def _moves(before: FrontFields, now: FrontFields) -> list[Move]:
    moves = []
    for pick in now["picks"]:
        old, new = _picked(before, pick), _picked(now, pick)
        if old is None or new is None:
            continue
        for key, seen in new["measurements"].items():
            was = old["measurements"].get(key)
            if was is not None and was["value"] != seen["value"]:
                moves.append(Move(pick, key, was["value"], seen["value"]))
    return moves


def _replace(now: FrontFields, bundle: Mapping[str, Any]) -> str:
    """Why the bundle is out of date: nothing fits, its point left the front, or a better one is there."""
    made_from = str(bundle.get("candidate", {}).get("id", ""))
    members = _members(now)
    if not members:
        return ""
    best = _picked(now, "best")
    assert best is not None, "a front with members has a best one"
    best_id = best["candidate"]["id"]
    if made_from not in members:
        return f"should be replaced: its point {made_from} is no longer on the front; best is now {best_id}"
    if made_from != best_id:
        return f"could be replaced: its point {made_from} is on the front, and best is now {best_id}"
    return ""

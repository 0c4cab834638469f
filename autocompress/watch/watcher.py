"""One round: which requests are due, their searches, their comparisons with the last front."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autocompress.errors import AutocompressError, InfeasibleError
from autocompress.request import Request
from autocompress.study import Front
from autocompress.watch.comparison import Comparison, compare, summary_lines
from autocompress.watch.inputs import Devices, model_hash, read_state, scan_devices, write_state
from autocompress.watch.requests_file import WatchedRequest, read_requests

STATE = "watch-state.json"
STORE = "store.db"
_DEVICES = "devices"  # the state's entry for profiles; no request may take it


@dataclass(frozen=True)
class Ask:
    """What one search is asked: the read request, its model, its own run folder, the store of all rounds."""

    watched: WatchedRequest
    request: Request
    folder: Path
    storage: str


Search = Callable[[Ask], Front]
"""Searches, re-using what ``storage`` holds; raises InfeasibleError when no candidate can hold the limits."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What became of one request: ``why`` it was searched, and the comparison, or the ``error`` instead."""

    name: str
    why: str
    comparison: Comparison | None = None
    error: str = ""


@dataclass(frozen=True)
class Round:
    """All outcomes, the requests that nothing changed for, broken profiles, and new ones that nobody asks."""

    outcomes: tuple[Outcome, ...] = ()
    unchanged: tuple[str, ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)
    new_devices: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 when a request cannot be met, 2 when one could not be searched, else 0."""
        if any(o.error for o in self.outcomes):
            return 2
        return int(any(o.comparison is not None and not o.comparison.met_now for o in self.outcomes))

    def to_dict(self) -> dict[str, Any]:
        outcomes = [
            asdict(o) | {"comparison": o.comparison and o.comparison.to_dict()} for o in self.outcomes
        ]
        return {
            "outcomes": outcomes,
            "unchanged": list(self.unchanged),
            "broken_profiles": dict(self.broken),
            "new_devices": list(self.new_devices),
        }


def watch_once(requests: Path, results: Path, search: Search, say: Say = lambda _: None) -> Round:
    """Search every request whose line, device or model is new or changed since its last finished search.

    Writes ``results/NAME/front.json``, ``front.csv`` and ``comparison.json``. A request that fails is
    reported, the others go on; what is finished is remembered at once, so a killed round goes on from there.
    """
    watched = read_requests(requests)
    devices = scan_devices()
    for path, fault in devices.broken.items():
        say(f"skipped a broken profile: {path}\n{fault}")
    state = read_state(results / STATE)
    rounds = _Rounds(requests.resolve().parent, results, devices, state, search)
    outcomes, unchanged = [], []
    for one in watched:
        outcome = rounds.run(one)
        if outcome is None:
            unchanged.append(one.name)
            continue
        outcomes.append(outcome)
        say("\n".join(_told(outcome)))
    new = _new_devices(devices, state, results)
    return Round(tuple(outcomes), tuple(unchanged), devices.broken, new)


def _told(outcome: Outcome) -> list[str]:
    if outcome.comparison is None:
        return [f"{outcome.name}: not searched: {outcome.error}"]
    return summary_lines(f"{outcome.name} ({outcome.why})", outcome.comparison)


def _new_devices(devices: Devices, state: dict[str, dict[str, str]], results: Path) -> tuple[str, ...]:
    """Profiles that are new or changed since the last round, whoever asks for them."""
    known = state.get(_DEVICES, {})
    hashes = {device: devices.hash(device) for device in devices.profiles}
    write_state(results / STATE, state | {_DEVICES: hashes})
    return tuple(sorted(d for d, h in hashes.items() if known and known.get(d) != h))


@dataclass(frozen=True)
class _Rounds:
    base: Path
    results: Path
    devices: Devices
    state: dict[str, dict[str, str]]
    search: Search

    def run(self, watched: WatchedRequest) -> Outcome | None:
        """The outcome of one request, or nothing when all it depends on is as it was."""
        watched = watched.located(self.base)
        try:
            request = Request.parse(watched.line, self.devices.names)
            seen = {
                "line": str(request),
                "device": self.devices.hash(request.device),
                "model": model_hash(watched),
            }
        except AutocompressError as error:
            return Outcome(watched.name, "it could not be read", error=str(error))
        why = _changes(self.state.get(f"request {watched.name}"), seen)
        if not why:
            return None
        try:
            comparison = self._searched(watched, request, seen)
        except AutocompressError as error:
            return Outcome(watched.name, why, error=str(error))
        self.state[f"request {watched.name}"] = seen
        write_state(self.results / STATE, self.state)
        return Outcome(watched.name, why, comparison)

    def _searched(self, watched: WatchedRequest, request: Request, seen: Mapping[str, str]) -> Comparison:
        home = self.results / watched.name
        run = home / "runs" / "-".join((seen["device"][:8], seen["model"][:8], _short(seen["line"])))
        run.mkdir(parents=True, exist_ok=True)
        storage = f"sqlite:///{(self.results / STORE).resolve()}"
        now, table = _fronts(self.search, Ask(watched, request, run, storage))
        compared = compare(_json(home / "front.json"), now, _json(home / "bundle" / "manifest.json"))
        document = compared.to_dict() | {"run": str(run), "request": str(request)}
        for name, text in (
            ("front.csv", table),
            ("comparison.json", json.dumps(document, indent=1)),
            ("front.json", json.dumps(now, indent=1)),  # last: it is what the next comparison starts from
        ):
            draft = home / f".{name}.draft"
            draft.write_text(text, "utf-8")
            draft.replace(home / name)
        return compared


def _fronts(search: Search, ask: Ask) -> tuple[dict[str, Any], str]:
    """front.json and front.csv; an empty front where the plan already knows that nothing fits."""
    try:
        front = search(ask)
    except InfeasibleError as error:
        nothing: dict[str, Any] = {"trials": [], "picks": {}, "hypervolume": 0.0, "infeasible": str(error)}
        return nothing, "number,candidate\n"
    return front.to_dict(), front.to_csv()


def _changes(before: Mapping[str, str] | None, now: Mapping[str, str]) -> str:
    if before is None:
        return "new"
    changed = [name for name, value in now.items() if before.get(name) != value]
    return f"changed: {', '.join(changed)}" if changed else ""


def _short(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()[:8]


def _json(path: Path) -> dict[str, Any] | None:
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else None

"""The graphs of a bundle, each on the execution provider that works for it; lighter tiers on demand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autocompress.bundle.huge_pages import weights_in_huge_pages
from autocompress.bundle.manifest import PREFILL, SOVITS, STEP, Manifest
from autocompress.bundle.self_test import make_self_test
from autocompress.bundle.sessions import (
    Chosen,
    OnSwitch,
    OpenSession,
    Session,
    SessionSettings,
    choose_session,
    open_session,
)
from autocompress.bundle.shapes import check_shapes


@dataclass(frozen=True)
class GraphSettings:
    """``threads`` 0 leaves it to ONNX Runtime; ``providers`` None is the manifest's order.

    ``on_switch`` is told of every provider passed over and every change of tier; the log is told anyway.
    ``huge_pages`` costs loading 2 ms a megabyte and takes a tenth off every step (Linux, larger models only).
    """

    threads: int = 0
    providers: tuple[str, ...] | None = None
    on_switch: OnSwitch | None = None
    huge_pages: bool = True
    opening: OpenSession = open_session


class Graphs:
    """Open sessions: prefill, step, and one SoVITS a tier."""

    def __init__(self, folder: Path, manifest: Manifest, settings: GraphSettings) -> None:
        self._folder, self._manifest, self.settings = folder, manifest, settings
        self._sovits: dict[tuple[str, bool], Chosen] = {}
        with weights_in_huge_pages(manifest.size_bytes if settings.huge_pages else 0):
            self._prefill = self._open(manifest.path_of(PREFILL), PREFILL, self._providers)
            self._step = self._open(manifest.path_of(STEP), STEP, self._providers)
            self.sovits(0)

    @property
    def prefill(self) -> Session:
        return self._prefill.session

    @property
    def step(self) -> Session:
        return self._step.session

    @property
    def providers(self) -> dict[str, str]:
        """The execution provider of each open graph, by file."""
        paths = {PREFILL: self._prefill, STEP: self._step}
        opened = {self._manifest.path_of(role): chosen.provider for role, chosen in paths.items()}
        return opened | {path: chosen.provider for (path, _), chosen in self._sovits.items()}

    def sovits(self, tier: int) -> Session:
        """The SoVITS graph of a tier, opened at its first use."""
        wanted = self._manifest.tiers[tier]
        key = (wanted.sovits, wanted.cpu_only)
        if key not in self._sovits:
            order = ("CPU",) if wanted.cpu_only else self._providers
            self._sovits[key] = self._open(wanted.sovits, SOVITS, order)
        return self._sovits[key].session

    def load_all_tiers(self) -> None:
        """Open every tier now, so that stepping down under load costs no loading."""
        for tier in range(len(self._manifest.tiers)):
            self.sovits(tier)

    @property
    def _providers(self) -> Sequence[str]:
        return self._manifest.providers if self.settings.providers is None else self.settings.providers

    def _open(self, path: str, role: str, providers: Sequence[str]) -> Chosen:
        chosen = choose_session(
            self._folder / path,
            providers,
            SessionSettings(self.settings.threads),
            lambda session: make_self_test(role, session, self._manifest.audio),
            self.settings.on_switch,
            self.settings.opening,
        )
        check_shapes(path, role, chosen.session, self._manifest.audio)
        return chosen

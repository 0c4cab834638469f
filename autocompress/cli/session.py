"""One run on the command line: plan, search, produce, with progress and a way to go on after Ctrl-C."""

import json
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import typer

from autocompress.cli.front_text import result_text
from autocompress.cli.options import run_document
from autocompress.cli.plan_text import plan_text
from autocompress.cli.search_progress import SearchProgress
from autocompress.errors import AutocompressError

if TYPE_CHECKING:
    from autocompress.bundle import Bundle
    from autocompress.planner import ModelChoice, Plan, SearchSettings


class Session:
    """Steps of a run in its folder ``out``; ``show`` prints what came of it."""

    def __init__(self, out: Path, quiet: bool) -> None:
        self.out = out
        self.progress = SearchProgress(quiet)
        self.planned: Plan | None = None
        self.document: dict[str, Any] = {}
        self.bundle: Bundle | None = None
        self.pick = "best"

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()
        if isinstance(error, KeyboardInterrupt):
            if (self.out / "front.json").is_file():
                print(
                    f"See what was found: {shlex.join(['autocompress', 'front', str(self.out)])}",
                    file=sys.stderr,
                )
            print(f"Go on with: {shlex.join(['autocompress', *sys.argv[1:]])}", file=sys.stderr)
            raise typer.Exit(130) from error

    def plan(
        self,
        request: str,
        model: "ModelChoice",
        space: str,
        override: Iterable[str],
        settings: "SearchSettings",
    ) -> None:
        """Plan and echo it; an InfeasibleError when nothing can hold the limits."""
        from autocompress.pipeline.compose import plan

        self.progress.stage("plan")
        self.planned = plan(request, model, space=space, override=override, settings=settings)
        self.progress.note(plan_text(self.planned, brief=True))
        self.progress.plan(settings.trials, settings.seconds)
        self.planned.require_feasible()

    def search(self, sensitivity: bool = False) -> None:
        from autocompress.pipeline.compose import search

        assert self.planned is not None, "plan first"
        watch, stage = self.progress.watch, self.progress.stage
        search(self.planned, self.out, sensitivity=sensitivity, watch=watch, stage=stage)
        self.document = run_document(self.out)

    def open(self) -> None:
        """An earlier search of the folder."""
        self.document = run_document(self.out)

    def produce(
        self,
        pick: str,
        folder: Path | None = None,
        distil: str = "auto",
        recordings: Path | None = None,
        fallback: str | None = None,
    ) -> None:
        """A bundle of one point of the front, trained as ``distil`` says; ``fallback`` is another point."""
        from autocompress.pipeline.compose import produce
        from autocompress.pipeline.run_folder import picked_candidate
        from autocompress.pipeline.saved_plan import find_plan, saved_model
        from autocompress.production.settings import read_steps

        candidate = picked_candidate(self.document, pick, self.out)
        self.pick = pick
        place = folder or self.out / "bundle"
        command = shlex.join(["autocompress", *sys.argv[1:]])
        if self.planned is None:  # the run's own plan: the bundle may lie outside of the run
            saved = find_plan(self.out)
            known, device = saved_model(saved), str(saved["device"])
        else:
            known, device = self.planned.model, self.planned.request.device
        told: dict[str, Any] = {"stage": self.progress.stage, "command": command}
        training: dict[str, Any] = {"distil_steps": read_steps(distil), "recordings": recordings}
        if fallback is not None:
            training["fallback"] = picked_candidate(self.document, fallback)
        self.bundle = produce(candidate, place, teacher=known, device=device, **told, **training)

    def report(self) -> None:
        """The page of the run as far as it costs nothing: without letting every point speak."""
        from autocompress.pipeline.run_report import report

        self.progress.stage("report")
        try:
            report(self.out, audio=False)
        except AutocompressError as error:  # the run is finished all the same
            self.progress.note(f"no report: {error}")

    def show(self, as_json: bool) -> None:
        """The last screen, or one JSON document."""
        if as_json:
            print(json.dumps(self._json(), ensure_ascii=False))
        else:
            print(result_text(self.document, self.pick, self.out, self.bundle))

    def _json(self) -> dict[str, Any]:
        result: dict[str, Any] = {"run": str(self.out), "front": self.document}
        if (page := self.out / "report.html").is_file():
            result["report"] = str(page)
        if self.bundle is not None:
            manifest = json.loads(self.bundle.manifest.to_json())
            result["bundle"] = {"path": str(self.bundle.folder), "manifest": manifest}
        return result

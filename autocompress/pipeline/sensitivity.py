"""``sensitivity.json`` of a run: what every decision loses alone, as measured so far or in full."""

import json
from collections.abc import Callable

from autocompress.space import Candidate
from autocompress.study import Study
from autocompress.study.encoding import Encoding
from autocompress.study.known_sensitivity import known_sensitivity

SENSITIVITY = "sensitivity.json"


def save_sensitivity(study: Study, *, in_full: bool) -> None:
    """Write the table of a run; ``in_full`` measures what the search has not, one evaluation a decision."""
    table = study.sensitivity() if in_full else known_sensitivity(Encoding(study.space), known_loss(study))
    draft = study.folder / f".{SENSITIVITY}.draft"
    draft.write_text(json.dumps(table.to_dict()), "utf-8")
    draft.replace(study.folder / SENSITIVITY)


def known_loss(study: Study) -> Callable[[Candidate], float | None]:
    """Loss of quality at the first rung from the store; None for what is not there or has failed."""
    rung, seed = study.settings.rungs[0], study.settings.seed
    (objective,) = [o for o in study.task.objectives if o.key not in ("size_mb", "latency_s")]

    def loss(candidate: Candidate) -> float | None:
        found = study.store.get(study.fingerprint.key(candidate, rung, seed))
        if found is None or objective.key not in found.measurements:
            return None
        return objective.loss(found.measurements[objective.key].value)

    return loss

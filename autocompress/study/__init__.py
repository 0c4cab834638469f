"""The search: ask, evaluate, tell; rungs, store, resume, sensitivity, solver, front. Loads no torch."""

from autocompress.study.evaluation import RUNGS, Evaluate, Evaluation, Rung, Task
from autocompress.study.fingerprint import Fingerprint
from autocompress.study.front import Front
from autocompress.study.loop import Progress
from autocompress.study.settings import Budget, Settings
from autocompress.study.store import EvaluationStore
from autocompress.study.study import Study
from autocompress.study.trial import Trial

__all__ = [
    "RUNGS",
    "Budget",
    "Evaluate",
    "Evaluation",
    "EvaluationStore",
    "Fingerprint",
    "Front",
    "Progress",
    "Rung",
    "Settings",
    "Study",
    "Task",
    "Trial",
]

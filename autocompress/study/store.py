"""Every evaluation by its content address, and the trials of every run, in any SQL database.

Only what is finished is written, so a killed search leaves no half-done trial behind.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import DatabaseError, OperationalError

from autocompress.errors import RunError
from autocompress.objectives import Measurement
from autocompress.space import Candidate, Point
from autocompress.study.evaluation import Evaluation, Rung
from autocompress.study.trial import Trial

_SCHEMA = sa.MetaData()
_LONG = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")  # their TEXT ends at 64 KB
_EVALUATIONS = sa.Table(
    "autocompress_evaluations",
    _SCHEMA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("candidate", sa.String(16), index=True, nullable=False),
    sa.Column("rung", sa.String(16), nullable=False),
    sa.Column("result", _LONG, nullable=False),
    sa.Column("made_at", sa.String(32), nullable=False),
)
_TRIALS = sa.Table(
    "autocompress_trials",
    _SCHEMA,
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("rung", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("fields", _LONG, nullable=False),
    sa.Column("touched_at", sa.String(32), nullable=False),
)
_RUNS = sa.Table(
    "autocompress_runs",
    _SCHEMA,
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("fields", _LONG, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False, default=0.0),
)
# Built once: building these anew costs more than running them.
_RESULT = sa.select(_EVALUATIONS.c.result).where(_EVALUATIONS.c.key == sa.bindparam("at"))
_FORGET = _TRIALS.delete().where(_TRIALS.c.run == sa.bindparam("of"), _TRIALS.c.number == sa.bindparam("at"))
_SPENT = _RUNS.update().where(_RUNS.c.run == sa.bindparam("of")).values(seconds=sa.bindparam("so_far"))


class EvaluationStore:
    """Evaluations and trials behind one SQLAlchemy URL; safe to be killed between any two statements."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = _engine(url)
        self._add = _adding(_EVALUATIONS, self._engine.dialect.name)
        with self._guarded():
            _SCHEMA.create_all(self._engine)

    def get(self, key: str) -> Evaluation | None:
        """The evaluation at ``key``, if it was ever made."""
        with self._guarded(), self._engine.connect() as connection:
            text = connection.execute(_RESULT, {"at": key}).scalar()
        return None if text is None else Evaluation.from_json(text)

    def save(
        self, entries: Sequence["Entry"], run: str = "", trials: Sequence[Trial] = (), seconds: float = 0.0
    ) -> None:
        """Write evaluations, trials and the run's time in one transaction; what is there already stays."""
        with self._guarded(), self._engine.begin() as connection:
            for entry in entries:
                connection.execute(self._add, entry)
            for trial in trials:
                connection.execute(_FORGET, {"of": run, "at": trial.number})
                connection.execute(_TRIALS.insert(), _trial_row(run, trial))
            if run:
                connection.execute(_SPENT, {"of": run, "so_far": seconds})

    def trials(self, run: str) -> list[Trial]:
        """Every trial of ``run`` in the order of its numbers."""
        query = sa.select(_TRIALS.c.fields).where(_TRIALS.c.run == run).order_by(_TRIALS.c.number)
        with self._guarded(), self._engine.connect() as connection:
            return [_trial_from(json.loads(text)) for text in connection.execute(query).scalars()]

    def run_seconds(self, run: str) -> float:
        """Time spent on ``run`` so far."""
        query = sa.select(_RUNS.c.seconds).where(_RUNS.c.run == run)
        with self._guarded(), self._engine.connect() as connection:
            return float(connection.execute(query).scalar() or 0.0)

    def runs(self) -> list[str]:
        """Names of all runs."""
        with self._guarded(), self._engine.connect() as connection:
            return [str(row[0]) for row in connection.execute(sa.select(_RUNS.c.run).order_by(_RUNS.c.run))]

    def open_run(self, run: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What the run ``run`` was made for; ``fields`` are saved when it is new."""
        query = sa.select(_RUNS.c.fields).where(_RUNS.c.run == run)
        text = json.dumps(dict(fields), sort_keys=True)
        with self._guarded(), self._engine.begin() as connection:
            known = connection.execute(query).scalar()
            if known is None:
                connection.execute(_RUNS.insert(), {"run": run, "fields": text, "seconds": 0.0})
        return dict(json.loads(known or text))

    def points(self, kin: Mapping[str, Any]) -> list[Point]:
        """Points of the complete trials of every run whose fields agree with ``kin``, each once."""
        with self._guarded(), self._engine.connect() as connection:
            runs = connection.execute(sa.select(_RUNS.c.run, _RUNS.c.fields)).all()
        alike = [run for run, text in runs if kin.items() <= json.loads(text).items()]
        trials = (t for run in sorted(alike) for t in self.trials(run) if t.state == "complete")
        return list({t.candidate.id: t.point for t in trials}.values())

    def count(self) -> int:
        """Number of evaluations."""
        with self._guarded(), self._engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(_EVALUATIONS)).scalar_one())

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, DatabaseError) as error:
            raise RunError(
                f"the store {self._engine.url!r} failed: {error.orig}. Everything finished so far is kept; "
                "put right what it says (space on the disk, access) and run the same command to go on."
            ) from error


Entry = dict[str, str]


def entry(key: str, candidate: Candidate, rung: Rung, evaluation: Evaluation) -> Entry:
    """One evaluation as :meth:`EvaluationStore.save` takes it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "key": key,
        "candidate": candidate.id,
        "rung": rung,
        "result": evaluation.to_json(),
        "made_at": now,
    }


def _engine(url: str) -> sa.Engine:
    try:
        engine = sa.create_engine(url)
    except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
        raise RunError(f"storage {url!r} is not a usable SQLAlchemy URL: {error}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable)
    return engine


def _durable(connection: Any, _: Any) -> None:
    """Write-ahead log with a sync at every commit: readers never block, and a power cut loses no commit."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _adding(table: sa.Table, dialect: str) -> sa.Insert:
    """An insert that leaves a row that is there: another search on the store may just have written it."""
    if dialect in ("mysql", "mariadb"):
        return table.insert().prefix_with("IGNORE")
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    key, *_ = table.primary_key.columns
    absent = ~sa.exists().where(key == sa.bindparam(key.name))
    given = sa.select(*(sa.bindparam(c.name, type_=c.type) for c in table.columns)).where(absent)
    return table.insert().from_select(list(table.columns.keys()), given)


def _trial_row(run: str, trial: Trial) -> dict[str, Any]:
    fields = {
        "number": trial.number,
        "point": dict(trial.point),
        "values": dict(trial.candidate.values),
        "rung": trial.rung,
        "state": trial.state,
        "measurements": [m.to_dict() for m in trial.measurements.values()],
        "failure": trial.failure,
        "seconds": trial.seconds,
        "origin": trial.origin,
    }
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "run": run,
        "number": trial.number,
        "rung": trial.rung,
        "state": trial.state,
        "fields": json.dumps(fields),
        "touched_at": now,
    }


def _trial_from(fields: dict[str, Any]) -> Trial:
    seen = (Measurement.from_dict(m) for m in fields.pop("measurements"))
    candidate = Candidate(fields.pop("values"))
    return Trial(candidate=candidate, measurements={m.key: m for m in seen}, **fields)

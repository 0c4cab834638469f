"""Rounds at the times of a crontab expression."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from autocompress.errors import RequestError

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger


def run_on_schedule(cron: str, work: Callable[[], object]) -> None:
    """Call ``work`` at every time of ``cron`` (five fields, local time), one at a time, until interrupted."""
    from apscheduler.schedulers.blocking import BlockingScheduler

    scheduler = BlockingScheduler()
    scheduler.add_job(work, cron_trigger(cron), max_instances=1, coalesce=True, misfire_grace_time=None)
    try:
        scheduler.start()
    finally:
        if scheduler.running:
            scheduler.shutdown(wait=False)


def next_time(cron: str, after: datetime) -> datetime | None:
    """When ``cron`` comes next."""
    found: datetime | None = cron_trigger(cron).get_next_fire_time(None, after)
    return found


def cron_trigger(cron: str) -> "CronTrigger":
    """The expression as a trigger; raises RequestError that shows what one looks like."""
    from apscheduler.triggers.cron import CronTrigger

    try:
        return CronTrigger.from_crontab(cron)
    except ValueError as error:
        raise RequestError(
            f"--cron {cron!r} is no crontab expression: {error}. Five fields: minute hour day month weekday, "
            'for example "0 3 * * *" for every night at three.'
        ) from error

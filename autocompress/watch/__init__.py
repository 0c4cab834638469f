"""Scheduled re-search: what is new or changed among devices and models becomes a new front."""

from autocompress.watch.requests_file import WatchedRequest, read_requests
from autocompress.watch.schedule import run_on_schedule
from autocompress.watch.watcher import Ask, Outcome, Round, Search, watch_once

__all__ = [
    "Ask",
    "Outcome",
    "Round",
    "Search",
    "WatchedRequest",
    "read_requests",
    "run_on_schedule",
    "watch_once",
]

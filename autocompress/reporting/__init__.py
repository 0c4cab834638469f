"""The report: a run folder becomes one HTML file, and figures for papers."""

from autocompress.reporting.data import ReportData
from autocompress.reporting.make import read_run, report, write_figures, write_page

__all__ = ["ReportData", "read_run", "report", "write_figures", "write_page"]

"""The nightly report: one frozen ReportData, and its HTML, CSV and JSON forms."""

from reconcilers.report.build import build_report_data
from reconcilers.report.data import ReportData
from reconcilers.report.files import ReportFiles, write_report

__all__ = ["ReportData", "ReportFiles", "build_report_data", "write_report"]

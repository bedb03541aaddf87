"""The nightly report: one frozen ReportData, and its HTML, CSV and JSON forms."""

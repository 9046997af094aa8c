"""Builds the report of a run: HTML, Markdown and JSON."""

from harness.report.build import build, load

__all__ = ["build", "load"]

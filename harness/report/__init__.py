"""One model of a table, printed to HTML, Markdown, JSON and terminal."""

from harness.report.build import build, load

__all__ = ["build", "load"]

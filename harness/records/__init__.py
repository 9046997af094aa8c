"""Rows at the edges, the journal of what was paid for, the run directory."""

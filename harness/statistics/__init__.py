"""Numbers with intervals: pure functions of arrays."""

"""An experiment, read once, and its run: composes the stages."""

"""First-party plugins; they come in by the same entry points as anyone's."""

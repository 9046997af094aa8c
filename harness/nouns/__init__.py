"""The nouns of the harness: what everything else is written in; imports no other room."""

"""What everything else is written in; imports no other room."""

"""Labels as tables: who said what of which item; pure functions."""

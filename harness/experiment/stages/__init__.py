"""The stages of a run, one file each: functions on plain tables that runs and commands share."""

"""What runs inside the sandbox's own processes: the standard library only, nothing of harness."""

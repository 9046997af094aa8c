"""What a judge is shown and how its reply is read: templates and parsers.

Below all stages; plugins reach it through ``harness.plugin``.
"""

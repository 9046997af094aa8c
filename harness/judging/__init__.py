"""What a judge is shown and how its answer is read: templates, delimiters, parsers, soft labels.

Below all stages; plugins reach it through ``harness.plugin``.
"""

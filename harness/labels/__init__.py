"""Reading labels that people gave: tables and exports of annotation tools, to HumanLabel rows.

    file -> files.Table -> (exports: flat rows) -> labels.LabelReader -> HumanLabel rows

Nothing here is imported by name from the package itself, so that the human adapter can use
``values`` while ``labels`` uses the adapter.
"""

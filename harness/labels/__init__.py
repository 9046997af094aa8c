"""The only reader of label tables: tables and exports of annotation tools, to labels.

    file -> files.Table -> (exports: flat rows) -> read_labels -> HumanLabel rows
                                                      ratings  -> RatingTable

``human_csv``, ``label_page`` and ``import-labels`` take the rows, ``agree`` and ``aggregate`` the
rating table that is made of them.
"""

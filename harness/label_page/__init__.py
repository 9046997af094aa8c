"""The web page on which people give labels; a click is durable at once.

requests -> queue.Queue -> pages.create_app (Starlette) -> store.LabelStore (SQLite) -> labels
"""

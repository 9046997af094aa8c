"""A local web page on which people give labels; every click is durable before the next item shows.

requests -> queue.Queue -> pages.create_app (Starlette) -> store.LabelStore (SQLite) -> labels
"""

"""Starting the server: a socket first, so that its address is known and a taken port an error."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import quote

from harness.label_page.access import OWNER, Access
from harness.nouns.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from starlette.applications import Starlette


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Args:
        host: Address of an interface; a loopback one is reached from this machine only.
        port: 0 takes any free one.

    Raises:
        InputError: The address cannot be used, or the port is taken.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise InputError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            hint="another --port, or --port 0 for any free one",
        ) from error
    listener.listen(128)
    return listener


def address_of(listener: socket.socket, access: Access) -> str:
    """Return the address that people open."""
    if access.origin:
        return access.origin.rstrip("/")
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def links(address: str, access: Access) -> dict[str, str]:
    """Return the link of each person, and of the owner; a token stands after #, out of all logs."""
    if not access.tokens:
        people = {name: f"{address}/enter" for name in access.people}
        return {**(people or {"anyone on this machine": address}), OWNER: f"{address}/owner"}
    names = (*access.people, OWNER)
    return {name: f"{address}/enter#{quote(access.token(name))}" for name in names}


def serve(app: Starlette, listener: socket.socket) -> None:
    """Answer requests until the process is interrupted.

    Raises:
        MissingExtraError: uvicorn is not installed.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise MissingExtraError("uvicorn", "label") from error
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, ws="none", lifespan="off"
    )
    uvicorn.Server(config).run(sockets=[listener])

"""Starting the server: a socket first, so that its address is known and a taken port an error."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from harness.label_page.access import OWNER, Access, is_loopback
from harness.label_page.formatting import Formatter
from harness.label_page.page import LabelPage
from harness.label_page.pages import create_app
from harness.label_page.queue import Queue
from harness.label_page.store import LabelStore
from harness.nouns.errors import ConfigError, InputError, MissingExtraError
from harness.nouns.schema import JudgmentRequest


@dataclass(frozen=True, slots=True)
class PageSettings:
    """One label page.

    Args:
        store: SQLite file of the labels; the page goes on where it stopped.
        people: Who labels; empty lets anyone on this machine give a name.
        people_per_task: Stop asking when so many labelled a task; None for all.
        seed: Decides order and sides, for each person.
        host: Address to listen on; beyond loopback every person has a token.
        port: 0 takes any free one.
        tokens: Tokens on loopback, too.
        origin: Public address behind a proxy, as https://labels.example.org; "" for none.
        title: Heading of the pages.

    Raises:
        ConfigError: A name is not allowed, tokens are needed and there are no people, or the
            origin is no address.
    """

    store: Path = Path("labels.sqlite")
    people: tuple[str, ...] = ()
    people_per_task: int | None = None
    seed: int = 0
    host: str = "127.0.0.1"
    port: int = 8017
    tokens: bool = False
    origin: str = ""
    title: str = "Labels"

    def __post_init__(self) -> None:
        """Check what must hold before a page is opened."""
        if OWNER in self.people:
            raise ConfigError(f"{OWNER} is no name of a person")
        # A proxy makes a page on loopback reachable from elsewhere.
        exposed = self.tokens or bool(self.origin) or not is_loopback(self.host)
        if exposed and not self.people:
            raise ConfigError(
                "beyond this machine, and with --tokens, --people is needed: each person gets a"
                " token"
            )
        if self.origin and not self.origin.startswith(("http://", "https://")):
            raise ConfigError(
                f"--origin is {self.origin!r}", hint="give it as https://labels.example.org"
            )

    @property
    def unencrypted(self) -> bool:
        """Whether other machines reach the page without a proxy before it."""
        return not is_loopback(self.host) and not self.origin


@dataclass(frozen=True, slots=True)
class OpenPage:
    """A page that listens already."""

    page: LabelPage
    listener: socket.socket

    @property
    def address(self) -> str:
        """The address that people open."""
        if self.page.access.origin:
            return self.page.access.origin.rstrip("/")
        host, port = self.listener.getsockname()[:2]
        if host in ("0.0.0.0", "::"):
            host = socket.gethostname()
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def serve(self) -> None:
        """Answer requests until the process is interrupted.

        Raises:
            MissingExtraError: uvicorn is not installed.
        """
        try:
            from harness.label_page.connections import serve
        except ImportError as error:
            raise MissingExtraError("uvicorn", "label") from error
        serve(create_app(self.page), self.listener)


@contextmanager
def open_page(
    requests: Sequence[JudgmentRequest], uncertainty: Mapping[str, float], settings: PageSettings
) -> Iterator[OpenPage]:
    """Open a page on which people label requests; nothing is lost when it closes.

    Args:
        requests: All pairs or all single responses.
        uncertainty: How unsure judges are, by request id; what they are unsure of is first.
        settings: Of the page.

    Raises:
        InputError: The address cannot be used, another page uses the store, or nobody can write it.
        MissingExtraError: starlette is not installed.
    """
    try:
        import starlette  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("starlette", "label") from error
    with (
        closing(bind(settings.host, settings.port)) as listener,
        closing(LabelStore(settings.store, requests[0].way)) as store,
        closing(Formatter()) as formatter,
    ):
        access = Access(
            store.secret, settings.people, settings.host, settings.tokens, settings.origin
        )
        queue = Queue(requests, uncertainty, settings.seed, settings.people_per_task)
        page = LabelPage(queue, store, access, formatter, settings.title)
        yield OpenPage(page, listener)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an interface's address; port 0 takes any free one.

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


def links(address: str, access: Access) -> dict[str, str]:
    """Return the link of each person, and of the owner; a token stands after #, out of all logs."""
    if not access.tokens:
        people = {name: f"{address}/enter" for name in access.people}
        return {**(people or {"anyone on this machine": address}), OWNER: f"{address}/owner"}
    names = (*access.people, OWNER)
    return {name: f"{address}/enter#{quote(access.token(name))}" for name in names}

"""A door in front of real servers: it passes everything on, until it is told to do something else to whoever knocks."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

from tests.integrations.fault_server import Behaviour, Connection, FaultServer, answer, hang, trickle

HEAD = b"HTTP/1.1 200 OK\r\n"
REFUSED = "refused"
_KEPT = ("content-type", "content-encoding", "date")


class Door(FaultServer):
    """`behind` maps the first part of a path to the server that it leads to. `fault` is what happens instead of
    passing on; None: nothing. With a certificate and its key it speaks TLS."""

    def __init__(self, behind: Mapping[str, str], pair: tuple[Path, Path] | None = None) -> None:
        super().__init__()
        self.behind, self.fault = behind, None  # type: tuple[Mapping[str, str], Behaviour | None]
        self.behave = lambda connection: (self.fault or self.pass_on)(connection)
        self._shut = False
        if pair is not None:
            self.present(*pair)

    def url_of(self, name: str) -> str:
        """Where a server is reached through it."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/{name}"

    tls: ssl.SSLContext | None = None

    def present(self, certificate: Path, key: Path) -> None:
        """Speaks TLS with this certificate from the next connection on."""
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate, key)
        self._server.get_request = self._accept  # type: ignore[method-assign]

    def _accept(self) -> tuple[ssl.SSLSocket, object]:
        assert self.tls is not None
        connection, address = self._server.socket.accept()
        connection.settimeout(2)
        secured = self.tls.wrap_socket(connection, server_side=True)
        secured.settimeout(None)
        return secured, address

    def shut(self) -> None:
        """Refuses connections, until it is opened again on the same port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._shut = True

    def open(self) -> None:
        """Takes connections again; nothing if it does already."""
        if not self._shut:
            return
        self._server = type(self._server)(("127.0.0.1", self.port), self._server.RequestHandlerClass)
        if self.tls is not None:
            self._server.get_request = self._accept  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self._shut = False

    def close(self) -> None:
        self.open()
        super().close()

    def pass_on(self, connection: Connection, ahead: timedelta = timedelta(0)) -> None:
        """Asks the server behind, and answers as it did, with its clock `ahead`."""
        request = connection.request
        name, _, path = request.target.lstrip("/").partition("/")
        upstream = http.client.HTTPConnection(urlsplit(self.behind[name]).netloc, timeout=10)
        try:
            headers = {key: text for key, text in request.headers.items() if key not in ("host", "connection")}
            upstream.request(request.method, f"/{path}", request.body or None, headers)
            response = upstream.getresponse()
            body = response.read()
            kept = {key.lower(): text for key, text in response.getheaders() if key.lower() in _KEPT}
        finally:
            upstream.close()
        if ahead:
            kept["date"] = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
        answer(response.status, body, **kept)(connection)


def echo(status: int, text: str, **headers: str) -> Behaviour:
    """An answer that holds whatever came: the path, the key, the body; in `headers`, too, where they say {}."""

    def behave(connection: Connection) -> None:
        request = connection.request
        keys = " ".join(request.headers.get(name, "") for name in ("authorization", "x-api-key"))
        came = f"{request.target} {keys} {request.body[:300].decode()}"
        query = quote(came.replace("\n", " "), safe="")
        fields = {name: value.replace("{}", query) for name, value in headers.items()}
        answer(status, {"error": {"message": f"{text} {came}"}, "error_": came}, **fields)(connection)

    return behave


def faults(door: Door, evil: str) -> dict[str, Behaviour | str]:
    """What can go wrong with a server, by its name. `evil` is another host, which must never hear of us."""
    return {
        REFUSED: REFUSED,
        "hung": hang,
        "slow body": trickle(HEAD + b"Content-Length: 99999\r\n\r\n", b" "),
        "half a JSON": answer(200, b'{"status": "success", "incidents": [{"id"'),
        "wrong types": answer(200, {"status": 5, "data": [1], "incidents": {"id": 5}, "oncalls": "x"}),
        "missing keys": answer(200, {}),
        "401": echo(401, "who is"),
        "403": echo(403, "not for"),
        "429": echo(429, "slow down,", Retry_After="1"),
        "500": echo(500, "oops\x1b[2J"),
        "redirect": echo(302, "gone", Location=f"{evil}/?{{}}"),
        "clock 90 s off": lambda connection: door.pass_on(connection, timedelta(seconds=90)),
    }

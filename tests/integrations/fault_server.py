"""A server on loopback that does to a client whatever a test wants."""

import json
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))


@dataclass
class Connection:
    """What a behaviour may do."""

    request: Request
    sock: socket.socket
    stop: threading.Event

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)


Behaviour = Callable[[Connection], None]


def answer(status: int = 200, body: bytes | str | object = b"", /, **headers: str) -> Behaviour:
    """A whole answer; what is neither bytes nor str goes as JSON. Underscores in header names become hyphens."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    fields = {"Content-Length": str(len(data))} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())

    def behave(connection: Connection) -> None:
        connection.send(f"HTTP/1.1 {status} Word\r\n{head}\r\n".encode() + data)

    return behave


def endless(behave: object) -> bool:
    """Whether a client gets its whole answer never, and has to give up."""
    return behave is hang or getattr(behave, "endless", False)


def raw(data: bytes) -> Behaviour:
    """These bytes, and the end of the connection."""
    return lambda connection: connection.send(data)


def hang(connection: Connection) -> None:
    """No answer at all."""
    connection.stop.wait()


def trickle(start: bytes, drip: bytes) -> Behaviour:
    """A beginning, and then a drop at a time without end."""

    def behave(connection: Connection) -> None:
        connection.send(start)
        while not connection.stop.wait(0.02):
            connection.send(drip)

    behave.endless = True  # type: ignore[attr-defined]
    return behave


def reset(connection: Connection) -> None:
    """The connection is cut off hard."""
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sock.close()


class FaultServer:
    """Runs until `close`. `behave` may be exchanged at any time; `requests` keeps what came in."""

    def __init__(self) -> None:
        self.behave: Behaviour = answer(204)
        self.requests: list[Request] = []
        owner, self.stop = self, threading.Event()

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    method, target, _ = self.rfile.readline().decode().split(" ", 2)
                    headers: dict[str, str] = {}
                    while line := self.rfile.readline().strip().decode("latin-1"):
                        name, value = line.split(":", 1)
                        headers[name.lower()] = value.strip()
                    body = self.rfile.read(int(headers.get("content-length", "0")))
                    request = Request(method, target, headers, body)
                    owner.requests.append(request)
                    owner.behave(Connection(request, self.connection, owner.stop))
                except (OSError, ValueError):
                    pass  # the client has gone, or never spoke HTTP

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

            def shutdown_request(self, request: socket.socket) -> None:
                if request.fileno() >= 0:
                    super().shutdown_request(request)

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

"""Mail servers on loopback: a real one by aiosmtpd, and one that does what a test wants."""

import asyncio
import shutil
import socketserver
import ssl
import subprocess
import threading

from aiosmtpd.smtp import SMTP, AuthResult

NEEDS_OPENSSL = "needs openssl: apt-get install openssl"


def certificate(folder):
    """A certificate of 127.0.0.1's own, and its key; None without openssl."""
    if not shutil.which("openssl"):
        return None
    key, made = folder / "key.pem", folder / "certificate.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {made} -days 2 -subj /CN=127.0.0.1"
    extension = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command.split(), *extension], check=True, capture_output=True)
    return made, key


class _Session(SMTP):
    """Says which connections there are, so that none is left open."""

    def __init__(self, transports, *arguments, **options):
        super().__init__(*arguments, **options)
        self._transports = transports

    def connection_made(self, transport):
        self._transports.append(transport)
        super().connection_made(transport)


class Mailbox:
    """Keeps what it takes. `refuse` maps a recipient, or "MAIL", or "DATA" to the reply that comes instead."""

    def __init__(self, pair=None, *, tls=False, login=None):
        self.taken, self.refuse, self.logins = [], {}, []
        context = None
        if pair is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*pair)
        options = {"tls_context": context} if context and not tls else {}
        if login is not None:
            options |= {"authenticator": self._authenticate, "auth_require_tls": not tls}
        self._login = login
        began = threading.Event()

        async def serve():
            self._loop, self._stop, transports = asyncio.get_running_loop(), asyncio.Event(), []
            server = await self._loop.create_server(
                lambda: _Session(transports, self, hostname="mailbox", **options),
                "127.0.0.1",
                0,
                ssl=context if tls else None,
            )
            self.port = server.sockets[0].getsockname()[1]
            began.set()
            await self._stop.wait()
            server.close()
            for _ in range(20):  # turns of the loop: what was being accepted becomes a transport only now
                for transport in transports:
                    transport.abort()
                await asyncio.sleep(0)

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self._thread.start()
        began.wait(10)

    def close(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _authenticate(self, server, session, envelope, mechanism, data):
        found = (data.login.decode(), data.password.decode())
        self.logins.append(found)
        return AuthResult(success=found == self._login, handled=found == self._login)

    async def handle_MAIL(self, server, session, envelope, address, options):
        if "MAIL" in self.refuse:
            return self.refuse["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if "DATA" in self.refuse:
            return self.refuse["DATA"]
        self.taken.append(envelope)
        return "250 taken"


class ScriptedServer:
    """Says `replies` in turn, the first as its greeting, one for each line that comes in; then it hangs, trickles
    `drip`, or goes, as `end` says. `lines` keeps what came in."""

    def __init__(self, replies, end="hang", drip=b""):
        self.lines, self.stop = [], threading.Event()
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    for number, reply in enumerate(replies):
                        if number:
                            owner.lines.append(self.rfile.readline())
                        self.wfile.write(reply)
                    if end == "hang":
                        while not owner.stop.wait(0.02):
                            self.wfile.write(drip)
                except OSError:
                    pass  # the client has gone

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads, block_on_close = True, False

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self):
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

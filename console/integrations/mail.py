"""E-mail over SMTP, by the standard library.

A message that is sent twice has the same Message-ID both times: readers show it once. A login goes over TLS or not at
all, and a server that offers no TLS where the configuration wants it is sent nothing.
"""

from __future__ import annotations

import base64
import contextlib
import smtplib
import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

from console.integrations.http import Finding
from console.integrations.http.network import explain, late, trust
from console.model.message import Act, Delivery
from console.model.pager import ActOutcome, ActResult
from console.model.text import safe
from console.model.value import value
from console.ports import Clock, Rejected, SourceError, Uncertain
from console.settings.outside import Email
from console.view import telling

SUBJECT = 200
"""Characters of a subject line."""
WORDS = 200
"""Characters quoted of the server's own words."""
HALVES = 100
"""Deliveries that are remembered to have gone to a part of their recipients."""
SEVEN_BIT = SMTP.clone(cte_type="7bit")
"""Every relay takes it, whatever it is able to do."""


@value
class _Half:
    """What is known of a delivery that some have got: who waits for it, and who never will."""

    waiting: tuple[str, ...]
    refused: tuple[str, ...] = ()
    taken: int = 0


class Mail:
    """A `Channel` that sends to all recipients at once. `password` gives it anew for each message."""

    name = "email"
    acts = (Act.POST, Act.PAGE)

    def __init__(
        self,
        settings: Email,
        clock: Clock,
        password: Callable[[], str] | None = None,
        *,
        timeout: timedelta = timedelta(seconds=10),
    ) -> None:
        self._settings, self._clock, self._password, self._timeout = settings, clock, password, timeout
        self._halves: dict[str, _Half] = {}
        """By the delivery's id. It goes with the process: then who has it may get it again, by the same Message-ID."""

    def deliver(self, delivery: Delivery) -> ActResult:
        """Sends it: to the people named by `to` among the args, else to all recipients. The answer names those whom the
        server refused. Raises SourceError, also where somebody may be taken later: the next time it goes to those
        alone."""
        named = tuple(value for name, value in delivery.args if name == "to")
        return self._send(delivery, named or self._settings.to)

    def prove(self, delivery: Delivery) -> ActResult:
        """Sends a test, to the recipients for tests where there are some; that the server took it is the evidence.

        Raises SourceError.
        """
        return self._send(delivery, self._settings.test_to or self._settings.to)

    def probe(self) -> list[Finding]:
        """Whether the server answers, offers the TLS that is wanted, and takes the login; nothing is sent."""
        conversation = _Conversation(self._settings, self._password)
        try:
            conversation.run(self._timeout.total_seconds(), conversation.greet)
        except SourceError as error:
            todo = "correct email.host, port, security, user or password, or the network"
            return [Finding(self.name, False, str(error), todo)]
        how = {"none": "without TLS"}.get(self._settings.security, "with TLS")
        who = f", accepts the login of {self._settings.user}" if self._settings.user else ""
        what = f"{conversation.where} answers {how}{who}; nothing was sent"
        return [Finding(self.name, True, safe(what, 2 * WORDS))]

    def _send(self, delivery: Delivery, to: tuple[str, ...]) -> ActResult:
        if delivery.act not in self.acts:
            raise Rejected(f"{self.name}: cannot {delivery.act}")
        message = compose(delivery, self._settings.sender, to)
        conversation = _Conversation(self._settings, self._password)
        half = self._halves.get(delivery.id) or _Half(to)
        try:
            conversation.run(self._timeout.total_seconds(), lambda: conversation.send(message, half.waiting))
        except Rejected:
            if not (half.taken and len(conversation.refused) == len(half.waiting)):
                raise  # others have it, and these never will: that is told, and is no failure of the whole
        refused = (*half.refused, *conversation.refused)
        taken = half.taken + len(half.waiting) - len(conversation.refused) - len(conversation.later)
        text = f"{conversation.where} took it for {taken} of {len(to)}"
        if refused:
            text += "; refused: " + ", ".join(refused)
        if conversation.later:
            self._remember(delivery.id, _Half(tuple(conversation.later), refused, taken))
            raise SourceError(safe(f"email: {text}; not yet for: {', '.join(conversation.later.values())}"))
        self._halves.pop(delivery.id, None)
        return ActResult(ActOutcome.DONE, safe(text), at=self._clock.now())

    def _remember(self, delivery: str, half: _Half) -> None:
        while len(self._halves) >= HALVES:
            self._halves.pop(next(iter(self._halves)))
        self._halves[delivery] = half


def compose(delivery: Delivery, sender: str, to: tuple[str, ...]) -> EmailMessage:
    """The message. Its Message-ID comes from the delivery, and what is about one incident is one thread.

    Raises Rejected for an address that is none.
    """
    message, told = EmailMessage(SEVEN_BIT), delivery.message
    domain = _address(sender).domain
    message["From"] = _address(sender)
    message["To"] = [_address(one) for one in to]
    message["Subject"] = safe(telling.headline(told), SUBJECT)
    message["Date"] = told.at
    message["Message-ID"] = f"<{_atom(delivery.id)}@{domain}>"
    if told.subject:
        message["References"] = f"<oncall-{_atom(told.subject)}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if told.test:
        message["X-Oncall-Test"] = "true"
    lines = telling.plain(told).split("\n")
    message.set_content("\n".join(safe(line) for line in lines), charset="utf-8")
    return message


def _atom(text: str) -> str:
    """`text` as a Message-ID may hold it."""
    return "".join(one if one.isascii() and (one.isalnum() or one in "-_.") else "_" for one in text)[:100]


def _address(text: str) -> Address:
    """An address that a header and an envelope can carry. Raises Rejected."""
    name, plain = parseaddr(text)
    try:
        if not plain.isascii() or not text.isprintable() or " " in plain:
            raise ValueError
        found = Address(name, addr_spec=plain)
        if not (found.username and found.domain):
            raise ValueError
    except Exception:  # email's parser raises more kinds than it names
        raise Rejected(f"email: {safe(text, 100)!r} is no address that mail can go to") from None
    return found


class _Conversation:
    """One connection to the server, in a thread of its own, so that nothing holds the caller beyond its deadline."""

    def __init__(self, settings: Email, password: Callable[[], str] | None) -> None:
        self.where = f"{settings.host}:{settings.port}"
        self.refused: list[str] = []
        self.later: dict[str, str] = {}
        """Who may be taken another time, each with the server's words."""
        self._settings, self._password = settings, password
        self._secrets: list[str] = []
        self._smtp: smtplib.SMTP | None = None
        self._handed_over = self._given_up = False
        self._lock = threading.Lock()
        self._done = threading.Event()

    def run(self, timeout: float, work: Callable[[], None]) -> None:
        """Carries out `work`, at most for `timeout` seconds. Raises SourceError."""
        settings = self._settings
        if settings.user and settings.security == "none":
            raise Rejected(f"email: a login at {self.where} without TLS would show the password; set security")
        outcome: list[SourceError] = []

        def thread() -> None:
            try:
                self._connect(2 * timeout)  # so that it is the deadline that ends it, and not one wait of several
                work()
            except SourceError as error:
                outcome.append(error)
            except Exception as error:
                # smtplib's own words may hold what the server was told.
                outcome.append(self._fault(error))
            finally:
                self._done.set()
                self._hang_up()

        threading.Thread(target=thread, name="smtp", daemon=True).start()
        if not self._done.wait(timeout):
            with self._lock:
                self._given_up = True
                error = self._unanswered(late(timeout))
            self._hang_up()
            raise error
        if outcome:
            raise outcome[0]

    def greet(self) -> None:
        """Says who we are, and logs in."""
        settings, smtp = self._settings, self._smtp
        assert smtp is not None
        smtp.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            if not smtp.has_extn("starttls"):
                raise Rejected(f"email: {self.where} offers no TLS, and security is starttls: nothing was sent")
            smtp.starttls(context=trust())
            smtp.ehlo_or_helo_if_needed()
        if settings.user:
            self._log_in(smtp)

    def send(self, message: EmailMessage, to: tuple[str, ...]) -> None:
        """Hands the message over for all who are not refused. Raises Rejected or SourceError when nobody is left."""
        self.greet()
        smtp = self._smtp
        assert smtp is not None
        self._expect("the sender", smtp.mail(_address(self._settings.sender).addr_spec))
        codes = []
        for one in to:
            code, words = smtp.rcpt(_address(one).addr_spec)
            if code not in (250, 251):
                codes.append((code, words))
                said = f"{one} ({self._words(code, words)})"
                if 500 <= code <= 599:
                    self.refused.append(said)
                else:
                    self.later[one] = said
        if len(codes) == len(to):
            # One who may be taken later is reason enough to try again.
            code, words = min(codes, default=(550, b"there is no recipient"))
            raise self._refusal("every recipient", code, words)
        with self._lock:
            if self._given_up:  # nothing may go out after the caller was told that nothing did
                return
            self._handed_over = True
        self._expect("the message", smtp.data(message.as_bytes()))

    def _connect(self, timeout: float) -> None:
        settings = self._settings
        # Our name to the server is the sender's domain: asking a resolver for this machine's may take its time.
        ours = _address(settings.sender).domain
        if settings.security == "tls":
            self._smtp = smtplib.SMTP_SSL(local_hostname=ours, timeout=timeout, context=trust())
        else:
            self._smtp = smtplib.SMTP(local_hostname=ours, timeout=timeout)
        # smtplib checks the certificate against the name that its constructor was given.
        self._smtp._host = settings.host  # type: ignore[attr-defined]
        self._expect("the connection", self._smtp.connect(settings.host, settings.port))

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        user, secret = self._settings.user, self._settings.password
        try:
            password = self._password().strip() if self._password else ""
        except Exception as error:
            raise Rejected(f"email: the password {secret} cannot be read ({type(error).__name__})") from None
        both = f"\0{user}\0{password}"
        self._secrets = [password, *(base64.b64encode(text.encode()).decode() for text in (password, both))]
        try:
            smtp.login(user, password)
        except smtplib.SMTPAuthenticationError as error:
            raise self._refusal(f"the login of {user}; check {secret}", error.smtp_code, error.smtp_error) from None

    def _expect(self, what: str, reply: tuple[int, bytes]) -> None:
        if not 200 <= reply[0] <= 299:
            raise self._refusal(what, *reply)

    def _refusal(self, what: str, code: int, words: bytes | str) -> SourceError:
        kind = Rejected if 500 <= code <= 599 else SourceError
        return kind(safe(f"email: {self.where} refuses {what}: {self._words(code, words)}", 4 * WORDS))

    def _words(self, code: int, words: bytes | str) -> str:
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
        for secret in filter(None, self._secrets):
            text = text.replace(secret, "***")
        return safe(" ".join(f"{code} {text}".split()), WORDS)

    def _fault(self, error: Exception) -> SourceError:
        if isinstance(error, smtplib.SMTPDataError):
            return self._refusal("the message", error.smtp_code, error.smtp_error)
        if isinstance(error, smtplib.SMTPResponseException):
            return self._refusal("us", error.smtp_code, error.smtp_error)
        if isinstance(error, smtplib.SMTPServerDisconnected):
            return self._unanswered("cuts the connection off, or speaks no SMTP")
        if type(error) in (smtplib.SMTPException, smtplib.SMTPNotSupportedError):
            return Rejected(f"email: {self.where} offers no login that we know")
        return self._unanswered(explain(error) or f"cannot be used ({type(error).__name__})")

    def _unanswered(self, reason: str) -> SourceError:
        text = safe(f"email ({self.where}): {reason}", 2 * WORDS)
        return Uncertain(f"{text}; it may or may not have been sent") if self._handed_over else SourceError(text)

    def _hang_up(self) -> None:
        """Leaves politely when all went well, else cuts the connection under whoever reads from it."""
        smtp = self._smtp
        if smtp is None:
            return
        with contextlib.suppress(OSError, smtplib.SMTPException):
            if self._done.is_set():
                smtp.quit()
        if smtp.sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(smtp.sock, socket.SHUT_RDWR)
        smtp.close()

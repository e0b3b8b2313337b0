"""E-mail, against aiosmtpd and against servers that misbehave."""

import email.policy
import socket
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes

import pytest

from console.integrations.mail import Mail, compose
from console.model.message import Act
from console.model.pager import ActOutcome
from console.model.text import safe
from console.ports import Rejected, SourceError, Uncertain
from console.settings.outside import Email, SecretRef
from console.view import telling
from tests.fakes.deliveries import EACH_HOSTILE, delivery, hostile
from tests.fakes.mailbox import NEEDS_OPENSSL, Mailbox, ScriptedServer, certificate
from tests.integrations.conftest import CANARY, MIXED, PLENTY, TIMEOUT, failing, told_after
from tests.timing import in_time

ANN, BEN = "ann@example.com", "ben@example.com"
PLAIN = Email("127.0.0.1", 0, "On-call <oncall@example.com>", (ANN, BEN), "none")


@pytest.fixture
def serve():
    """Starts a server that is closed after the test."""
    begun = []

    def start(server):
        begun.append(server)
        return server

    yield start
    for server in begun:
        server.close()


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    made = certificate(tmp_path_factory.mktemp("tls"))
    if made is None:
        pytest.skip(NEEDS_OPENSSL)
    return made


@pytest.fixture
def trusted(pair, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    return pair


def mail_to(server, clock, timeout=PLENTY, **changes):
    settings = replace(PLAIN, port=server.port, **changes)
    return Mail(settings, clock, lambda: CANARY, timeout=timedelta(seconds=timeout))


def read(envelope):
    return message_from_bytes(envelope.content, policy=email.policy.default)


def test_everybody_gets_the_whole_message(serve, clock):
    box = serve(Mailbox())
    found = mail_to(box, clock).deliver(delivery())
    assert found.outcome is ActOutcome.DONE
    assert found.text == f"127.0.0.1:{box.port} took it for 2 of 2"
    (envelope,) = box.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("oncall@example.com", [ANN, BEN])
    message = read(envelope)
    assert message["From"] == "On-call <oncall@example.com>"
    assert message["To"] == f"{ANN}, {BEN}"
    assert message["Subject"] == "INC-12 SEV1 lighthouse/production: Error budget burns"
    assert message["Date"].datetime == delivery().message.at
    assert message["References"] == "<oncall-6f1c2d3e-0000-4000-8000-000000000001@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert message.get_content().splitlines() == [
        "INC-12 SEV1 lighthouse/production: Error budget burns",
        "",
        "Conditions: 5 % of the requests fail.",
        "Actions: we roll back.",
        "Needs: nothing.",
        "",
        "lead: alice",
        "next update: 07:47Z",
        "",
        "runbook: https://runbooks.example/burn?x=1&y=2",
        "",
        "by alice, 2026-11-21 07:32:10Z",
    ]


def test_a_page_goes_to_the_people_it_names_and_to_nobody_else(serve, clock):
    box = serve(Mailbox())
    page = replace(delivery(), act=Act.PAGE, args=(("to", "carol@example.com"), ("to", BEN)))
    assert mail_to(box, clock).deliver(page).outcome is ActOutcome.DONE
    (envelope,) = box.taken
    assert envelope.rcpt_tos == ["carol@example.com", BEN]


def test_the_same_delivery_has_the_same_id_and_another_has_another(serve, clock):
    box = serve(Mailbox())
    mail = mail_to(box, clock)
    for one in (delivery(), delivery(), delivery(id="other")):
        mail.deliver(one)
    first, again, other = (read(envelope)["Message-ID"] for envelope in box.taken)
    assert first == again == "<0b1e8d6e-5f0a-4d4b-9a51-3f4f5d6a7b8c@example.com>"
    assert other == "<other@example.com>"
    assert box.taken[0].content == box.taken[1].content


@EACH_HOSTILE
def test_36_hostile_text_makes_no_header_and_ends_no_message(serve, clock, text):
    box = serve(Mailbox())
    mail_to(box, clock).deliver(hostile(text))
    (envelope,) = box.taken
    assert envelope.rcpt_tos == [ANN, BEN]
    assert envelope.content.isascii()
    assert max(map(len, envelope.content.splitlines())) < 998
    message = read(envelope)
    names = {"from", "to", "subject", "date", "message-id", "references", "auto-submitted"}
    mime = {"content-type", "content-transfer-encoding", "mime-version"}
    received = {name.lower() for name in message} - {"x-peer", "x-mailfrom", "x-rcptto"}
    assert received <= names | mime
    assert message["Subject"].isprintable()
    assert "oncall@example.com" in message["From"]
    lines = telling.plain(hostile(text).message).split("\n")
    assert message.get_content().replace("\r\n", "\n") == "\n".join(map(safe, lines))


def test_what_is_not_in_earnest_says_so_first(serve, clock):
    box = serve(Mailbox())
    mail_to(box, clock, test_to=("test@example.com",)).prove(delivery(test=True, mode="drill"))
    (envelope,) = box.taken
    assert envelope.rcpt_tos == ["test@example.com"]
    message = read(envelope)
    assert message["Subject"].startswith("DRILL: TEST: INC-12")
    assert message["X-Oncall-Test"] == "true"
    assert message.get_content().startswith("DRILL: TEST: INC-12")
    assert "oncall_test=true" in message.get_content()


def test_without_recipients_for_tests_a_test_goes_to_all(serve, clock):
    box = serve(Mailbox())
    mail_to(box, clock).prove(delivery(test=True))
    assert box.taken[0].rcpt_tos == [ANN, BEN]


def test_who_is_refused_is_named_and_the_others_get_it(serve, clock):
    box = serve(Mailbox())
    box.refuse[BEN] = "550 no such user"
    found = mail_to(box, clock).deliver(delivery())
    assert found.text == f"127.0.0.1:{box.port} took it for 1 of 2; refused: {BEN} (550 no such user)"
    assert box.taken[0].rcpt_tos == [ANN]


def test_who_may_be_taken_later_gets_it_later_and_nobody_gets_it_twice(serve, clock):
    box = serve(Mailbox())
    mail = mail_to(box, clock)
    box.refuse[BEN] = "450 greylisted"
    with pytest.raises(SourceError, match=r"took it for 1 of 2; not yet for: .*450 greylisted") as caught:
        mail.deliver(delivery())
    assert type(caught.value) is SourceError
    with pytest.raises(SourceError, match="every recipient: 450 greylisted"):
        mail.deliver(delivery())
    box.refuse.clear()
    assert mail.deliver(delivery()).text == f"127.0.0.1:{box.port} took it for 2 of 2"
    assert [envelope.rcpt_tos for envelope in box.taken] == [[ANN], [BEN]]
    assert box.taken[0].content == box.taken[1].content


def test_who_is_refused_in_the_end_is_named_and_what_others_have_got_stays_sent(serve, clock):
    box = serve(Mailbox())
    mail = mail_to(box, clock)
    box.refuse[BEN] = "450 greylisted"
    with pytest.raises(SourceError):
        mail.deliver(delivery())
    box.refuse[BEN] = "550 no such user"
    found = mail.deliver(delivery())
    assert found.text == f"127.0.0.1:{box.port} took it for 1 of 2; refused: {BEN} (550 no such user)"
    assert len(box.taken) == 1


REFUSALS = {
    "all for good": ({ANN: "550 no", BEN: "551 no"}, Rejected, "every recipient: 550 no"),
    "one for now": ({ANN: "550 no", BEN: "450 greylisted"}, SourceError, "every recipient: 450 greylisted"),
    "sender": ({"MAIL": "553 not you"}, Rejected, "the sender: 553 not you"),
    "sender for now": ({"MAIL": "452 full"}, SourceError, "the sender: 452 full"),
    "content": ({"DATA": "554 spam \x1b]0;x"}, Rejected, "the message: 554 spam"),
    "content for now": ({"DATA": "451 later"}, SourceError, "the message: 451 later"),
}


@pytest.mark.parametrize(("refuse", "kind", "words"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_for_good_or_for_now(serve, clock, refuse, kind, words):
    box = serve(Mailbox())
    box.refuse.update(refuse)
    with pytest.raises(SourceError) as caught:
        mail_to(box, clock).deliver(delivery())
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert str(caught.value).isprintable()
    assert not box.taken


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_tls_and_login(serve, clock, trusted, security):
    box = serve(Mailbox(trusted, tls=security == "tls", login=("oncall", CANARY)))
    mail = mail_to(box, clock, security=security, user="oncall", password=SecretRef("env", "MAIL_PASSWORD"))
    mail.deliver(delivery())
    assert box.logins == [("oncall", CANARY)]
    assert len(box.taken) == 1
    (finding,) = mail.probe()
    assert finding.ok
    assert "with TLS, accepts the login of oncall; nothing was sent" in finding.what
    assert len(box.taken) == 1


def test_a_wrong_password_is_said_without_it(serve, clock, trusted):
    box = serve(Mailbox(trusted, login=("oncall", "other")))
    mail = mail_to(box, clock, security="starttls", user="oncall", password=SecretRef("env", "MAIL_PASSWORD"))
    with pytest.raises(Rejected, match="refuses the login of oncall; check env:MAIL_PASSWORD: 535") as caught:
        mail.deliver(delivery())
    assert CANARY not in str(caught.value) + repr(mail)
    (finding,) = mail.probe()
    assert not finding.ok
    assert CANARY not in finding.what


def test_a_password_that_cannot_be_read(serve, clock, trusted):
    def password():
        raise OSError(f"no permission {CANARY}")

    box = serve(Mailbox(trusted, login=("oncall", "other")))
    ref = SecretRef("env", "MAIL_PASSWORD")
    settings = replace(PLAIN, port=box.port, security="starttls", user="oncall", password=ref)
    with pytest.raises(Rejected, match=r"the password env:MAIL_PASSWORD cannot be read \(OSError\)") as caught:
        Mail(settings, clock, password).deliver(delivery())
    assert CANARY not in str(caught.value)


def test_an_echo_of_the_login_is_masked(serve, clock, trusted):
    import base64

    both = base64.b64encode(f"\0oncall\0{CANARY}".encode()).decode()
    box = serve(Mailbox(trusted, login=("oncall", CANARY)))
    box.refuse["MAIL"] = f"550 no {CANARY} {both}"
    mail = mail_to(box, clock, security="starttls", user="oncall", password=SecretRef("env", "MAIL_PASSWORD"))
    with pytest.raises(Rejected, match=r"550 no \*\*\* \*\*\*"):
        mail.deliver(delivery())


def test_45_a_login_without_tls_is_refused_before_anything_is_sent(serve, clock):
    server = serve(ScriptedServer([b"220 hi\r\n"]))
    with pytest.raises(Rejected, match="would show the password"):
        mail_to(server, clock, user="oncall").deliver(delivery())
    assert server.lines == []


def test_45_a_server_without_tls_is_told_nothing(serve, clock):
    box = serve(Mailbox())
    mail = mail_to(box, clock, security="starttls", user="oncall")
    with pytest.raises(Rejected, match="offers no TLS, and security is starttls: nothing was sent"):
        mail.deliver(delivery())
    assert not box.taken


def test_45_tls_that_breaks_falls_back_to_nothing(serve, clock):
    replies = [b"220 hi\r\n", b"250-me\r\n250 STARTTLS\r\n", b"454 not now\r\n"]
    server = serve(ScriptedServer(replies, end="close"))
    with pytest.raises(SourceError, match="454 not now") as caught:
        mail_to(server, clock, security="starttls", user="oncall").deliver(delivery())
    assert not isinstance(caught.value, (Rejected, Uncertain))
    assert not [line for line in server.lines if line.upper().startswith((b"MAIL", b"AUTH"))]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_45_a_certificate_that_nobody_signed(serve, clock, pair, security):
    box = serve(Mailbox(pair, tls=security == "tls"))
    with pytest.raises(SourceError, match=r"certificate is not trusted .*self.signed") as caught:
        mail_to(box, clock, security=security).deliver(delivery())
    assert not isinstance(caught.value, (Rejected, Uncertain))
    assert not box.taken


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_45_a_certificate_of_another_host(serve, clock, trusted, security):
    box = serve(Mailbox(trusted, tls=security == "tls"))
    with pytest.raises(SourceError, match=r"certificate is not trusted .*mismatch"):
        mail_to(box, clock, security=security, host="localhost").deliver(delivery())
    assert not box.taken


def test_plain_smtp_where_tls_was_expected(serve, clock):
    server = serve(ScriptedServer([b"220 hi\r\n"], end="close"))
    with pytest.raises(SourceError, match="no TLS connection"):
        mail_to(server, clock, security="tls").deliver(delivery())


READY = [b"220 hi\r\n", b"250 me\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n"]
FAULTS = {
    "silent": ([], "hang", b"", SourceError, "no complete answer within 0.4 s"),
    "greeting without end": ([b"220-hi\r\n"], "hang", b"220-hi\r\n", SourceError, "no complete answer within"),
    "line without end": ([b"220 "], "hang", b"x", SourceError, "no complete answer within"),
    "hung after hello": (READY[:2], "hang", b"", SourceError, "no complete answer within"),
    "gone at once": ([], "close", b"", SourceError, "cuts the connection off"),
    "no SMTP": ([b"HTTP/1.1 400 Bad Request\r\n"], "close", b"", SourceError, "email"),
    "busy": ([b"421 too many\r\n"], "close", b"", SourceError, "refuses the connection: 421 too many"),
    "closed for good": ([b"554 no\r\n"], "close", b"", Rejected, "refuses the connection: 554 no"),
    "data refused": ([*READY, b"554 no\r\n"], "close", b"", Rejected, "refuses the message: 554 no"),
    "hung with the message": ([*READY, b"354 go\r\n"], "hang", b"", Uncertain, "may or may not have been sent"),
    "gone with the message": ([*READY, b"354 go\r\n", b""], "close", b"", Uncertain, "may or may not have been sent"),
}


@pytest.mark.parametrize(("replies", "end", "drip", "kind", "words"), FAULTS.values(), ids=FAULTS)
def test_35_43_a_fault_is_of_its_kind_and_in_time(serve, clock, replies, end, drip, kind, words):
    server = serve(ScriptedServer(replies, end, drip))
    # What hangs late has to come that far: the replies before are given their time.
    waits = PLENTY if end != "hang" else TIMEOUT if len(replies) < 2 else MIXED
    found = in_time(told_after(waits) + 1, failing(lambda: mail_to(server, clock, waits).deliver(delivery())))
    assert type(found) is kind
    assert words in str(found)
    assert str(found).isprintable()


def test_refused_connection(clock):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    mail = Mail(replace(PLAIN, port=port), clock)
    with pytest.raises(SourceError, match="refuses the connection"):
        mail.deliver(delivery())
    (finding,) = mail.probe()
    assert not finding.ok


def test_nothing_is_handed_over_after_the_caller_was_told_that_nothing_was(serve, clock, monkeypatch):
    """The resolver answers when the deadline is past: the connection is made then, and the message kept back."""
    import threading

    box, answered = serve(Mailbox()), threading.Event()
    real = socket.getaddrinfo

    def slow(*arguments, **options):
        answered.wait(10)
        return real(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with pytest.raises(SourceError, match="no complete answer") as caught:
        mail_to(box, clock, 0.1).deliver(delivery())
    assert not isinstance(caught.value, Uncertain)
    answered.set()
    for thread in threading.enumerate():
        if thread.name == "smtp":
            thread.join(10)
            assert not thread.is_alive()
    assert not box.taken


@pytest.mark.parametrize("address", ["", "nobody", "a@b\r\nBcc: c@d", "ü@example.com", "a b@example.com", "@x", "x@"])
def test_36_an_address_that_is_none_reaches_no_server(clock, address):
    with pytest.raises(Rejected, match="is no address that mail can go to"):
        compose(delivery(), PLAIN.sender, (ANN, address))
    with pytest.raises(Rejected, match="is no address that mail can go to"):
        compose(delivery(), address, (ANN,))


def test_other_acts_are_not_mails(clock):
    with pytest.raises(Rejected, match="cannot annotate"):
        Mail(PLAIN, clock).deliver(delivery(Act.ANNOTATE))

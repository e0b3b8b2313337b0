"""Runbooks: the local file goes first, a page is read as its words, and a hostile address or page does no harm."""

import time

import pytest

from console.integrations.runbooks import LIMIT, PAGE_LIMIT, Runbooks
from console.ports import SourceError
from tests.integrations.conftest import CANARY
from tests.integrations.fault_server import answer


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "LatencyHigh.md").write_text("# Latency\n\x1b[2JLook at the queue.\n")
    (tmp_path / "secret.txt").write_text(CANARY)
    return tmp_path / "."


def test_the_local_file_goes_first_and_is_made_safe(folder, clock, server):
    text, source = Runbooks(folder, clock).read("LatencyHigh", server.url)
    assert text.splitlines()[1].endswith("Look at the queue.")
    assert "\x1b" not in text
    assert source == str(folder / "LatencyHigh.md")
    assert not server.requests


@pytest.mark.parametrize("name", ["../LatencyHigh", "/etc/passwd", "secret.txt\0", ".LatencyHigh", "Lat*"])
def test_the_name_of_an_alert_leads_to_no_other_file(folder, clock, name):
    with pytest.raises(SourceError, match="has no runbook_url"):
        Runbooks(folder, clock).read(name, "")


def test_a_page_is_read_as_its_words(clock, server):
    page = "<!DOCTYPE html><html><head><title>x</title></head><body><h2>Do</h2><ul><li>this &amp; that</ul><script>no()"
    server.behave = answer(200, page)
    text, source = Runbooks(None, clock).read("Any", f"{server.url}/r.html")
    assert [line.strip() for line in text.splitlines() if line.strip()] == ["## Do", "- this & that"]
    assert source == f"{server.url}/r.html"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "no http or https"),
        ("//host/x", "no http or https"),
        ("http://[::1", "no http or https"),
        ("https://user:pass@host/x", "user or password"),
        ("javascript:alert(1)", "no http or https"),
    ],
)
def test_other_addresses_are_not_followed(clock, url, reason):
    with pytest.raises(SourceError, match=reason):
        Runbooks(None, clock).read("Any", url)


def test_nothing_of_ours_goes_along_and_no_redirect_is_followed(clock, server):
    server.behave = answer(302, Location=f"{server.url}/elsewhere?k={CANARY}")
    with pytest.raises(SourceError, match="redirect") as refused:
        Runbooks(None, clock).read("Any", f"{server.url}/r.md")
    assert CANARY not in str(refused.value)
    (request,) = server.requests
    assert not {"authorization", "cookie"} & {name.lower() for name in request.headers}


def test_a_long_page_is_cut_and_a_huge_one_is_refused(clock, server):
    server.behave = answer(200, "word " * LIMIT)
    text, _ = Runbooks(None, clock).read("Any", server.url)
    assert len(text) < LIMIT + 200
    assert text.endswith("(cut off here: it is longer)")
    server.behave = answer(200, b"x" * (PAGE_LIMIT + 1))
    with pytest.raises(SourceError, match="more than"):
        Runbooks(None, clock).read("Any", server.url)


@pytest.mark.parametrize("part", ["<!--", "<a ", '<a a="', "<?", "</", "<![CDATA[", "<a <!-- "])
def test_a_page_of_what_is_never_closed_is_read_at_once(clock, server, part):
    """Each took Python's parser minutes: a thread that nobody can end, and that holds up the screen."""
    server.behave = answer(200, ("<html>" + part * 400_000)[:400_000])
    began = time.process_time()
    Runbooks(None, clock).read("Any", server.url)
    assert time.process_time() - began < 3

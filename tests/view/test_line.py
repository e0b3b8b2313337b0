from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.view.line import Span, Tone, _cells, clip, cut, fit, flow, line, right, span, spread, words, wrap

ANY = st.text(alphabet=st.characters(), max_size=60) | st.sampled_from(
    [
        "日本語のアラート",
        "e\u0301" * 20,
        "👩‍👩‍👧‍👦 family",
        "❤️ heart",
        "x" * 500,
        "\x1b]52;c;aGk=\x07",
        "ไทย",
        "한국어",
        "🇩🇪" * 9,
    ]
)
WIDTH = st.integers(min_value=1, max_value=90)


@given(ANY, WIDTH)
def test_nothing_is_ever_wider_than_its_room(text, width):
    assert cell_len(fit(text, width)) <= width
    assert cell_len(right(text, width)) <= width
    assert cell_len(words(clip(line(text, span(text, Tone.OK)), width))) <= width
    assert cell_len(words(spread(line(text), line("end"), width))) <= max(width, 0)


@given(ANY, st.integers(min_value=2, max_value=90))
def test_wrapping_keeps_every_word_and_no_line_is_too_wide(text, width):
    lines = wrap(text, width)
    assert all(cell_len(part) <= width for part in lines)
    shown = "".join(line("".join(text.split()))[0].text.split()) if text.split() else ""
    assert "".join("".join(lines).split()) == shown or not text.isprintable()


@given(st.lists(ANY, max_size=6), st.integers(min_value=10, max_value=90))
def test_pieces_flow_within_the_width(texts, width):
    for part in flow([line(text) for text in texts], width, indent=2):
        assert cell_len(words(part)) <= width


@given(ANY)
def test_no_span_holds_what_a_terminal_obeys(text):
    for char in span(text).text:
        code = ord(char)
        assert code >= 0x20
        assert not 0x7F <= code < 0xA0
        assert not 0xD800 <= code < 0xE000
        assert not 0x202A <= code <= 0x202E


def test_a_cut_is_marked():
    assert cut("elicitation", 6) == "elici…"
    assert words(clip(line("elici", span("tation", Tone.OK)), 6)) == "elici…"
    assert clip(line("exact"), 5) == (Span("exact", Tone.NORMAL),)


def test_a_line_that_ends_at_a_boundary_still_shows_that_more_was_cut():
    assert words(clip(line("12345", "678"), 5)).endswith("…")


def test_what_is_not_seen_is_not_measured():
    def measured():
        return sum(_cells.cache_info()[:2])

    before = measured()
    assert cut("日" * 100_000, 40) == "日" * 19 + "…"
    assert words(clip((Span("日" * 100_000, Tone.OK),), 40)) == "日" * 19 + "…"
    assert measured() - before < 200

"""Markdown runbooks become playbooks, and no word of them is lost."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

from console.settings import tree
from console.settings.nodes import Node
from console.settings.playbook.reader import read_playbook
from console.settings.playbook_import import RESPONSE, imported, slug
from console.settings.problems import Problems
from console.settings.references import References
from tests.servers import REPO

OWN = sorted((Path(__file__).parent / "runbooks").glob("*.md"))
PUBLIC = sorted((REPO.parent / "shared" / "corpus" / "runbooks").glob("*.md"))
HTML_TAGS = {"h1", "em", "details", "summary", "table", "tr", "td", "a", "br", "b", "img", "code", "p", "li", "ul"}


class Words(HTMLParser):
    """The words of the page that a Markdown text is rendered to, by another way than the import goes."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self.heading = False
        self.headings: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.heading = re.fullmatch(r"h[1-6]", tag) is not None or (self.heading and tag in ("em", "code", "a"))

    def handle_endtag(self, tag):
        if re.fullmatch(r"h[1-6]", tag):
            self.heading = False

    def handle_data(self, data):
        (self.headings if self.heading else self.blocks).append(data)

    def handle_comment(self, data):
        self.blocks.append(data)


def body(text):
    """Without the front matter."""
    found = re.match(r"---\n.*?\n---\n", text, re.DOTALL)
    return text[found.end() :] if found else text


def page(text):
    found = Words()
    found.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(body(text)))
    return found


def words(text):
    """Letters and digits alone: punctuation moves, words do not."""
    text = re.sub(r"postgres://\S+@", "", text)  # a credential may not be in a playbook's file
    return re.findall(r"[^\W_]+", text)


def read(made, name="x.yaml"):
    problems = Problems()
    (document,) = tree.parse(name, made.encode(), problems)
    playbook, _ = read_playbook(Node(name, document, problems), References())
    problems.check()
    return playbook


def steps(made):
    """The steps in the file, by another reader than ours."""
    data = yaml.safe_load(made)
    return data.get("steps") or [step for checklist in data["checklists"] for step in checklist["steps"]]


def lost(source, kept):
    """The words of one list that are not in the other in the same order."""
    rest = iter(kept)
    return [word for word in source if word not in rest]


def everything(made):
    return words(" ".join(step["challenge"] for step in steps(made)))


@pytest.mark.parametrize("path", [*OWN, *PUBLIC], ids=lambda path: path.stem)
def test_every_word_of_a_runbook_is_in_the_steps_in_its_order(path):
    text = path.read_bytes().decode()
    made = imported(text, path.name)
    found = page(text)

    source = [word for word in words(" ".join(found.blocks)) if word != "x"]  # the x of a task that is done
    assert lost(source, everything(made)) == []
    data = yaml.safe_load(made)
    titles = [data["title"], *(item["title"] for item in data.get("checklists", ()))]
    titles += [step["title"] for step in steps(made)]
    assert set(words(" ".join(found.headings))) <= set(words(" ".join(titles)))


@pytest.mark.parametrize("path", [*OWN, *PUBLIC], ids=lambda path: path.stem)
def test_what_is_made_can_be_read_and_is_the_same_each_time(path):
    text = path.read_bytes().decode()
    made = imported(text, path.name)

    playbook = read(made)
    assert [step.id for step in playbook.steps] == [step["id"] for step in steps(made)]
    assert [step.challenge for step in playbook.steps] == [step["challenge"] for step in steps(made)]
    assert all(step.response for step in playbook.steps)
    assert made == imported(text, path.name)


def test_all_public_runbooks_were_tried(shared_dir):
    assert len(PUBLIC) == 54


def test_ten_other_layouts_were_tried():
    assert len(OWN) == 10


def made_of(name):
    (path,) = [path for path in OWN if path.stem == name]
    return imported(path.read_bytes().decode(), path.name)


def test_a_task_list():
    made = made_of("task-list")
    look, broker, restart, first, then, tell = steps(made)

    assert look["title"] == "Look at the lag"
    assert look["response"] == "below 1,000 messages"
    assert broker["challenge"] == "Check that the broker answers: `nc -vz broker-1 9092` `nc -vz broker-2 9092`"
    assert broker["response"] == RESPONSE
    assert first["challenge"] == "(Restart the consumers) first `consumer-a`"
    assert (then["response"], restart["challenge"]) == ("both are Running", "Restart the consumers")
    assert "lag falls within 5 minutes" in then["challenge"]
    assert tell["id"] == "tell-the-payments-team"
    assert "# | owner: payments" in made
    assert yaml.safe_load(made)["title"] == "Queue consumers stopped"


def test_headings_become_checklists_and_steps():
    data = yaml.safe_load(made_of("deep"))

    assert [(item["title"], [step["title"] for step in item["steps"]]) for item in data["checklists"]] == [
        ("1. Decide", ["1.1 Who decides"]),
        (
            "1. Decide: 1.2 On what",
            [
                "Both of",
                "the region's own status page says outage, and",
                "our probes have failed",
                "from Europe",
                "from Asia",
                "for more than ten minutes",
                "without a gap",
                "Or the provider has called us",
            ],
        ),
        ("2. Switch: 2.1 DNS", ["Set the weight of eu-west to 0", "Set the weight of eu-north to 100"]),
        ("2. Switch: 2.2 Data", ["2.2.1 Replica", "2.2.2 Old primary"]),
        ("Region failover", ["3. Afterwards"]),
    ]
    dns = data["checklists"][2]["steps"]
    assert dns[0]["challenge"].endswith("Nothing happens for sixty seconds: that is the TTL.")
    assert dns[1]["challenge"].endswith("`dnsctl weight eu-north 100` `dnsctl show`")


def test_a_long_text_goes_on_in_further_steps():
    made = steps(made_of("long"))

    assert max(len(step["challenge"]) for step in made) <= 4_000
    assert [step["title"].rpartition(" (")[2] for step in made if " of " in step["title"]][-1].startswith("3 of")
    assert [step["response"] for step in made][:2] == ["Read", RESPONSE]


def test_nothing_in_a_runbook_is_taken_for_a_variable_or_a_word_of_yaml():
    made = steps(made_of("odd-characters"))

    assert any("{ { .Values.printer } }" in step["challenge"] for step in made)
    assert not any("{{" in step["challenge"] for step in made)
    assert [step["id"] for step in made[-4:]] == ["step", "step-yes", "step-1", "step-null"]


def test_a_secret_of_a_runbook_stays_there():
    made = made_of("bold-headings")

    assert "hunter2" not in made
    assert "(a secret, left out)" in made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("KubeAPIDown", "kube-api-down"),
        ("NodeRAIDDegraded", "node-raid-degraded"),
        ("Déjà  vu!", "deja-vu"),
        ("印", ""),
    ],
)
def test_names(text, expected):
    assert slug(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "- [ ] a\n" * 3,
        "> " * 80 + "deep",
        "- " * 45 + "deep",
        "<!-- never closed",
        "<pre>\n- x\n",
        "# \n\ntext",
        "| a |\n|---|\n",
        "\x1b[31mred\x07 \u202eturned\n",
        "[a]: <b> 'c'\n\n[a] ![a]\n",
        "a" * 9_000,
        "{{" * 3_000,
        "# A\n# A\n# A\n",
        "#" * 3 + " x\n" + "# y\n",
        "Bearer " + "x" * 30,
    ],
)
def test_whatever_it_is_the_file_can_be_read(text):
    playbook = read(imported(text, "x.md"))
    assert playbook.steps


@pytest.mark.parametrize("text", ["", "\n\n", "---\ntitle: x\n---\n", "***\n"])
def test_a_text_with_nothing_to_do_is_refused(text):
    with pytest.raises(ValueError, match="no heading"):
        imported(text, "x.md")


@pytest.mark.parametrize("mark", ["> ", "- "])
def test_what_would_be_left_out_for_its_depth_is_refused(mark):
    with pytest.raises(ValueError, match="too deep"):
        imported(mark * 150 + "deep", "x.md")


# -- by command -------------------------------------------------------------------------------------------------------


def test_by_command(oncall, tmp_path):
    source, out = tmp_path / "Disk Full.md", tmp_path / "disk.yaml"
    source.write_text("# Disk full\n\n1. Look\n2. Delete\n")

    shown = oncall.bare("playbook", "import", str(source))
    assert yaml.safe_load(shown.out)["name"] == "disk-full"
    assert "2 of 2 steps have no expected response" in shown.err
    oncall.bare("playbook", "import", str(source), "--out", str(out), "--name", "full")
    assert read(out.read_text()).name == "full"
    assert "there already" in oncall.bare("playbook", "import", str(source), "--out", str(out), code=3).err
    assert oncall.bare("playbook", "import", str(source), "--json").json["yaml"] == shown.out


def test_lint_finds_every_response_that_a_person_must_fill_in(oncall):
    folder = oncall.config / "playbooks"
    for path in (*folder.rglob("*.yaml"), oncall.config / "risks.yaml"):
        path.unlink()
    shutil.copy(Path(__file__).parents[1] / "settings" / "rollout.yaml", oncall.config)  # it names no playbook
    expected = 0
    for path in OWN:
        made = oncall.bare("playbook", "import", str(path), "--out", str(folder / f"{path.stem}.yaml"), "--json").json
        expected += made["without_response"]

    found = oncall("playbook", "lint", "--json", code=1).json["findings"]
    assert sum(item["code"] == "PB601" for item in found) >= expected > 50
    assert {item["code"] for item in found} >= {"PB601", "PB701"}


def test_what_cannot_be_imported_is_2(oncall, tmp_path):
    empty, binary = tmp_path / "empty.md", tmp_path / "binary.md"
    empty.write_text("\n")
    binary.write_bytes(b"\xff\xfe")

    for path, why in ((empty, "no heading"), (binary, "UTF-8"), (tmp_path / "none.md", "No such file"), (tmp_path, "")):
        assert why in oncall.bare("playbook", "import", str(path), code=2).err
    assert "'a-b'" in oncall.bare("playbook", "import", str(empty), "--name", "A b", code=2).err


# --- texts that are made to be slow ----------------------------------------------------------------------------------

N = 1_000_000
SLOW = {
    "brackets": "[" * N,
    "images": "![a](" * (N // 5),
    "titles": '[a](b "' * (N // 7),
    "emphasis": "*a **b " * (N // 7),
    "strokes": "~~a ~b " * (N // 7),
    "ticks": "".join("`" * number + " " for number in range(1, int((2 * N) ** 0.5))),
    "tags": "<a " * (N // 3),
    "comments": "<div\n" + "<!--" * (N // 4),
    "ends": "<div\n" + "</x" * (N // 3),
    "quotes": "> " * (N // 2) + "x",
    "lists": "".join("- " * 90 + "a\n" for _ in range(N // 182)),
    "items": "- a\n" * (N // 4),
    "headings": "# a\n" * (N // 4),
    "table": "|" * (N // 2) + "\n" + "|-" * (N // 4) + "|\n",
    "references": "".join(f"[a{number}]: b\n" for number in range(N // 12)),
    "lines": "a\n" * (N // 2),
    "fewer lines": f"{'a' * 40}\n" * 19_000,
    "fewer items": f"- {'a b ' * 12}\n" * 19_000,
    "paragraphs": "a b c d\n\n" * (N // 9),
    "one word": "a" * N,
    "matter": "---\n" + "a: b\n" * (N // 5) + "---\nx\n",
    "code": "```\n" + "a: b\n" * (N // 5) + "```\n",
}


@pytest.mark.parametrize("name", SLOW)
def test_no_text_takes_long(name):
    imported("# warm\n\n- up\n", "x.md")
    began = time.process_time()
    with contextlib.suppress(ValueError):
        imported(SLOW[name], "x.md")
    took = time.process_time() - began
    assert took < 2, f"{name}: {took:.1f} s"


def test_as_many_steps_as_a_playbook_may_have():
    made = imported("- a\n" * 500, "x.md")
    assert made.count("- id: ") == 500
    assert "- id: a\n" in made
    assert "- id: a-500\n" in made
    with pytest.raises(ValueError, match="more than 500 steps: import it in parts"):
        imported("- a\n" * 501, "x.md")


def test_numbers_behind_ids_stay_clear_of_those_that_are_there():
    made = imported("- a 2\n- a\n- a\n- a\n- a 2\n", "x.md")
    found = re.findall(r"- id: (\S+)", made)
    assert found == ["a-2", "a", "a-3", "a-4", "a-2-2"]

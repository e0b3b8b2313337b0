"""`oncall playbook lint` and `oncall playbook graph`."""

from __future__ import annotations


def test_what_ships_is_clean(oncall):
    shown = oncall("playbook", "lint")

    assert shown.out == "20 playbooks, nothing found\n"
    assert oncall("playbook", "lint", "--json").json["findings"] == []
    assert oncall("playbook", "lint", "emergency-rollback").out == "1 playbook, nothing found\n"


def test_a_finding_is_one_line_with_its_place(oncall):
    path = oncall.config / "playbooks" / "emergency-rollback.yaml"
    text = path.read_text()
    assert "owner: communications lead" in text
    path.write_text(text.replace("owner: communications lead", "owner: communication lead", 1))
    line = text[: text.index("owner: communications lead")].count("\n") + 1

    for wanted in ((), ("emergency-rollback",), (str(path),)):
        shown = oncall("playbook", "lint", *wanted, code=1)
        assert shown.out.startswith(
            f"{path}:{line}:12: PB101 error: alert-teams: there is no role 'communication lead'; "
        )
        assert shown.out.count("\n") == 1
    (finding,) = oncall("playbook", "lint", "--json", code=1).json["findings"]
    assert finding["code"] == "PB101"
    assert (finding["line"], finding["column"], finding["grade"]) == (line, 12, "error")
    assert oncall("playbook", "lint", "p99-latency-high").code == 0


def test_a_file_of_no_folder_and_a_name_of_none(oncall, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("apiVersion: oncall/v1\n")

    assert f"{path}:1:1: PB001 error: " in oncall("playbook", "lint", str(path), code=1).out
    assert "there is no such playbook" in oncall("playbook", "lint", "nobody", code=5).err


def test_a_configuration_that_cannot_be_used_is_no_finding(oncall):
    (oncall.config / "people.yaml").write_text("a: [")

    assert "people.yaml:1:" in oncall("playbook", "lint", code=2).err


def test_a_playbook_is_drawn(oncall, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    assert oncall("playbook", "graph", "emergency-rollback").out.isascii()
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    shown = oncall("playbook", "graph", "emergency-rollback")
    assert "│" in shown.out

    assert shown.out.startswith("Emergency rollback (emergency-rollback)\n")
    assert all(len(line) <= 80 for line in shown.out.splitlines())
    assert "Disable the flag" in shown.out
    assert oncall("playbook", "graph", "emergency-rollback", "--mermaid").out.startswith("flowchart TD\n  start([")
    edges = oncall("playbook", "graph", "p99-latency-high", "--json").json["edges"]
    assert "emergency-rollback" in {edge["playbook"] for edge in edges}
    assert "there is no such playbook" in oncall("playbook", "graph", "nobody", code=5).err

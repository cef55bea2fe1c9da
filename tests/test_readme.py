"""The README: short, with what a reader needs on the first screen. tests/test_docs.py runs its commands and Python."""

import re
import tomllib

from tests.markdown import README, ROOT, blocks, commands, linked_files, read

MAX_LINES = 150
TEXT = read(README)


def test_it_is_short() -> None:
    assert len(TEXT.splitlines()) <= MAX_LINES


def test_the_first_screen_has_what_a_reader_needs() -> None:
    head, _, results = TEXT.partition("\n## ")
    assert "pip install word2vec-fused" in commands(README)
    example, *_ = blocks(README, "python")
    assert len(example.strip().splitlines()) <= 10
    for part in (example, "word2vec train", "](docs/report.png)"):
        assert part in head
    assert "<!-- table: headline -->" in results.split("\n## ")[0]


def test_the_speed_is_never_that_of_the_best_machine_alone() -> None:
    paragraphs = [paragraph for paragraph in TEXT.split("\n\n") if re.search(r"\b19\b", paragraph)]
    assert paragraphs
    for paragraph in paragraphs:
        assert re.search(r"\b7(\.2)?\b", paragraph)


def test_links_lead_to_files() -> None:
    linked = linked_files(README)
    assert len(linked) > 12
    assert [path for path in linked if not path.exists()] == []


def test_make_commands_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    for path in (README, ROOT / "CONTRIBUTING.md", ROOT / ".ci" / "run"):
        used = set(re.findall(r"^(?: {4})?make ([\w-]+)", read(path), re.MULTILINE))
        assert used
        assert used <= targets


def test_the_workflow_runs_the_same_commands_as_ci_run() -> None:
    used = re.findall(r"^make (.+)$", read(ROOT / ".ci" / "run"), re.MULTILINE)
    workflow = re.findall(r"- run: make (.+)$", read(ROOT / ".github" / "workflows" / "ci.yml"), re.MULTILINE)
    assert sorted(workflow) == sorted(used)


def test_metadata_agree() -> None:
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    citation = read(ROOT / "CITATION.cff")
    for value in (project["version"], project["license"], *(project["urls"][key] for key in ("Repository",))):
        assert value in citation
    assert project["urls"]["Documentation"] in TEXT
    assert f"site_url: {project['urls']['Documentation']}" in read(ROOT / "mkdocs.yml")

"""Public test sets from a local server, in the form of the originals: archives, checksums, and use by name."""

import gc
import hashlib
import io
import logging
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pooch
import pytest

from tests.cli.conftest import CommandLine
from tests.evaluation.samples import random_vectors
from word2vec.errors import DownloadError, FormatError
from word2vec.evaluation import downloads, evaluate_analogies, evaluate_similarity, read_pairs, read_questions
from word2vec.evaluation.downloads import SETS, benchmarks_folder, download_set

# requests leaves the socket of a failed response to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

PAIRS = {  # name -> lines in the form of the original
    "men": "sun sunlight 50.000000\nautomobile car 50.000000\nriver water 49.000000\n",
    "rw": "squishing\tsquirt\t5.88\t5\t7\t4\nundated\tundatable\t5.83\t10\t4\t4\nsun\tcar\t0.1\t0\t1\t0\n",
    "simverb-3500": "take\tremove\tV\t6.81\tSYNONYMS\nwalk\ttrail\tV\t4.81\tCOHYPONYMS\nsun\tcar\tV\t0\tNONE\n",
    "mturk-771": "access,gateway,3.791666667\r\naccount,explanation,2\r\nsun,car,1.5\r\n",
    "ws353-similarity": "tiger\tcat\t7.35\ntiger\ttiger\t10.00\nsun\tcar\t1.00\n",
    "ws353-relatedness": "computer\tkeyboard\t7.62\nsun\tlight\t7.00\nsun\tcar\t1.00\n",
}
IN_ARCHIVE = {
    "men": "MEN/MEN_dataset_natural_form_full",
    "rw": "rw/rw.txt",
    "simverb-3500": "data/SimVerb-3500.txt",
    "ws353-similarity": "wordsim353_sim_rel/wordsim_similarity_goldstandard.txt",
    "ws353-relatedness": "wordsim353_sim_rel/wordsim_relatedness_goldstandard.txt",
}
MSR = {
    "test_set/word_relationship.questions": "good better rough\nbetter good rougher\ncar cars sun\n",
    "test_set/word_relationship.answers": "JJ_JJR rougher\nJJR_JJ rough\nNN_NNS suns\n",
}
BATS = {
    "BATS_3.0/1_Inflectional_morphology/I01 [noun - plural_reg].txt": "car\tcars\r\nsun\tsuns",
    "BATS_3.0/3_Encyclopedic_semantics/E06 [animal - young].txt": "cat\tkitten\ndog\tpuppy/pup\nfox\tcub",
    "BATS_3.0/metadata.json": "{}",
    "__MACOSX/BATS_3.0/1_Inflectional_morphology/._I01 [noun - plural_reg].txt": "\0\0",
}


def zipped(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def tarred(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


class Site(ThreadingHTTPServer):
    """Serves `files` by name, and counts requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = 0
        both = {IN_ARCHIVE[name]: PAIRS[name] for name in ("ws353-similarity", "ws353-relatedness")}
        self.files = {
            "MEN.tar.gz": tarred({"MEN/license.txt": "free", IN_ARCHIVE["men"]: PAIRS["men"]}),
            "rw.zip": zipped({IN_ARCHIVE["rw"]: PAIRS["rw"], "__MACOSX/rw/._rw.txt": "\0"}),
            "simverb-3500-data.zip": zipped({IN_ARCHIVE["simverb-3500"]: PAIRS["simverb-3500"]}),
            "MTURK-771.csv": PAIRS["mturk-771"].encode(),
            "ws353simrel.tar.gz": tarred(both),
            "FeatureAugmentedRNNToolkit-v1.1.tgz": tarred(MSR),
            "BATS_3.0.zip": zipped(BATS),
        }


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = self.server
        assert isinstance(site, Site)
        site.requests += 1
        content = site.files.get(self.path.rpartition("/")[2])
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the base class)
        pass


@pytest.fixture(scope="module", autouse=True)
def collected() -> Iterator[None]:
    """Collect the sockets here, not in an unrelated test."""
    yield
    gc.collect()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site that serves all sets; the listed checksums are those of its content."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(pooch.core.time, "sleep", lambda _: None)
    with Site() as server:
        for name, known in SETS.items():
            url = f"http://127.0.0.1:{server.server_port}/{known.url.rpartition('/')[2]}"
            text = PAIRS.get(name, "").replace("\r\n", "\n").encode()
            sha256 = known.sha256 and hashlib.sha256(text).hexdigest()
            monkeypatch.setitem(SETS, name, replace(known, url=url, sha256=sha256))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_all_sets_are_downloaded_once_and_used_by_name(
    site: Site, cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = cli.output("download", "benchmarks")
    assert [Path(line).relative_to(benchmarks_folder()).stem for line in out.splitlines()] == list(SETS)
    trusted = [name for name, known in SETS.items() if known.sha256 is None]
    assert [line.partition(":")[0] for line in err.splitlines()] == trusted
    assert site.requests == len(SETS)
    again, err = cli.output("download", "benchmarks")
    assert (again, err, site.requests) == (out, "", len(SETS))

    for name in PAIRS:
        pairs = read_pairs(name)
        assert (pairs.name, len(pairs.words)) == (name, 3)
    assert read_pairs("men").scores.tolist() == [50, 50, 49]
    assert read_pairs("rw").scores.tolist() == [5.88, 5.83, 0.1]
    assert read_pairs("simverb-3500").scores.tolist() == [6.81, 4.81, 0]
    assert read_pairs("mturk-771").words[0] == ("access", "gateway")

    monkeypatch.chdir(tmp_path)
    words = sorted({word for pair in read_pairs("men").words for word in pair})
    random_vectors(words).save("v.txt")
    out, _ = cli.output("evaluate", "v.txt", "--pairs", "men", "--analogies", "bats")
    assert "3 of 3 pairs" in out
    assert evaluate_similarity(random_vectors(words), "men").pairs == 3


def test_questions_of_microsoft_research(site: Site) -> None:
    download_set("msr")
    questions = read_questions("msr")
    assert [(section.name, section.kind, section.questions) for section in questions.sections] == [
        ("gram-JJ_JJR", "syntactic", (("good", "better", "rough", "rougher"),)),
        ("gram-JJR_JJ", "syntactic", (("better", "good", "rougher", "rough"),)),
        ("gram-NN_NNS", "syntactic", (("car", "cars", "sun", "suns"),)),
    ]


def test_questions_of_bats_accept_each_listed_answer(site: Site) -> None:
    download_set("bats")
    young, plural = read_questions("bats").sections
    assert (plural.name, plural.kind) == ("gram-I01 [noun - plural_reg]", "syntactic")
    assert (young.name, young.kind) == ("E06 [animal - young]", "semantic")
    assert plural.questions == (("car", "cars", "sun", "suns"), ("sun", "suns", "car", "cars"))
    assert ("cat", "kitten", "dog", "puppy") in young.questions
    assert len(young.questions) == 6
    assert young.alternatives == {"dog": ("pup",)}

    vectors = random_vectors(["cat", "kitten", "dog", "pup", "noise"], dim=50)
    rows = vectors.vectors.copy()
    rows[3] = rows[2] + rows[1] - rows[0]  # the answer to cat : kitten = dog : ?
    changed = type(vectors)(vectors.words, rows)
    result = evaluate_analogies(changed, "bats")
    assert (result.questions, result.accuracy) == (1, 1.0)  # puppy stands for b in the reverse, and is unknown


def test_the_first_download_is_trusted_and_a_change_is_an_error(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="word2vec")
    path = download_set("rw")
    record = benchmarks_folder() / "rw.sha256"
    digest = hashlib.sha256(PAIRS["rw"].encode()).hexdigest()
    assert record.read_text().split() == [digest, SETS["rw"].url]
    assert digest in caplog.text
    path.unlink()
    site.files["rw.zip"] = zipped({IN_ARCHIVE["rw"]: PAIRS["rw"].replace("5.88", "6.88")})
    with pytest.raises(DownloadError, match=r"content of rw has changed.*delete .*rw\.sha256 and download it again"):
        download_set("rw")
    assert not path.exists()
    record.unlink()
    assert download_set("rw") == path


def test_a_listed_checksum_is_verified(site: Site) -> None:
    site.files["MEN.tar.gz"] = tarred({IN_ARCHIVE["men"]: PAIRS["men"] + "a b 1\n"})
    with pytest.raises(DownloadError, match=r"MEN\.tar\.gz: checksum mismatch for men; "):
        download_set("men")
    assert not benchmarks_folder().exists()


def test_a_site_that_is_gone_does_not_prevent_the_others(site: Site, cli: CommandLine) -> None:
    del site.files["rw.zip"], site.files["MTURK-771.csv"]
    out, err = cli.output("download", "benchmarks", code=1)
    assert len(out.splitlines()) == len(SETS) - 2
    assert "rw: http://127.0.0.1" in err
    assert err.splitlines()[-1] == "word2vec: 2 of 8 sets were not downloaded: rw, mturk-771; try again later"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>moved</html>", "not a readable archive"),
        (zipped({IN_ARCHIVE["rw"]: PAIRS["rw"]})[:60], "not a readable archive"),
        (zipped({"rw/readme.txt": ""}), r"the archive contains no \*/rw.txt"),
        (zipped({"rw/rw.txt": "x" * 2000}), "rw/rw.txt is larger than 1,000 bytes"),
    ],
    ids=["web page", "cut", "other content", "bomb"],
)
def test_damaged_archives(site: Site, content: bytes, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.system.download.MAX_FILE", 1000)
    site.files["rw.zip"] = content
    with pytest.raises(DownloadError, match=rf"rw\.zip: {reason}"):
        download_set("rw")
    assert not benchmarks_folder().exists()


def test_names_of_sets(cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FormatError, match=r"^men: this public set is not downloaded; run word2vec download men \(or"):
        read_pairs("men")
    with pytest.raises(FormatError, match="bats: this public set belongs to --analogies, not to --pairs"):
        read_pairs("bats")
    with pytest.raises(FormatError, match="men: this public set belongs to --pairs"):
        read_questions("men")
    monkeypatch.chdir(tmp_path)
    Path("men").write_text("a b 1\nc d 2\n")
    assert len(read_pairs("./men").words) == 2
    assert "choose one of: text8, benchmarks, men, rw" in cli.error("download", "nothing", code=2)
    assert set(downloads.SETS) == set(PAIRS) | {"msr", "bats"}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "a folder without .txt or .questions files"),
        ({"a.txt": "dog\tpuppy pup\nfox\tcub\n"}, "line 1: expected a word and its answers"),
        ({"a.txt": "dog\tpuppy\n"}, "contains fewer than two words"),
        ({"w.questions": "a b c\n", "w.answers": "R d\nR e\n"}, "1 questions, but 2 answers"),
        ({"w.questions": "a b\n", "w.answers": "R d\n"}, "line 1: expected three words"),
    ],
)
def test_folders_that_cannot_be_read(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(FormatError, match=reason):
        read_questions(tmp_path)

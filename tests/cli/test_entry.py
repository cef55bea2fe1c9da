"""Signals and closed streams as a shell sees them: exit codes, one line, nothing on the wrong stream."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from word2vec.formats.run import VECTORS_FILE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither these signals nor shells")

WORD2VEC = f"{sys.executable} -m word2vec"


def shell(command: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a shell command."""
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_closed_stderr_discards_messages_only(vectors_file: Path, tmp_path: Path) -> None:
    code, out, _ = shell(f"{WORD2VEC} nearest {vectors_file} king 2>&-")
    assert (code, "queen" in out) == (0, True)
    assert shell(f"{WORD2VEC} nearest nothing king 2>&-") == (1, "", "")
    # the descriptor must not be given to a file, into which messages would be written
    text = tmp_path / "text"
    text.write_text("one two three\n" * 100)
    settings = "--epochs 1 --dim 2 --min-count 1 --subsample 0 --engine plain"
    assert shell(f"{WORD2VEC} train {text} -o {tmp_path / 'run'} {settings} 2>&- <&-") == (0, "", "")
    assert (tmp_path / "run" / VECTORS_FILE).exists()


def test_a_closed_stdout_is_an_error_if_there_is_a_result(vectors_file: Path, tmp_path: Path) -> None:
    message = "word2vec: cannot write the result: Bad file descriptor\n"
    assert shell(f"{WORD2VEC} nearest {vectors_file} king >&-") == (1, "", message)
    assert shell(f"{WORD2VEC} nearest {vectors_file} king >&- 2>&- <&-") == (1, "", "")
    code, out, _ = shell(f"{WORD2VEC} export {vectors_file} {tmp_path / 'out.txt'} >&-")
    assert (code, out) == (0, "")


@pytest.mark.slow
def test_a_closed_stdin_is_empty(vectors_file: Path, tmp_path: Path) -> None:
    code, out, err = shell(f"{WORD2VEC} train - -o {tmp_path / 'run'} <&-")
    assert (code, out) == (1, "")
    assert err.startswith("word2vec: standard input: contains no words")
    assert err.count("\n") == 1
    assert shell(f"{WORD2VEC} nearest {vectors_file} king <&-")[0] == 0


PAUSED_COMMAND = """
import os, sys, time
import word2vec.cli.app
from word2vec.cli import main
from word2vec.vectors.word_vectors import WordVectors

{definition}
WordVectors.load = load
sys.argv = ["word2vec", "nearest", "RUN", "king"]
main()
"""

# The ways in which a signal may surface in a command: as it is, in an import, in an import that turns it into another
# error, in a destructor, where Python prints and drops it, and in a callback that calls itself.
DEFINITIONS = {
    "work": """
def load(*_, **__):
    os.kill(os.getpid(), NUMBER)
    time.sleep(20)
""",
    "import": """
def load(*_, **__):
    import slow_module
    assert slow_module.complete
    time.sleep(20)
""",
    "other error": """
def load(*_, **__):
    try:
        os.kill(os.getpid(), NUMBER)
        time.sleep(20)
    except BaseException as error:
        raise RecursionError("maximum recursion depth exceeded") from error
""",
    "destructor": """
class Object:
    def __del__(self):
        os.kill(os.getpid(), NUMBER)
        time.sleep(0.01)

def load(*_, **__):
    Object()
    time.sleep(20)
""",
}
SLOW_MODULE = """
import os, time
os.kill(os.getpid(), NUMBER)
time.sleep(0.2)
complete = True
"""


@pytest.mark.parametrize("where", DEFINITIONS)
@pytest.mark.parametrize("name", ["SIGINT", pytest.param("SIGTERM", marks=pytest.mark.slow), "SIGHUP"])
def test_a_signal_ends_a_command_with_one_line(name: str, where: str, tmp_path: Path) -> None:
    number = int(signal.Signals[name])
    (tmp_path / "slow_module.py").write_text(SLOW_MODULE.replace("NUMBER", str(number)))
    program = PAUSED_COMMAND.replace("{definition}", DEFINITIONS[where].replace("NUMBER", str(number)))
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=30)
    message = "word2vec: interrupted\n" if name == "SIGINT" else "word2vec: terminated\n"
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", message)


@pytest.mark.parametrize("name", ["SIGINT", pytest.param("SIGTERM", marks=pytest.mark.slow), "SIGHUP"])
def test_a_second_signal_ends_an_import_that_does_not_end(name: str, tmp_path: Path) -> None:
    number = int(signal.Signals[name])
    twice = "import os, time\n" + f"os.kill(os.getpid(), {number}); time.sleep(0.2)\n" * 2
    (tmp_path / "slow_module.py").write_text(twice + "time.sleep(60)\n")
    program = PAUSED_COMMAND.replace("{definition}", DEFINITIONS["import"])
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, cwd=tmp_path, check=False, timeout=20).returncode == 128 + number


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    number = str(int(signal.SIGHUP))
    definition = DEFINITIONS["work"].replace("NUMBER", number).replace("time.sleep(20)", "raise OSError(5, 'no disk')")
    program = tmp_path / "program.py"
    program.write_text(PAUSED_COMMAND.replace("{definition}", definition))
    code, _, err = shell(f"trap '' HUP; {sys.executable} {program}")
    assert (code, err) == (1, "word2vec: cannot write the result: no disk\n")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_after_the_work_changes_nothing(name: str) -> None:
    # Python restores the default handlers in its cleanup, before it deletes modules
    program = f"""if True:
        import builtins, os, sys
        from word2vec.cli import main
        class Late:
            def __del__(self, kill=os.kill, pid=os.getpid(), number={int(signal.Signals[name])}):
                kill(pid, number)
        builtins.late = Late()
        sys.argv = ["word2vec", "--help"]
        main()
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_closed_terminal_ends_training_and_saves_its_work(topics_file: Path, tmp_path: Path) -> None:
    import pty

    run = tmp_path / "run"
    settings = ["--epochs", "100000", "--dim", "4", "--threads", "1", "--engine", "autograd", "--subsample", "0"]
    command = [sys.executable, "-m", "word2vec", "train", str(topics_file), "-o", str(run), *settings]
    process, terminal = pty.fork()
    if not process:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored, and nothing would end training
        os.execv(sys.executable, command)
    for _ in range(600):
        if (run / "metrics.jsonl").exists():
            break
        time.sleep(0.1)
    time.sleep(0.5)
    os.close(terminal)  # the system sends SIGHUP, and writing to the terminal fails
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
    assert (run / VECTORS_FILE).exists()


def test_entry_point_imports_nothing_that_delays_the_handling_of_signals() -> None:
    command = [sys.executable, "-S", "-c", "import sys; from word2vec.cli import main; print(*sys.modules)"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    loaded = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split()
    assert "word2vec.cli.entry" in loaded
    assert not {"typing", "contextlib", "enum", "signal", "word2vec.system.signals"} & set(loaded)

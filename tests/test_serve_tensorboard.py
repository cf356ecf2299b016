"""How ``serve --tensorboard``, ``tbtools-tensorboard`` and ``tensorboard --tbtools`` start."""

from __future__ import annotations

import argparse
import datetime
import http.client
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import types
import urllib.request
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas  # noqa: F401  (main() keeps it from being imported later: see conftest.Cli)
import pytest
from conftest import DATA, ROOT, Cli
from event_writing import EventFile
from tensorboard import manager
from tensorboard.plugins import base_plugin

import tbtools.__main__ as commands
from tbtools.errors import NothingFoundError, UsageError
from tbtools.verbs.tensorboard import board
from tbtools.verbs.tensorboard.flags import logdir_flags
from tbtools.verbs.tensorboard.listening import listening
from tbtools.verbs.tensorboard.plugin import TbtoolsLoader

with warnings.catch_warnings(action="ignore"):  # of what its plugins import
    importlib.import_module("tensorboard.default")
    program = importlib.import_module("tensorboard.program")

IRIS = DATA / "iris"
PATIENCE = 60.0  # seconds until a test fails that waits for something


@pytest.fixture(autouse=True)
def nothing_is_served_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake that is not noticed would be waited for for ever."""

    def refuse(_: object) -> None:
        raise AssertionError("TensorBoard was started")

    monkeypatch.setattr(program.WerkzeugServer, "serve_forever", refuse)


def answer(url: str) -> Any:
    """What TensorBoard answers, as JSON."""
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:
        return json.load(response)


def runs_when_read(url: str) -> list[str]:
    """The runs, as soon as there are any."""
    end = time.monotonic() + PATIENCE
    while not (runs := answer(f"{url}data/runs")):
        assert time.monotonic() < end
        time.sleep(0.05)
    return list(runs)


@contextmanager
def started(
    *arguments: object, env: dict[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """A process of Python's that serves TensorBoard, its address, and the lines before that."""
    command = [sys.executable, "-P", *map(str, arguments)]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    ) as process:
        assert process.stderr is not None
        lines = []
        try:
            for line in process.stderr:
                lines.append(line)
                if found := re.search(r"TensorBoard \S+ at (http://\S+)", line):
                    yield process, found[1], lines
                    break
            else:
                raise AssertionError(lines)
        finally:
            process.kill()


# --- the process ---------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_it_serves_and_ends_as_the_other_page_does() -> None:
    arguments = ("-m", "tbtools", "serve", "--tensorboard", IRIS, "--port", 0)
    more = ("--", "--window_title", "iris -- flowers", "--path_prefix=/flowers")
    with started(*arguments, *more) as (process, url, lines):
        assert url.endswith("/flowers/")
        assert runs_when_read(url) == ["train", "validation"]
        environment = answer(f"{url}data/environment")
        assert environment["window_title"] == "iris -- flowers"
        assert environment["data_location"] == str(IRIS)
        tags = answer(f"{url}data/plugin/scalars/tags")
        assert "epoch_loss" in tags["train"]
        assert not [line for line in lines if "TensorFlow" in line]
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        assert process.stdout is not None
        assert process.stderr is not None
        assert (process.stdout.read(), process.stderr.read()) == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_it_follows_a_log_and_ends_while_a_page_is_open(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "run" / "tfevents").version().scalar("x", 1, 1.0)
    arguments = ("-m", "tbtools", "serve", "--tensorboard", tmp_path, "--port", 0, "--interval", 1)
    with started(*arguments) as (process, url, _):
        assert runs_when_read(url) == ["run"]
        for step in (2, 3, 7):
            if step == 7:
                file = EventFile(tmp_path / "run" / "tfevents").version()  # anew
            file.scalar("x", step, 1.0)
            end = time.monotonic() + PATIENCE
            while answer(f"{url}data/plugin/scalars/scalars?run=run&tag=x")[-1][1] != step:
                assert time.monotonic() < end
                time.sleep(0.05)
        page = http.client.HTTPConnection(url.split("/")[2])
        page.request("GET", "/data/runs")
        page.getresponse().read()
        process.terminate()
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        anew, *rest = process.stderr.read().splitlines()
        assert anew.endswith("; run is read again")
        assert rest == ["TensorBoard caught SIGTERM; exiting..."]
        page.close()


def test_plugins_of_others_may_have_pandas_but_nobody_here_imports_it() -> None:
    code = (
        "import sys\n"
        "from tensorboard import program\n"
        "from tbtools.__main__ import main\n"
        "def served(board):\n"
        "    print('pandas' in sys.modules, __import__('pandas').__name__)\n"
        "program.TensorBoard.main = lambda board: served(board) or 0\n"
        f"sys.argv = ['tbtools', 'serve', '--tensorboard', {str(IRIS)!r}]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("False pandas\n", "", 0)


@pytest.mark.skipif(os.name != "posix", reason="a script that starts itself")
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")  # manager's
def test_a_notebook_starts_and_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``%tensorboard`` does, which passes on no PYTHONPATH."""
    script = tmp_path / "tbtools-tensorboard"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from tbtools.__main__ import tensorboard\ntensorboard()\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("TENSORBOARD_BINARY", str(script))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # which holds who runs
    arguments = ["--logdir", str(IRIS), "--port", "0"]
    launched = manager.start(arguments, timeout=datetime.timedelta(seconds=PATIENCE))
    assert isinstance(launched, manager.StartLaunched), launched
    try:
        url = f"http://localhost:{launched.info.port}/"
        assert runs_when_read(url) == ["train", "validation"]
        assert launched.info.logdir == str(IRIS)
        again = manager.start(arguments)
        assert isinstance(again, manager.StartReused)
        assert again.info == launched.info
    finally:
        os.kill(launched.info.pid, signal.SIGTERM)
        os.waitpid(launched.info.pid, 0)
    assert manager.get_all() == []


def test_mistakes_in_a_notebook_are_a_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tbtools-tensorboard", "--logdir=x", "--prot=0"])
    with pytest.raises(SystemExit, match="2"):
        commands.tensorboard()
    told = capfd.readouterr().err
    assert told.startswith("tbtools: no flag of TensorBoard is called '--prot'; nearest: --port")
    assert told.count("\n") == 1


def test_the_command_for_notebooks_is_installed_under_its_name() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    assert 'tbtools-tensorboard = "tbtools.__main__:tensorboard"' in text
    assert 'tbtools = "tbtools.verbs.tensorboard.plugin:TbtoolsLoader"' in text


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--points", "10000"], "--points is not for --tensorboard: use -- --samples_per_plugin"),
        (["--restarts", "tensorboard"], "--restarts is not for --tensorboard: use -- --purge_orph"),
        (["--run", "x"], "--run is not for --tensorboard: use the filter of TensorBoard's page"),
        (["--tag", "loss"], "--tag is not for --tensorboard: use the filter of TensorBoard's"),
        (["--exclude-tag", "x"], "--exclude-tag is not for --tensorboard: use the filter"),
        (["--steps", ":2"], "--steps is not for --tensorboard: export them, and serve the dataset"),
        (["--on-damage", "skip"], "--on-damage is not for --tensorboard: damage costs a record"),
        (["--points", "9", "--steps", ":9"], "scalars=N; --steps is not"),
        (["--", "--logdir", "x"], "LOGDIR and --logdir both say where the logs are"),
        (["--", "--logdir_spec=a:x"], "LOGDIR and --logdir_spec both say where the logs are"),
        (["--", "--event_file=x"], "LOGDIR and --event_file both say where the logs are"),
        (["--port", "1", "--", "--port", "2"], "--port is given twice"),
        (["--interval", "1", "--", "--reload_interval=2"], "--reload_interval is given twice"),
        (["--bind_all"], "no option of tbtools is called --bind_all; those of TensorBoard go behi"),
        (["--", "--bindall"], "no flag of TensorBoard is called '--bindall'; nearest: --bind_all"),
        (["--", "--prot", "1"], "no flag of TensorBoard is called '--prot'; nearest: --port"),
        (
            ["--", "--verbosity=0", "-x"],
            "TensorBoard: unrecognized arguments: -x (`tensor",
        ),
        (["--", "--log", "x"], "TensorBoard: ambiguous option: --log"),
        (["--", "--port", "x"], "TensorBoard: argument --port"),
        (["--interval", "-1"], "TensorBoard: argument --reload_interval"),
        (["--", "more"], "TensorBoard: argument {serve}: invalid choice: 'more'"),
        (["--host", "a", "--", "--bind_all"], "TensorBoard: Must not specify both --host and --bi"),
        (["--", "--load_fast=true"], "--load_fast=true asks for TensorBoard's own loader"),
        (["--", "--reload_task=process"], "--reload_task=process: tbtools reads in a thread"),
        (["--", "--reload_task=blocking"], "--reload_task=blocking needs --reload_interval=0"),
        (["--port", "70000"], "TensorBoard cannot listen at port 70000 of localhost"),
        (["--port", "-1"], "TensorBoard cannot listen at port -1 of localhost"),
        (["--host", "no.such.host.invalid"], "of no.such.host.invalid: "),
        (["--host", "192.0.2.1", "--port", "0"], "cannot listen at port 0 of 192.0.2.1: "),
    ],
    ids=lambda each: "_".join(each) if isinstance(each, list) else "",
)
def test_mistakes_are_a_line(cli: Cli, arguments: list[str], told: str) -> None:
    done = cli("serve", "--tensorboard", IRIS, *arguments, code=2)
    assert done.stderr.startswith("tbtools: ")
    assert told in done.stderr
    assert (done.stderr.count("\n"), done.stdout) == (1, "")
    assert len(done.stderr) <= 250


def test_other_data_instead_of_logs_is_refused(cli: Cli) -> None:
    done = cli("serve", "--tensorboard", "--", "--grpc_data_provider=localhost:1", code=2)
    assert done.stderr.startswith("tbtools: --grpc_data_provider: ")


def test_a_port_in_use_is_said_with_what_helps(cli: Cli) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = cli("serve", "--tensorboard", IRIS, "--port", port, code=2)
    assert done.stderr == (
        f"tbtools: TensorBoard cannot listen at port {port} of localhost: it is in use; "
        "give another --port, or --port 0 for any that is free\n"
    )


def test_what_is_not_there_is_not_waited_for(cli: Cli, tmp_path: Path) -> None:
    for logdirs in ([tmp_path / "none"], [IRIS, f"x={tmp_path}/none"]):
        done = cli("serve", "--tensorboard", *logdirs, code=4)
        assert "there is no file or folder" in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_missing_tensorboard_is_said_with_what_helps(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "tensorboard.version")
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    done = cli("serve", "--tensorboard", IRIS, code=2)
    assert done.stderr.startswith("tbtools: TensorBoard cannot be imported (")
    assert done.stderr.endswith("): pip install 'tbtools-tfevents[tensorboard]'\n")
    assert done.stderr.count("\n") == 1


def test_a_tensorboard_that_misses_something_is_not_installed_again(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Up to 2.20, pkg_resources, which setuptools has lost.
    monkeypatch.delattr("tensorboard.default")
    monkeypatch.setitem(sys.modules, "tensorboard.default", None)
    done = cli("serve", "--tensorboard", IRIS, code=2)
    assert done.stderr == (
        "tbtools: TensorBoard cannot be imported (import of tensorboard.default halted; "
        "None in sys.modules): pip install --upgrade tensorboard\n"
    )


def test_an_old_tensorboard_is_said_with_its_version(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tensorboard.version.VERSION", "2.16.2")
    # Which cannot be imported with NumPy 2.
    monkeypatch.setitem(sys.modules, "tensorboard.default", None)
    done = cli("serve", "--tensorboard", IRIS, code=2)
    assert done.stderr == (
        "tbtools: TensorBoard 2.16.2 is too old, 2.17 or later is needed: "
        "pip install --upgrade tensorboard\n"
    )


def test_a_new_tensorboard_without_a_place_for_a_loader_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(program.TensorBoard, "_make_data_ingester")
    with pytest.raises(UsageError, match="has no place for another loader"):
        board.board_type()


# --- options as flags ----------------------------------------------------------------------------


@pytest.fixture
def given(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What TensorBoard is started with."""
    monkeypatch.delenv("TBTOOLS_LOGDIR", raising=False)

    def started_with(*arguments: object, cwd: Path | None = None) -> list[str]:
        got: list[str] = []

        def run(flags: Sequence[str], on_url: object = None) -> int:
            got.extend(flags)
            return 0

        monkeypatch.setattr(board, "run", run)
        cli("serve", "--tensorboard", *arguments, cwd=cwd)
        return got

    return started_with


def test_what_stands_behind_two_dashes_is_passed_on(given: Any) -> None:
    assert given(IRIS) == [f"--logdir={IRIS}"]
    assert given(IRIS, "--", "--port", "1", "--", "-x") == [
        *(f"--logdir={IRIS}", "--port", "1", "--", "-x")
    ]
    assert given("--logdir", IRIS, "--port", 0, "--host", "::1", "--interval", 2.5) == [
        *(f"--logdir={IRIS}", "--port=0", "--host=::1", "--reload_interval=2.5")
    ]


def test_logs_are_those_of_the_flags_or_the_environment_or_here(
    given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert given() == ["--logdir=."]
    assert given("--", "--logdir_spec", "a:b") == ["--logdir_spec", "a:b"]
    monkeypatch.setenv("TBTOOLS_LOGDIR", str(IRIS))
    assert given("--", "--bind_all") == [f"--logdir={IRIS}", "--bind_all"]
    assert given("--", "--logdir=x") == ["--logdir=x"]


def test_several_logdirs_have_names(given: Any, tmp_path: Path) -> None:
    for name in ("one/logs", "two/logs", "three", "-four", "~"):
        (tmp_path / name).mkdir(parents=True)
    assert given("three", "--", cwd=tmp_path) == ["--logdir=three"]
    assert given("a=three", cwd=tmp_path) == ["--logdir_spec=a:three"]
    assert given("three", "x=one/logs", "./-four", cwd=tmp_path) == [
        "--logdir_spec=three:three,x:one/logs,-four:./-four"
    ]
    both = (tmp_path / "one" / "logs", tmp_path / "two" / "logs")
    assert logdir_flags([str(each) for each in both]) == [
        # A name that began with a slash would be a path.
        f"--logdir_spec={str(both[0])[1:]}:{both[0]},{str(both[1])[1:]}:{both[1]}"
    ]
    assert given("~", cwd=tmp_path) == ["--logdir=./~"]  # the shell has expanded it


def test_what_a_spec_cannot_say_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a,b", "a:b", "c", "d"):
        (tmp_path / name).mkdir()
    assert logdir_flags(["a,b"]) == ["--logdir=a,b"]
    assert logdir_flags(["x=a:b", "c"]) == ["--logdir_spec=x:a:b,c:c"]
    with pytest.raises(UsageError, match="no name with ':' in it beside others: 'a:b'; name it"):
        logdir_flags(["a:b", "c"])
    with pytest.raises(UsageError, match=r"no path with ',' in it .* make a link"):
        logdir_flags(["x=a,b", "c"])
    (tmp_path / "link").symlink_to("c")
    with pytest.raises(UsageError, match="'c' and 'link' are one folder"):
        logdir_flags(["c", "link"])
    with pytest.raises(NothingFoundError, match="nor 'x=e'"):
        logdir_flags(["x=e"])


def test_without_the_option_two_dashes_are_what_they_were(cli: Cli, tmp_path: Path) -> None:
    done = cli("serve", "--", "-odd-name", "--tensorboard", code=4, cwd=tmp_path)
    assert done.stderr == "tbtools: there is no file or folder '-odd-name'\n"


def test_the_page_is_opened_when_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    urls: list[str] = []
    flags = argparse.Namespace(
        host=None, port=0, bind_all=False, path_prefix="/x", reuse_port=False
    )
    server = listening(urls.append)(lambda *_: [], flags)
    server.server_close()
    assert urls == [f"http://localhost:{server.server_port}/x/"]


# --- tensorboard --tbtools -----------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """An environment in which tbtools is installed, as far as entry points tell."""
    info = tmp_path / "tbtools_tfevents-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tbtools-tfevents\nVersion: 0\n")
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    (line,) = re.findall(r"^tbtools = \"(tbtools\.verbs.*)\"$", text, re.M)
    (info / "entry_points.txt").write_text(f"[tensorboard_plugins]\ntbtools = {line}\n")
    return {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}


def test_the_flag_has_tensorboard_read_by_tbtools(installed: dict[str, str]) -> None:
    flags = ("--tbtools", "--logdir", IRIS, "--port", 0)
    with started("-m", "tensorboard.main", *flags, env=installed) as (_, url, _):
        assert runs_when_read(url) == ["train", "validation"]
        told = answer(f"{url}data/plugins_listing")
        assert "scalars" in told
        assert "tbtools" not in told


def parsed(*arguments: str) -> argparse.Namespace:
    """Flags as TensorBoard parses them with our loader among its plugins."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--load_fast", default="auto")
    parser.add_argument("--reload_task", default="auto")
    loader = TbtoolsLoader()
    loader.define_flags(parser)
    flags = parser.parse_args(arguments)
    loader.fix_flags(flags)
    assert loader.load(None) is None
    return flags


def test_without_the_flag_nothing_is_changed_or_imported() -> None:
    before = program.TensorBoard._make_data_ingester
    assert parsed().tbtools is False
    assert program.TensorBoard._make_data_ingester is before
    code = (
        "import sys\nfrom tensorboard.plugins import base_plugin\nbefore = set(sys.modules)\n"
        "from tbtools.verbs.tensorboard.plugin import TbtoolsLoader\n"
        "ours = {name for name in sys.modules if name.startswith('tbtools')}\n"
        "print(sorted(ours), sorted(set(sys.modules) & {'pyarrow', 'numpy', 'google', 'typer'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "['tbtools', 'tbtools.verbs', 'tbtools.verbs.tensorboard', "
        "'tbtools.verbs.tensorboard.plugin', 'tbtools.version'] []\n"
    )


def test_only_a_board_with_the_flag_gets_our_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    class Board(program.TensorBoard):  # type: ignore[misc]
        """In the place of TensorBoard's own, which other tests use."""

        def __init__(self, flags: argparse.Namespace) -> None:
            self.flags = flags

        def _make_data_ingester(self) -> str:
            return "stock"

    class Ours(program.TensorBoard):  # type: ignore[misc]
        """In the place of ours."""

        def _make_data_ingester(self) -> str:
            return "ours"

    monkeypatch.setattr(program, "TensorBoard", Board)
    monkeypatch.setattr(board, "board_type", lambda: Ours)
    without = parsed()
    assert Board(without)._make_data_ingester() == "stock"
    for _ in range(2):
        assert Board(parsed("--tbtools"))._make_data_ingester() == "ours"
        assert Board(without)._make_data_ingester() == "stock"
    assert Board(argparse.Namespace())._make_data_ingester() == "stock"


def test_a_flag_that_is_there_already_stays() -> None:
    parser = argparse.ArgumentParser()
    TbtoolsLoader().define_flags(parser)
    TbtoolsLoader().define_flags(parser)
    assert parser.parse_args(["--tbtools"]).tbtools is True


def test_what_cannot_be_is_an_error_of_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(base_plugin.FlagsError, match="--tbtools: --load_fast=true asks"):
        parsed("--tbtools", "--load_fast=true")
    monkeypatch.setattr(program, "TensorBoard", types.SimpleNamespace())
    with pytest.raises(base_plugin.FlagsError, match="no place for another loader"):
        parsed("--tbtools")
    monkeypatch.setitem(sys.modules, "tbtools.verbs.tensorboard.board", None)
    with pytest.raises(base_plugin.FlagsError, match="--tbtools: tbtools cannot be imported"):
        parsed("--tbtools")

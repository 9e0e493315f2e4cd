"""``tianfu demo`` as a person runs it, and its supervision alone: who dies comes back, all end together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from dashboard.cli import demo
from dashboard.errors import SettingError
from dashboard.settings import Settings
from dashboard.snapshot.publish import publish_snapshot
from tests.delivery import wait_for
from tests.processes import ROOT, environment, free_port, healthz
from tests.tiny import BUILT_AT, build_tiny

SUPERVISED = """
    import sys
    from pathlib import Path
    from dashboard.cli.supervise import Child, Supervisor
    from dashboard.errors import TianfuError

    folder = Path(sys.argv[1])

    def child(name, code):
        return Child(name, [sys.executable, "-c", code], folder, ready=(folder / name).exists)

    LIVE = "import os, time; open('{name}', 'a').write(f'{{os.getpid()}}\\\\n'); {more}time.sleep(600)"
    def live(name, more=""):
        return child(name, LIVE.format(name=name, more=more))

    children = eval(sys.argv[2])
    supervisor = Supervisor(children, say=lambda line: print(line, flush=True))
    try:
        supervisor.start()
        print("ready", flush=True)
        supervisor.watch()
    except TianfuError as error:
        print(error.what, flush=True)
    finally:
        supervisor.stop()
    print("stopped", flush=True)
"""


@contextmanager
def supervised(folder: Path, children: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SUPERVISED), str(folder), children],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def pids(folder: Path, name: str) -> list[int]:
    file = folder / name
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_killed_child_comes_back_and_the_others_stay(tmp_path: Path) -> None:
    with supervised(tmp_path, "[live('one'), live('two')]") as process:
        assert hear(process) == "ready"
        (one,), (two,) = pids(tmp_path, "one"), pids(tmp_path, "two")
        for times in (1, 2):
            os.kill(pids(tmp_path, "one")[-1], signal.SIGKILL)
            assert hear(process) == f"one ended (SIGKILL); it is started again in {0.2 * times:g} s."
            wait_for(lambda times=times: len(pids(tmp_path, "one")) == times + 1)
        assert pids(tmp_path, "two") == [two]
        assert alive(two)
        process.send_signal(signal.SIGINT)
        assert hear(process) == "stopped"
        assert process.wait(10) == 0
    assert not any(alive(pid) for pid in [one, two, *pids(tmp_path, "one")])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda n: n.name)
def test_however_the_parent_ends_no_child_is_left(tmp_path: Path, number: signal.Signals) -> None:
    with supervised(tmp_path, "[live('one'), live('two')]") as process:
        assert hear(process) == "ready"
        children = [*pids(tmp_path, "one"), *pids(tmp_path, "two")]
        assert all(alive(pid) for pid in children)
        process.send_signal(number)
        process.wait(20)
        wait_for(lambda: not any(alive(pid) for pid in children), within=10)


def test_a_child_that_will_not_end_is_killed_after_a_while(tmp_path: Path) -> None:
    deaf = "__import__('signal').signal(15, __import__('signal').SIG_IGN); "
    shorter = "setattr(__import__('dashboard.cli.supervise').cli.supervise, 'STOP_WITHIN_S', 0.5)"
    with supervised(tmp_path, f"[live('one', {deaf!r})] + ([] if {shorter} is None else [])") as process:
        assert hear(process) == "ready"
        (one,) = pids(tmp_path, "one")
        wait_for(lambda: alive(one))
        process.send_signal(signal.SIGTERM)
        assert hear(process) == "one did not end by itself and was killed."
        assert hear(process) == "stopped"
    assert not alive(one)


def test_a_child_that_cannot_start_stops_everything(tmp_path: Path) -> None:
    with supervised(tmp_path, "[live('one'), child('two', 'raise SystemExit(3)')]") as process:
        assert hear(process) == "two did not start."
        assert hear(process) == "stopped"
        assert process.wait(10) == 0
    assert not any(alive(pid) for pid in pids(tmp_path, "one"))


def test_the_demo_runs_service_sender_and_board_and_restarts_them(tmp_path: Path) -> None:
    snapshots = tmp_path / "snapshots"
    publish_snapshot(snapshots, build_tiny(snapshots).id, now=BUILT_AT)
    port, rules_port = free_port(), free_port()
    env = environment(tmp_path, PORT=str(port), RULES_PORT=str(rules_port), TIANFU_WORKERS="1")
    log = tmp_path / "demo.log"
    with log.open("wb") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "dashboard.cli.main", "demo"],
            cwd=ROOT,
            env=env | {"PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"

    def verdict() -> object:
        try:
            policy = healthz(url)["policy"]
        except OSError:
            return None
        return policy["verdict"] if isinstance(policy, dict) else None

    def child(word: str) -> psutil.Process:
        (found,) = [p for p in psutil.Process(running.pid).children() if word in " ".join(p.cmdline())]
        return found

    try:
        wait_for(lambda: verdict() == "synced", within=90, why=log.read_text)
        wait_for(lambda: "Stop with Ctrl-C" in log.read_text(), within=20)
        said = log.read_text()
        assert url in said
        assert f"http://127.0.0.1:{rules_port}" in said
        before = {word: child(word).pid for word in ("dashboard.rules", "dashboard.publishing", "gunicorn")}
        for word in ("dashboard.rules", "dashboard.publishing"):
            child(word).kill()
            wait_for(lambda word=word: f"{before[word]}" not in str(list_pids(running.pid, word)), within=20)
            wait_for(lambda word=word: list_pids(running.pid, word), within=20)
        # The head was kept: nothing had to be published again, and after the next poll all is well.
        wait_for(lambda: verdict() == "synced", within=60, why=log.read_text)
        assert child("gunicorn").pid == before["gunicorn"]
        everyone = [p.pid for p in psutil.Process(running.pid).children(recursive=True)]
        assert len(everyone) >= 4
        running.send_signal(signal.SIGINT)
        assert running.wait(40) == 0, log.read_text()
        assert not any(alive(pid) for pid in everyone)
        assert "Traceback" not in log.read_text()
    finally:
        if running.poll() is None:
            running.kill()
            running.wait(10)


def list_pids(parent: int, word: str) -> list[int]:
    found = []
    for process in psutil.Process(parent).children():
        try:
            if word in " ".join(process.cmdline()):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_a_taken_port_of_the_rules_service_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "dashboard.cli.main", "demo"],
            cwd=ROOT,
            env=environment(tmp_path, PORT=str(free_port()), RULES_PORT=str(port))
            | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 10
    assert f"Port {port} on 127.0.0.1 cannot be used" in done.stderr
    assert "RULES_PORT=8061 make demo" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_port_taken_while_the_demo_was_being_made_is_said_and_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever took it would answer in the board's place, and be handed the demo's password."""
    snapshots, port = tmp_path / "snapshots", free_port()
    publish_snapshot(snapshots, build_tiny(snapshots).id, now=BUILT_AT)
    for name, value in environment(tmp_path, PORT=str(port), RULES_PORT=str(free_port())).items():
        monkeypatch.setenv(name, value)
    taken: list[socket.socket] = []
    make = demo.publish_baseline

    def slowly(settings: Settings) -> None:
        make(settings)
        taken.append(socket.create_server(("127.0.0.1", port)))

    monkeypatch.setattr(demo, "publish_baseline", slowly)
    monkeypatch.setattr(demo.Supervisor, "start", lambda _: pytest.fail("something was started"))
    try:
        with pytest.raises(SettingError, match=f"Port {port} .* cannot be used"):
            demo.demo()
    finally:
        for other in taken:
            other.close()

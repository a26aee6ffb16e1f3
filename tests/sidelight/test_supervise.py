from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sidelight.supervise import Restarts

PARENT = """
import json, os, sys
from sidelight.supervise import Process, Restarts, supervise

def say(event):
    line = f"{event.kind} {event.process} {event.pid} {event.code}\\n"
    os.write(1, line.encode())

spec = json.loads(sys.argv[1])
processes = [Process(**process) for process in spec["processes"]]
restarts = Restarts(**spec.get("restarts", {}))
code = supervise(
    processes, grace_seconds=spec.get("grace", 5.0), on_event=say, restarts=restarts
)
os.write(1, f"exit {code}\\n".encode())
sys.exit(code)
"""

# One write a line, since several processes share the pipe. The signal is waited for, since a
# handler in Python may run only after a sleep has ended.
OBEDIENT = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.write(1, f"ready {sys.argv[1]}\\n".encode())
signal.sigwait([signal.SIGTERM])
sys.exit(0)
"""
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(1, f"ready {sys.argv[1]}\\n".encode())
time.sleep(3600)
"""


class Running:
    """A supervisor in a process of its own, and what it has said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def read_until(self, found: Callable[[str], bool]) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if found(self.lines[-1]):
                return self.lines[-1]
        raise AssertionError(f"ended without it: {self.lines}")

    def expect(self, start: str) -> str:
        return self.read_until(lambda line: line.startswith(start))

    def expect_all(self, *lines: str) -> None:
        left = set(lines)
        while left:
            left.discard(self.read_until(lambda line: line in left))

    def rest(self) -> list[str]:
        assert self.process.stdout is not None
        self.lines += [line.strip() for line in self.process.stdout]
        self.process.wait(timeout=30)
        return self.lines

    def pid_of(self, name: str) -> int:
        started = [line.split() for line in self.lines if line.startswith(f"started {name} ")]
        return int(started[-1][2])


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def run(*processes: dict[str, object], **spec: object) -> Running:
        text = json.dumps({"processes": processes, **spec})
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT, text], stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        return Running(process)

    yield run
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def python(name: str, code: str, **rest: object) -> dict[str, object]:
    return {"name": name, "argv": [sys.executable, "-c", textwrap.dedent(code), name], **rest}


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_a_crashed_process_is_started_again(start: Start) -> None:
    running = start(python("a", OBEDIENT), python("b", OBEDIENT))
    running.expect_all("ready a", "ready b")
    first = running.pid_of("a")
    os.kill(first, signal.SIGKILL)
    assert running.expect("crashed") == f"crashed a {first} -9"
    running.expect("ready a")
    assert running.pid_of("a") != first
    assert running.lines.count("ready b") == 1


def test_the_first_restart_does_not_wait_and_later_ones_wait_twice_as_long_up_to_a_limit() -> None:
    restarts = Restarts(first_wait_seconds=0.5, longest_wait_seconds=3.0)
    assert [restarts.wait_seconds(n) for n in range(1, 7)] == [0.0, 0.5, 1.0, 2.0, 3.0, 3.0]
    assert restarts.wait_seconds(10**6) == 3.0


def test_old_crashes_no_longer_count() -> None:
    assert Restarts(within_seconds=60.0).recent([0.0, 30.0, 80.0], now=85.0) == (30.0, 80.0)


def test_too_many_rapid_crashes_of_an_essential_process_stop_all_with_exit_1(start: Start) -> None:
    running = start(
        python("good", OBEDIENT),
        python("bad", "import sys; sys.exit(7)"),
        restarts={"limit": 3, "first_wait_seconds": 0.01},
    )
    lines = running.rest()
    assert [line.split()[0] for line in lines if " bad " in line] == [
        *("started", "crashed", "started", "crashed", "started"),
        "gave",
    ]
    assert running.process.returncode == 1
    assert not is_alive(running.pid_of("good"))


def test_a_process_that_is_not_essential_is_started_again_for_ever(start: Start) -> None:
    running = start(
        python("good", OBEDIENT),
        python("bad", "import sys; sys.exit(1)", essential=False),
        restarts={"limit": 2, "first_wait_seconds": 0.01},
    )
    for _ in range(5):
        running.expect("crashed bad")
    running.process.terminate()
    assert running.rest()[-1] == "exit 0"


def test_one_whose_first_word_is_a_wrong_configuration_stops_all_with_exit_2(start: Start) -> None:
    running = start(python("good", OBEDIENT), python("bad", "raise SystemExit(2)", essential=False))
    assert [line for line in running.rest() if "bad" in line][-1].startswith("gave up bad")
    assert running.process.returncode == 2


def test_a_configuration_that_goes_wrong_later_takes_no_other_down(
    start: Start, tmp_path: Path
) -> None:
    program = f"""
        import pathlib, sys
        seen = pathlib.Path({str(tmp_path / "seen")!r})
        code = 2 if seen.exists() else 1
        seen.touch()
        sys.exit(code)
    """
    bad = python("bad", program, essential=False)
    running = start(python("good", OBEDIENT), bad, restarts={"first_wait_seconds": 0.01})
    for _ in range(4):
        running.expect("crashed bad")
    running.process.terminate()
    assert running.rest()[-1] == "exit 0"


def test_a_wrong_configuration_is_not_tried_twice_and_keeps_its_exit_code(start: Start) -> None:
    running = start(python("bad", "import sys; sys.exit(2)"))
    lines = running.rest()
    assert [line.split()[0] for line in lines] == ["started", "gave", "exit"]
    assert running.process.returncode == 2


def test_a_command_that_does_not_exist_is_said_and_given_up(start: Start) -> None:
    running = start({"name": "ghost", "argv": ["/nowhere/ghost"]}, restarts={"limit": 1})
    assert running.rest()[-1] == "exit 1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_in_the_reverse_order_and_exits_0(
    start: Start, number: signal.Signals
) -> None:
    running = start(*(python(name, OBEDIENT) for name in "abc"))
    running.expect_all("ready a", "ready b", "ready c")
    running.process.send_signal(number)
    stopped = [line.split()[1] for line in running.rest() if line.startswith("stopped")]
    assert stopped == ["c", "b", "a"]
    assert running.process.returncode == 0


def test_a_process_that_stops_with_an_error_makes_the_exit_code_1(start: Start) -> None:
    failing = OBEDIENT.replace("sys.exit(0)", "sys.exit(3)")
    running = start(python("a", failing))
    running.expect("ready a")
    running.process.terminate()
    assert running.rest()[-1] == "exit 1"


def test_what_is_left_after_the_grace_period_is_killed(start: Start) -> None:
    running = start(python("a", OBEDIENT), python("stubborn", STUBBORN), grace=0.5)
    running.expect_all("ready a", "ready stubborn")
    running.process.terminate()
    lines = running.rest()
    # The stubborn one uses its share only: the other is still asked and ends by itself.
    assert f"stopped a {running.pid_of('a')} 0" in lines
    assert f"killed stubborn {running.pid_of('stubborn')} -9" in lines
    assert running.process.returncode == 1


def test_a_second_signal_kills_at_once(start: Start) -> None:
    running = start(python("stubborn", STUBBORN), grace=3600.0)
    running.expect("ready stubborn")
    pid = running.pid_of("stubborn")
    running.process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    running.process.send_signal(signal.SIGINT)
    assert running.rest()[-1] == "exit 130"
    assert not is_alive(pid)


def test_killing_the_supervisor_with_9_leaves_no_orphan(start: Start) -> None:
    running = start(python("a", STUBBORN), python("b", STUBBORN))
    running.expect_all("ready a", "ready b")
    pids = [running.pid_of("a"), running.pid_of("b")]
    running.process.kill()
    assert wait_until(lambda: not any(is_alive(pid) for pid in pids))


def test_a_process_whose_parent_is_already_gone_does_not_begin(tmp_path: Path) -> None:
    from sidelight import tether

    mark = tmp_path / "ran"
    argv = [sys.executable, "-I", "-S", tether.__file__, "1", "touch", str(mark)]
    assert subprocess.run(argv, check=False).returncode == 1
    assert not mark.exists()


def test_a_descriptor_survives_restarts_and_the_environment_is_added_to(start: Start) -> None:
    reads, writes = os.pipe()
    code = f"""
        import os, time
        assert "PATH" in os.environ
        os.write({writes}, os.environ["GREETING"].encode())
        time.sleep(3600)
    """
    spec = {
        "processes": [python("a", code, pass_fds=[writes], env={"GREETING": "hello"})],
    }
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, json.dumps(spec)],
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=[writes],
    )
    running = Running(parent)
    try:
        for _ in range(2):
            assert os.read(reads, 100) == b"hello"
            running.expect("started")
            os.kill(running.pid_of("a"), signal.SIGKILL)
    finally:
        parent.terminate()
        running.rest()
        assert parent.stdout is not None
        parent.stdout.close()
        os.close(reads)
        os.close(writes)

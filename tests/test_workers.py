"""Many files on processes and on a cluster: the same bytes, whoever computes them, whoever dies."""

import contextlib
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.screens import environment
from tests.support import BackpropError, Source, call

FILES = 24
PROGRAM = "sin(x*w)*exp(-y^2)"


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    """Files of points, what each is mapped to, and the sums over all of them."""
    folder = tmp_path_factory.mktemp("points")
    source = random.Random(1)
    for i in range(FILES):
        lines = [f"{source.gauss(0, 1e3)!r},{source.gauss(0, 2)!r}\n" for _ in range(40)]
        (folder / f"p{i}.csv").write_text("x,y\n" + "".join(lines) + ",1\n" * (i == 3))
    code, out, err = call(*arguments(folder), "-o", str(folder / "alone"))
    assert (code, out) == (3, "")
    _, sums, _ = call(*arguments(folder), "--reduce", "sum")
    return folder, contents(folder / "alone"), sums, err


def arguments(folder):
    return ["map", PROGRAM, "--at", "w=2", "--points", str(folder / "p*.csv")]


def test_no_thread_loads_numpy_for_polars():
    """Two threads could not at once: its stand-in for a module is no longer itself after that."""
    code = (
        "import sys; from backprop_cli.data.io import library; library();"
        "sys.exit(sys.modules['polars._dependencies'].numpy is not sys.modules['numpy'])"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def contents(folder):
    """Every file of a folder, hidden ones too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_pool_of_processes(points, tmp_path):
    folder, wanted, sums, told = points
    code, out, err = call(*arguments(folder), "-o", str(tmp_path / "out"), "--workers", "2")
    assert (code, out, err) == (3, "", told)
    assert contents(tmp_path / "out") == wanted
    code, out, err = call(*arguments(folder), "--reduce", "sum", "--workers", "2")
    assert (code, out, err) == (3, sums, told)


def test_an_error_comes_back_from_a_worker(points, tmp_path):
    code, out, err = call(*arguments(points[0]), "-o", str(tmp_path / "out"), "--workers", "2", "--strict")  # fmt: skip
    assert (code, out) == (1, "")
    assert "p3.csv, row 41: x is missing" in err
    assert not [name for name in contents(tmp_path / "out") if name.startswith(".")]
    error = BackpropError("domain", "m", (1, 2), label="l", hint="h", source=Source("t"))
    again = pickle.loads(pickle.dumps(error))
    assert vars(again) == vars(error)


def start(args, cwd):
    return subprocess.Popen(
        [sys.executable, "-m", "backprop_cli", *args], cwd=cwd, env=environment(),
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def first_outputs(folder, count):
    """Wait until some of the outputs are there; how many are."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        there = [p for p in folder.glob("*.csv")] if folder.exists() else []  # noqa: C416
        if len(there) >= count:
            return len(there)
        time.sleep(0.002)
    raise AssertionError("nothing was written")


def children(process):
    """The workers of a run, as soon as there are two."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        born = [pid for task in Path(f"/proc/{process.pid}/task").iterdir() for pid in (task / "children").read_text().split()]  # fmt: skip
        found = [int(pid) for pid in born if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]  # fmt: skip
        if len(found) == 2:
            return found
    raise AssertionError("no worker started")


def test_a_dead_process_is_told_and_resume_goes_on(points, tmp_path):
    folder, wanted, _, _ = points
    args = [*arguments(folder), "-o", "out", "--workers", "2"]
    process = start(args, tmp_path)
    worker = children(process)[0]
    assert first_outputs(tmp_path / "out", 1) < FILES
    os.kill(worker, signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "a worker died" in err
    found = contents(tmp_path / "out")
    assert all(wanted[name] == data for name, data in found.items())
    with contextlib.chdir(tmp_path):
        assert call(*arguments(folder), "-o", "out", "--resume")[0] in (0, 3)
    assert contents(tmp_path / "out") == wanted


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_pool_leaves_whole_files(points, tmp_path, number, code):
    folder, wanted, _, _ = points
    process = start([*arguments(folder), "-o", "out", "--workers", "2"], tmp_path)
    there = first_outputs(tmp_path / "out", 1)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert there == FILES or (process.returncode, err) in ((code, ""), (3, points[3]))
    assert all(wanted[name] == data for name, data in contents(tmp_path / "out").items())


def test_a_cluster_of_which_a_worker_dies(points, tmp_path):
    """Nothing is lost and nothing is doubled."""
    from distributed import LocalCluster

    folder, wanted, sums, told = points
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", host="127.0.0.1"
    ) as cluster:
        spread = ["--dask", cluster.scheduler_address]
        pids = [worker.pid for worker in cluster.workers.values()]
        process = start([*arguments(folder), "-o", "out", *spread], tmp_path)
        assert first_outputs(tmp_path / "out", 1) < FILES
        os.kill(pids[0], signal.SIGKILL)
        _, err = process.communicate(timeout=100)
        assert (process.returncode, err.replace(f"{tmp_path}/", "")) == (3, told)
        assert contents(tmp_path / "out") == wanted
        code, out, err = call(*arguments(folder), "--reduce", "sum", *spread)
        assert (code, out, err) == (3, sums, told)
    assert not multiprocessing.active_children()


def test_no_cluster():
    code, out, err = call("map", "x^2", "--points", "-", "--reduce", "sum", "--dask", "nowhere", stdin=b"x\n1\n")  # fmt: skip
    assert (code, out) == (2, "")
    assert "cannot reach nowhere" in err

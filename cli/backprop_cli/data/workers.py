"""Many files on many workers: a thread of this process, a pool of processes, a Dask cluster.

All three are executors, so one loop runs them; and as a job may be done twice without harm, what a
dying worker leaves behind is done again or swept away.
"""

import logging
import multiprocessing
import os
import queue
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from backprop_grammar.errors import BackpropError, usage

from ..screens.diagnostics import refusal
from ..screens.progress import REFRESH, Bar
from .atomic import terminable
from .jobs import STOP, Job, Tally, map_file

__all__ = ["run_jobs"]


def run_jobs(
    jobs: Sequence[Job], workers: int = 0, cluster: str = "", stream: IO[bytes] | None = None
) -> Tally:
    """Run the jobs, and add up what their rows came to.

    workers: processes, or 0 for this one. cluster: the address of a Dask scheduler, instead.
    stream: written instead of the job's target, by this process. Whatever ends a run early, each
    output is there as a whole or not at all. Raises BackpropError as ``map_file`` does, and where
    workers die.
    """
    tally = Tally()
    rows = [0]  # of the file at work in this process
    here = not (workers or cluster)
    more: tuple[Any, ...] = (stream, lambda count: rows.__setitem__(0, count)) if here else ()
    bar = Bar("file", len(jobs)) if Bar.seen() and not (stream and sys.stdout.isatty()) else None
    start = time.monotonic()
    try:
        with terminable(), executor(workers, cluster) as pool:
            finished = queue.SimpleQueue[Future[Tally]]()
            for job in jobs:
                pool.submit(map_file, job, *more).add_done_callback(finished.put)
            done = 0
            while done < len(jobs):
                # A signal may arrive on another thread: this one looks up now and then.
                with suppress(queue.Empty):
                    tally.add(finished.get(timeout=REFRESH).result())
                    done += 1
                    rows[0] = 0
                if bar:
                    count = tally.rows + rows[0]
                    rate = count / (time.monotonic() - start)
                    bar.advance(done, f"{count:,} rows, {rate:,.0f} a second")
    except BrokenProcessPool:
        hint = "take fewer --workers; --resume keeps what is done"
        raise BackpropError(
            "limit", "a worker died, perhaps for want of memory", hint=hint
        ) from None
    finally:
        if bar:
            bar.stop()
        for folder in {Path(job.target).parent for job in jobs if job.target not in ("", "-")}:
            for left in folder.glob(f".*.{jobs[0].mark}*"):
                left.unlink(missing_ok=True)
    return tally


@contextmanager
def executor(workers: int, cluster: str) -> Iterator[Executor]:
    """What runs the jobs; when the block is left early, they are ended."""
    if cluster:
        with connected(cluster) as client:
            pool = client.get_executor(pure=False)
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return
    if workers:
        share = max(1, (os.cpu_count() or 1) // workers)
        context = multiprocessing.get_context("spawn")  # polars does not survive a fork
        pool = ProcessPoolExecutor(workers, context, begin_worker, (share,))
    else:
        pool = ThreadPoolExecutor(1)
    others = set(multiprocessing.active_children())
    try:
        yield pool
    except BaseException:
        STOP.set()
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        STOP.clear()


def begin_worker(threads: int) -> None:
    """Leave Ctrl-C to the parent, and share the machine among the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["POLARS_MAX_THREADS"] = str(threads)  # read when it is first imported


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of a Dask cluster. Raises BackpropError where there is none."""
    try:
        from distributed import Client
    except ModuleNotFoundError:
        message = "a cluster is reached with dask, which is not installed"
        hint = "pip install 'backprop-cli[dask]', here and on the workers"
        raise usage(message, hint) from None
    for name in ("distributed", "distributed.client"):  # which has a level of its own
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(  # type: ignore[no-untyped-call]
            address, timeout=10, set_as_default=False
        )
    except (OSError, ValueError) as error:
        reason = "this is no address"
        if isinstance(error, OSError):
            reason = refusal(error) if error.errno else "nothing answers there"
        hint = "give the address that the scheduler printed: --dask tcp://host:8786"
        raise usage(f"cannot reach {address}: {reason}", hint) from None
    with client:
        try:
            yield client
        except Exception as error:
            if type(error).__name__ not in ("KilledWorker", "CancelledError"):
                raise
            hint = "--resume keeps what is done"
            raise BackpropError("limit", "the cluster lost its workers", hint=hint) from None

"""Several processes at once: each writes a run of days, no file is written by two."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event

import pyarrow as pa

from generator.tills import Job, Period, StoppedError, write_job
from generator.world import World, working_in

# A process takes most of a second to begin: it has to be worth it.
_WORTH_A_WORKER = 150_000  # orders

_NO_MEMORY = (
    "a writing process has died, perhaps for want of memory: what was finished is kept; "
    "run the same command again, with --workers 1."
)

Report = Callable[[int, int], None]


class WorkerError(Exception):
    """A process ended without a word; the message says what to do."""


def count_workers(world: World, periods: list[Period], asked: int | None) -> int:
    """Return how many processes to use: as asked, else one for each processor it is worth."""
    if asked:
        return min(asked, len(periods))
    orders = sum(world.orders_in(*period) for period in periods)
    return max(1, min(os.cpu_count() or 1, orders // _WORTH_A_WORKER, len(periods)))


def split_job(job: Job, workers: int) -> list[Job]:
    """Cut a job into about as many of equal weight; where days are missing, one ends."""
    weights = [job.world.orders_in(*period) for period in job.periods]
    share = max(sum(weights) // workers, 1)
    runs: list[list[Period]] = []
    filled = 0
    for period, weight in zip(job.periods, weights, strict=True):
        follows = runs and runs[-1][-1][1] + timedelta(days=1) == period[0]
        # A period goes where more than half of it fits.
        if follows and (filled + weight / 2 <= share or len(runs) >= workers):
            runs[-1].append(period)
            filled += weight
        else:
            runs.append([period])
            filled = weight
    return [replace(job, periods=run) for run in runs]


def run_jobs(jobs: list[Job], workers: int, report: Report) -> None:
    """Write the files of every job; `report` is told units and orders as they are written.

    On Ctrl-C or an error, every process ends at its next block, and removes the files it
    has not finished. Raises what a job raises, and WorkerError.
    """
    pa.set_cpu_count(1)
    if workers == 1:
        for job in jobs:
            write_job(job, report, lambda: False)
        return
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    waiting = list(jobs)
    running: dict[Connection, BaseProcess] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                ours, theirs = context.Pipe(duplex=False)
                process: BaseProcess = context.Process(
                    target=_work, args=(waiting.pop(0), theirs, stop)
                )
                # Ctrl-C reaches every process of a terminal; one that has only begun to
                # import would end in a traceback.
                hears = signal.signal(signal.SIGINT, signal.SIG_IGN)
                try:
                    process.start()
                finally:
                    signal.signal(signal.SIGINT, hears)
                theirs.close()
                running[ours] = process
            for connection in wait(list(running)):
                _listen(connection, running, report)  # type: ignore[arg-type]
    except BaseException:
        stop.set()
        for connection, process in running.items():
            _drain(connection)
            process.join()
        raise


def _listen(connection: Connection, running: dict[Connection, BaseProcess], report: Report) -> None:
    try:
        told = connection.recv()
    except EOFError:
        process = running.pop(connection)
        process.join()
        if process.exitcode:
            raise WorkerError(_NO_MEMORY) from None
        return
    if isinstance(told, MemoryError):
        raise WorkerError(_NO_MEMORY) from told
    if isinstance(told, BaseException):
        raise told
    report(*told)


def _drain(connection: Connection) -> None:
    """Read what a process still says, so that it can end."""
    try:
        while True:
            connection.recv()
    except EOFError:
        pass


def _work(job: Job, connection: Connection, stop: Event) -> None:
    pa.set_cpu_count(1)
    parent = os.getppid()

    def is_stopped() -> bool:
        return stop.is_set() or os.getppid() != parent

    try:
        with working_in(job.landing):
            write_job(job, lambda units, orders: connection.send((units, orders)), is_stopped)
    except StoppedError:
        pass
    except Exception as error:
        connection.send(error)

"""What works the units: processes of this machine, or a cluster."""

import argparse
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from evaluation import worker
from evaluation.errors import EvaluationError

# A scheduler answers at once, or is not there.
PATIENCE_SECONDS = 20


@contextmanager
def of(given: argparse.Namespace) -> Iterator[Executor]:
    """The executor that a command names; raises EvaluationError. Its `workers` is how many units it works at once."""
    if given.cluster is None:
        with processes(given.workers) as pool:
            yield pool
    else:
        with _cluster(given) as workers:
            yield workers


@contextmanager
def processes(count: int) -> Iterator[Executor]:
    """So many workers on this machine."""
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=worker.begin)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _cluster(given: argparse.Namespace) -> Iterator[Executor]:
    """Of Dask distributed. Its workers see the temporary folder of this process under the same name."""
    try:
        from distributed import Client
    except ImportError:
        raise EvaluationError("A cluster needs Dask: .venv/bin/pip install -r requirements-cluster.txt.") from None
    try:
        client = Client(given.cluster, timeout=PATIENCE_SECONDS)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"The cluster {given.cluster} does not answer: {error}") from None
    with client:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        if not workers:
            raise EvaluationError(f"The cluster {given.cluster} has no workers: start some.")
        given.workers = sum(one["nthreads"] for one in workers)
        yield client.get_executor(retries=0)

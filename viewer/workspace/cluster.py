"""Bakes parts on a Dask cluster: one's own, or a local one of several processes. Needs the extra ``cluster``.

What a part is stands in ``parts``. Every worker has this program installed and sees the same folders; Dask gives
parts of a lost worker to others and tries again what failed for want of a disk or a network.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from viewer.errors import ViewerError
from viewer.readers.store.city import fingerprint
from viewer.workspace.baking import KILLED_HINT, KILLED_TEXT, Runner
from viewer.workspace.parts import Done, Job, bake_part

if TYPE_CHECKING:
    from distributed import Client

#: A part is tried again so often.
RETRIES = 3
#: How long a scheduler is waited for.
PATIENCE_S = 15
LOOPBACK = "127.0.0.1"


class ClusterError(ViewerError):
    """There is no cluster to work on."""


@contextlib.contextmanager
def on_cluster(scheduler: str = "", workers: int = 2) -> Iterator[Runner]:
    """A runner whose parts are done by a cluster, which is let go at the end.

    Parameters
    ----------
    scheduler : address of one (``tcp://host:8786``); without it a local cluster of so many ``workers`` is started,
        which listens on this computer only.

    Raises
    ------
    ClusterError
        The extra is missing, the scheduler does not answer, or workers have another version of this program.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ClusterError(
            "Working on a cluster needs the extra of that name.",
            hint="Install it with: pip install stadtforum[cluster]",
        ) from error
    with contextlib.ExitStack() as stack:
        if scheduler:
            try:
                client = stack.enter_context(Client(scheduler, timeout=PATIENCE_S))
            except (OSError, ValueError) as error:
                raise ClusterError(
                    "No scheduler answers at {address}.", hint="Start one with: dask scheduler", address=scheduler
                ) from error
        else:
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, host=LOOPBACK,
                dashboard_address=f"{LOOPBACK}:0",
                silence_logs=logging.ERROR,
            )  # fmt: skip
            client = stack.enter_context(Client(stack.enter_context(cluster)))
        if any(version != fingerprint() for version in client.run(fingerprint).values()):
            raise ClusterError(
                "A computer of the cluster runs another version of this program.",
                hint="Install the same version everywhere.",
            )
        yield runner_of(client)


def runner_of(client: Client) -> Runner:
    """A runner on a cluster that is there."""
    from distributed import KilledWorker, as_completed

    def run(jobs: Sequence[Job]) -> Iterator[Done]:
        futures = {client.submit(bake_part, job, pure=False, retries=RETRIES): job for job in jobs}
        try:
            for future in as_completed(list(futures)):
                try:
                    yield future.result()
                except KilledWorker:
                    yield Done(futures[future].path, error=(KILLED_TEXT, KILLED_HINT, ()))
        finally:
            client.cancel(list(futures))

    return run

"""How long rehearsals take, and how that grows: `python benchmarks/rehearse.py [tasks …]`.

Servers with four volumes each: frozen, snapshots taken, thawed, copied; two thirds of the tasks open or close
something. Times are seconds of one process (`embank rehearse` uses all processors), and multiples of one simulated
execution without a fault, measured in the same run. The last column is what one fault costs: the same multiple, for
each of them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from embank.conductor.admission import Admission
from embank.conductor.conductor import Conductor
from embank.document import Document, TaskSpec
from embank.inputs.workflow import parse_workflow
from embank.model import ActivitySpec, Operation, Phase, Policy, Request, Resource, TypeSpec
from embank.outputs.workflow import write_workflow
from embank.passes import compile_workflow
from embank.rehearsal.rehearse import rehearse
from embank.rehearsal.simulation import Simulation
from embank.rehearsal.world import Cast
from embank.resource_graph import canonical

T = TypeVar("T")
Seconds = Callable[[TaskSpec], float]
COLUMNS = ("tasks", "durations", "undisturbed", "faults", "rehearsal", "ratio", "a fault")
SIZES = (100, 300, 1_000)
VOLUMES = 4
TASKS = 3 + 3 * VOLUMES  # of a server and its volumes
SERVER = {Phase.PRE: ActivitySpec(""), Phase.READY: ActivitySpec("", Phase.PRE), Phase.PARALLEL: ActivitySpec("")}
VOLUME = {Phase.READY: ActivitySpec(""), Phase.PARALLEL: ActivitySpec(""), Phase.POST: ActivitySpec("", Phase.READY)}


def document(tasks: int) -> Document:
    """A compiled file of about so many tasks."""
    servers = [Resource("Server", f"{number:04}", "") for number in range(max(1, tasks // TASKS))]
    volumes = {server: [Resource("Volume", f"{server.id}-{n}", "") for n in range(VOLUMES)] for server in servers}
    graph = canonical(
        [*servers, *(volume for below in volumes.values() for volume in below)],
        [(server.key, volume.key) for server, below in volumes.items() for volume in below],
    )
    types = {"Server": TypeSpec("server", SERVER), "Volume": TypeSpec("volume", VOLUME)}
    policies = {name: Policy(timeout=3600) for name in types}
    request = Request(Operation.PROTECT, "plan", "id", "provider", "bank", graph, types, policies=policies)
    compiled = compile_workflow(request).value
    assert compiled is not None
    read = parse_workflow("".join(write_workflow(compiled)).encode(), "benchmark").value
    assert read is not None
    return read


def alike(spec: TaskSpec) -> float:
    """Every action takes as long as any other: many begin and end at the same moment."""
    return 1.0


def apart(spec: TaskSpec) -> float:
    """No two actions end at the same moment."""
    return 10.0 + spec.place.line * 7919 % 10_007 / 1_000


def undisturbed(doc: Document, seconds: Seconds) -> None:
    """One execution, without a fault."""
    simulation = Simulation(Conductor(doc, "e"), Admission({}), Cast(doc, seconds), 4)
    simulation.start()
    simulation.play()
    assert simulation.is_over


def main() -> None:
    """Print the table."""
    sizes = [int(argument) for argument in sys.argv[1:]] or SIZES
    print("{:>6} {:>10} {:>12} {:>7} {:>10} {:>9} {:>8}".format(*COLUMNS))
    for size in sizes:
        doc = document(size)
        for seconds in (alike, apart):
            once = min(timed(partial(undisturbed, doc, seconds))[0] for _ in range(5))
            whole, found = timed(partial(rehearse, doc, seconds, limits={}))
            faults = len(found.consequences)
            print(
                f"{size:6} {seconds.__name__:>10} {once * 1e3:9.1f} ms {faults:7} {whole:8.2f} s "
                f"{whole / once:8.0f}× {whole / once / faults:7.2f}×"
            )


def timed(action: Callable[[], T]) -> tuple[float, T]:
    """How long something takes, and what comes of it."""
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()

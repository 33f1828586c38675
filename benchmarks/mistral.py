"""What executing a workflow costs a real Mistral: CPU-seconds of its one process, sqlite included, by way of writing.

    outlined   reverse, cut into parts of --max-tasks (what `embank compile` writes)
    flat       reverse, in one piece
    direct     what follows each task (`--lower direct`), cut into parts as well

The activities do nothing: `std.noop` stands in the place of every action, so that only Mistral is measured. Prints
seconds, ratios to flat of the same size, how the cost grows, and the client's time to submit. With several sizes of
parts it recommends one: the largest that is cheap enough, since larger ones add less order (`benchmarks/passes.py`).

    PYTHONPATH=tests python benchmarks/mistral.py [--sizes 50,300] [--max-tasks 25,50] [--ways outlined,flat,direct]
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import time
import uuid
from itertools import pairwise
from pathlib import Path

import yaml

from embank.mistral.api.client import Mistral, namespace_of
from embank.mistral.api.connection import connect
from embank.model import ActivitySpec, Lower, Operation, Phase, Request, Resource, TypeSpec
from embank.outputs.workflow import write_workflow
from embank.passes import compile_workflow
from embank.resource_graph import canonical
from kit.mistral.server import Server, start_mistral

UNLIMITED = 10**6
CHEAP = 0.4  # of what flat costs
VOLUMES = 8  # of each server
TICKS = os.sysconf("SC_CLK_TCK")
TYPES = {
    "Server": {Phase.PRE: ActivitySpec("Freeze."), Phase.READY: ActivitySpec("Thaw.", closes=Phase.PRE)},
    "Volume": {Phase.READY: ActivitySpec("Snapshot."), Phase.PARALLEL: ActivitySpec("Copy.")},
}


def request(activities: int, max_tasks: int, lower: Lower) -> Request:
    """Servers with eight volumes each: 18 activities a server."""
    resources: list[Resource] = []
    edges = []
    for number in range(math.ceil(activities / (2 + 2 * VOLUMES))):
        server = Resource("Server", f"s{number}", f"server {number}")
        volumes = [Resource("Volume", f"s{number}-v{index}", f"volume {index}") for index in range(VOLUMES)]
        resources += [server, *volumes]
        edges += [(server.key, volume.key) for volume in volumes]
    return Request(
        operation=Operation.PROTECT,
        plan="bench",
        provider_id="bench",
        provider_name="bench",
        bank="bench",
        graph=canonical(resources, edges),
        types={name: TypeSpec("bench", specs) for name, specs in TYPES.items()},
        max_tasks=max_tasks,
        lower=lower,
    )


def document(asked: Request) -> tuple[str, int]:
    """The text of the workflow with every action replaced, and how many activities it has."""
    compiled = compile_workflow(asked).value
    assert compiled is not None
    flows = yaml.safe_load("".join(write_workflow(compiled)))
    count = 0
    for name, flow in flows.items():
        if name == "version":
            continue
        for task in flow["tasks"].values():
            if str(task.get("action", "")).startswith("embank."):
                count += task["action"] == "embank.activity"
                task["action"] = "std.noop"
                task.pop("input", None)
    return yaml.safe_dump(flows, sort_keys=False), count


def cpu(pid: int) -> float:
    """CPU-seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def execute(server: Server, text: str) -> tuple[float, float, int]:
    """CPU-seconds of the server, the client's seconds to submit, how many tasks ended well."""
    engine = Mistral(connect(server.url, None, {}))
    text = text.replace("bench_protect", f"b{uuid.uuid4().hex[:8]}")  # another file every time
    source = text.encode()
    main = next(line[:-1] for line in text.splitlines() if line.startswith("b") and line.endswith(":"))
    execution, namespace = str(uuid.uuid4()), namespace_of(hashlib.sha256(source).hexdigest())
    before, start = cpu(server.pid), time.monotonic()
    engine.upload(source, namespace, main)
    engine.start(execution, main, namespace, "benchmark")
    submitted = time.monotonic() - start
    while (state := server.request("GET", f"/executions/{execution}")["state"]) == "RUNNING":
        time.sleep(1)
    used = cpu(server.pid) - before
    assert state == "SUCCESS", state
    done = [task for task in engine.look(execution).tasks.values() if task.state == "SUCCESS"]
    return used, submitted, len(done)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="50,100,300,1000")
    parser.add_argument("--max-tasks", default="50")
    parser.add_argument("--ways", default="outlined,flat,direct")
    parser.add_argument("--largest-flat", type=int, default=300, help="flat reverse is quadratic")
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    ways: list[tuple[str, int, Lower]] = []
    for way in given.ways.split(","):
        lower = Lower.DIRECT if way == "direct" else Lower.REVERSE
        if way == "flat":
            ways.append((way, UNLIMITED, lower))
        else:
            ways += [(f"{way} {most}", int(most), lower) for most in given.max_tasks.split(",")]
    costs: dict[tuple[str, int], float] = {}
    print(f"{'way':<14}{'activities':>11}{'tasks':>7}{'CPU s':>8}{'to flat':>9}{'submit s':>10}")
    with start_mistral() as server:
        for size in sizes:
            for way, most, lower in sorted(ways, key=lambda each: each[0] != "flat"):
                if way == "flat" and size > given.largest_flat:
                    continue
                text, activities = document(request(size, most, lower))
                used, submitted, tasks = execute(server, text)
                costs[way, size] = used
                flat = costs.get(("flat", size))
                ratio = f"{used / flat:.2f}" if flat else "-"
                print(f"{way:<14}{activities:>11}{tasks:>7}{used:>8.1f}{ratio:>9}{submitted:>10.2f}", flush=True)
    for way in dict.fromkeys(way for way, _ in costs):
        points = [(size, costs[way, size]) for size in sizes if (way, size) in costs]
        for (one, cost), (other, more) in pairwise(points):
            print(f"{way}: from {one} to {other} it grows with the power {math.log(more / cost, other / one):.2f}")
    recommend(costs)


def recommend(costs: dict[tuple[str, int], float]) -> None:
    """Print which --max-tasks the largest size with a flat workflow speaks for."""
    size = max((size for way, size in costs if way == "flat"), default=0)
    tried = {
        int(way.split()[1]): cost for (way, at), cost in costs.items() if way.startswith("outlined") and at == size
    }
    cheap = [most for most, cost in tried.items() if cost <= CHEAP * costs["flat", size]]
    if tried:
        chosen = f"--max-tasks {max(cheap)}: the largest of those that cost" if cheap else "none of these costs"
        print(f"{chosen} at most {CHEAP} of flat at {size} activities")


if __name__ == "__main__":
    main()

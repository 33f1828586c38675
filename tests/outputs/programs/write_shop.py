"""Writes a small workflow with parameters of every kind to stdout, in a process of its own."""

import sys

from embank.model import Body, Kind, Operation, Phase, Request, Resource, Source, Task, Workflow
from embank.outputs.workflow import write_workflow
from embank.resource_graph import canonical

shop, files = Resource("Local::Application", "shop", "Shop"), Resource("Local::Directory", "files", "vm {{ 7*7 }}")
parameters = {"exclude": ["*.tmp", {"deep": None}], "size": 1e22, "follow": False, "owner": {"uid": 0, "name": "on"}}
tasks = (
    Task(Kind.ACTIVITY, Phase.PRE, (shop,), (parameters,), description="Freeze.", name="application_shop_pre"),
    Task(
        Kind.ACTIVITY, Phase.PARALLEL, (files,), (parameters,), description="Copy.", name="directory_files_parallel"
    ),
)
request = Request(
    Operation.PROTECT,
    "shop",
    "p",
    "local",
    "bank",
    canonical([shop, files], [(shop.key, files.key)]),
    types={},
    concurrency={"Local::Directory": 2, "Local::Application": 1},
    sources=(Source("plan", "plan.yaml", "4f1c" * 16),),
)
workflow = Workflow(request, (Body(tasks, ((), (0,)), "shop_protect_activities"),), (), "shop_protect")
sys.stdout.writelines(write_workflow(workflow))

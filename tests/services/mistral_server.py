"""Mistral's engine, executor and API as threads of one process: `mistral_server.py CONFIG [PARENT]`.

For an environment with Mistral. The stock launcher forks a process for each part, which would then need a message
broker between them. Says "ready" on stdout when the API answers. Ends on SIGTERM, and when PARENT, the id of the
process that started it, is gone.
"""

import os
import signal
import sys
import threading

import oslo_service.backend as backend


def main(file: str, parent: int) -> None:
    backend.init_backend(backend.BackendType.THREADING)  # before anything of Mistral is imported
    from mistral.api import service as api
    from mistral.db.v2 import api as database
    from mistral.engine import engine_server
    from mistral.executors import executor_server
    from mistral.rpc import base as rpc
    from oslo_config import cfg
    from oslo_log import log

    from mistral import config

    cfg.CONF.register_cli_opts(config.CLI_OPTS)
    config.parse_args(["--config-file", file])
    log.setup(cfg.CONF, "mistral")
    rpc.get_transport()
    database.setup_db()  # alembic's migrations cannot run on sqlite
    for part in (engine_server, executor_server):
        part.get_oslo_service(setup_profiler=False).start()
    api.WSGIService("mistral_api").start()
    end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: end.set())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not end.wait(1) and os.getppid() == parent:
        pass
    os._exit(0)  # its threads do not end by themselves


main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else os.getppid())

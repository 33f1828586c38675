"""Mistral's engine, executor and API as threads of one process: `mistral_server.py CONFIG`.

For an environment with Mistral. The stock launcher forks a process for each part, which would then need a message
broker between them. Says "ready" on stdout when the API answers; ends on SIGTERM.
"""

import os
import signal
import sys
import threading

import oslo_service.backend as backend


def main(file: str) -> None:
    backend.init_backend(backend.BackendType.THREADING)  # before anything of Mistral is imported
    from mistral import config
    from mistral.api import service as api
    from mistral.db.v2 import api as database
    from mistral.engine import engine_server
    from mistral.executors import executor_server
    from mistral.rpc import base as rpc
    from oslo_config import cfg
    from oslo_log import log

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
    end.wait()
    os._exit(0)  # its threads do not end by themselves


main(sys.argv[1])

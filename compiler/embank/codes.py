"""Every diagnostic code, with its title. A code never changes its meaning and is never reused.

1xx files and YAML · 2xx providers and plugins · 3xx plans · 4xx resource graphs · 5xx compilation ·
6xx workflow files · 7xx banks and checkpoints
"""

from __future__ import annotations

CODES: dict[str, str] = {
    # 1xx files and YAML
    # 2xx providers and plugins
    # 3xx plans and parameters
    # 4xx resource graphs
    # 5xx compilation
    # 6xx workflow files
    # 7xx banks and checkpoints
}

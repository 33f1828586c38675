"""Every diagnostic code, with its title. A code never changes its meaning and is never reused.

1xx files and YAML · 2xx providers and plugins · 3xx plans · 4xx resource graphs · 5xx compilation ·
6xx workflow files · 7xx banks and checkpoints
"""

from __future__ import annotations

CODES: dict[str, str] = {
    # 1xx files and YAML
    "EMB101": "not valid YAML",
    "EMB102": "a key is given twice",
    "EMB103": "an anchor or alias",
    "EMB104": "a tag",
    "EMB105": "nested too deeply",
    "EMB106": "a key that is not text",
    "EMB107": "not UTF-8, or a character that YAML does not allow",
    "EMB108": "several documents in one file",
    "EMB109": "an empty file",
    "EMB110": "a value that JSON cannot hold",
    "EMB111": "the file does not hold keys and values",
    "EMB112": "too large",
    # 2xx providers and plugins
    # 3xx plans and parameters
    # 4xx resource graphs
    # 5xx compilation
    # 6xx workflow files
    # 7xx banks and checkpoints
}

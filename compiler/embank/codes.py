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
    "EMB113": "too many problems",
    # 2xx providers and plugins
    "EMB201": "a plugin is not installed",
    "EMB202": "a plugin cannot be loaded or set up",
    "EMB203": "a plugin is installed several times",
    "EMB204": "not the kind of class that is needed",
    "EMB205": "resource types that cannot be right",
    "EMB206": "a misspelt activity",
    "EMB207": "an activity that cannot be called",
    "EMB208": "a closer that closes nothing",
    "EMB209": "a schema that is not valid",
    "EMB211": "a provider file with broken syntax",
    "EMB212": "a provider file that cannot be read",
    "EMB213": "a missing section or key",
    "EMB214": "an unknown section or key",
    "EMB215": "a key is given twice",
    "EMB216": "a value of the wrong kind",
    "EMB217": "two providers with one id",
    "EMB218": "two providers with one name",
    "EMB219": "two plugins for one resource type",
    "EMB220": "no such provider",
    "EMB221": "a provider that is switched off",
    "EMB222": "no provider files",
    # 3xx plans and parameters
    "EMB301": "an unknown key",
    "EMB302": "something is missing",
    "EMB303": "a value of the wrong kind",
    "EMB304": "a version that this Embank does not know",
    "EMB305": "a plan that selects nothing",
    "EMB306": "a selected resource that does not exist",
    "EMB307": "a resource that is selected twice",
    "EMB308": "dependents that are left out",
    "EMB309": "a type without a plugin",
    "EMB310": "parameters that do not fit their schema",
    "EMB311": "parameters or policies that nothing uses",
    "EMB312": "a secret in plain text",
    "EMB313": "durations that nothing uses",
    # 4xx resource graphs
    "EMB401": "two resources of one type and id",
    "EMB402": "a dependent that does not exist",
    "EMB403": "a cycle",
    "EMB404": "a dependent that is listed twice",
    # 5xx compilation
    "EMB501": "aggregation that would make a cycle",
    "EMB502": "a closer that closes nothing",
    "EMB503": "a plugin's aggregate() failed",
    # 6xx workflow files
    "EMB601": "not a workflow file",
    "EMB602": "a missing key",
    "EMB603": "an unknown key",
    "EMB604": "something of Mistral that Embank does not support",
    "EMB605": "a value of the wrong kind",
    "EMB606": "an empty value",
    "EMB607": "a name that cannot be used",
    "EMB608": "a task that is not there",
    "EMB609": "tasks that wait for each other",
    "EMB610": "a task that names itself, or another one twice",
    "EMB611": "an action that is not supported",
    "EMB612": "a sub-workflow that is not there, or runs itself",
    "EMB613": "a task that would never run",
    "EMB614": "no `run`, or a wrong one",
    "EMB615": "an expression that is not supported",
    "EMB616": "a wrong input of an action or a sub-workflow",
    "EMB617": "no main workflow, or several",
    # 7xx banks and checkpoints
    "EMB701": "a checkpoint that does not say what it holds",
}

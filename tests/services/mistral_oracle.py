"""Mistral's own parser and expressions, without a server: one JSON string a line in, one JSON object a line out.

In: the text of a workflow file. Out: {"refused": reason}, or {"workflows": {name: {"vars": …, "tasks": {name:
input}}}} with every value as a task would get it. `$` is CONTEXT; what needs a database to be evaluated is null.
For an environment with Mistral.
"""

import json
import logging
import sys

import jsonschema
from jsonschema.exceptions import best_match
from mistral.lang import base, parser
from oslo_config import cfg
from yaml import YAMLError

from mistral import exceptions, expressions

CONTEXT = {"run": {"plan": "the run of the oracle"}}


class Validators:
    """jsonschema's `validate`, without checking and compiling Mistral's schemas again for every task."""

    ValidationError = jsonschema.ValidationError

    def __init__(self):
        self._ready = {}  # by the identity of the schema; Mistral keeps one for each class

    def validate(self, instance, schema):
        if id(schema) not in self._ready:
            self._ready[id(schema)] = schema, jsonschema.validators.validator_for(schema)(schema)
        error = best_match(self._ready[id(schema)][1].iter_errors(instance))
        if error is not None:
            raise error


def evaluated(value):
    if isinstance(value, dict):
        return {key: evaluated(item) for key, item in value.items()}
    if isinstance(value, list):
        return [evaluated(item) for item in value]
    try:
        return expressions.evaluate_recursively(value, CONTEXT)
    except exceptions.MistralException:
        return None


def answer(text):
    try:
        found = parser.get_workflow_list_spec_from_yaml(text, validate=True)
    except (exceptions.MistralException, YAMLError) as error:
        return {"refused": str(error)[:500]}
    except Exception as error:  # of its readers, which the API answers with "internal error"
        return {"refused": f"{type(error).__name__}: {error}"[:500]}
    workflows = {
        spec.get_name(): {
            "vars": evaluated(spec.get_vars()),
            "tasks": {task.get_name(): evaluated(task.get_input()) for task in spec.get_tasks()},
        }
        for spec in found.get_workflows()
    }
    return {"workflows": workflows}


logging.disable(logging.CRITICAL)
cfg.CONF([], project="mistral", default_config_files=[])
base.jsonschema = Validators()
for line in sys.stdin:
    sys.stdout.write(json.dumps(answer(json.loads(line)), default=repr) + "\n")
    sys.stdout.flush()

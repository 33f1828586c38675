# Everything sets itself up in .venv; nothing is installed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MISTRAL := .venv-mistral
OPENSTACK := .venv-openstack
PYTEST := $(BIN)/python -m pytest
# More processes than cores, in every lane: there is more to wait for than to compute.
JOBS ?= 3
OPENSTACK_JOBS ?= 4
GROUPED := --dist loadgroup --no-loadscope-reorder
SERVICE_JOBS ?= 4
SERVICE := tests/mistral tests/local tests/banks
# What these make is installed in place, and goes on changing: its version names no commit (docs/releasing.md).
export SETUPTOOLS_SCM_PRETEND_VERSION_FOR_EMBANK := $(shell sed -n 's/^fallback_version = "\(.*\)"/\1/p' pyproject.toml)+checkout
FAST := not service and not openstack and not nightly
UNIT := tests/test_graph.py tests/inputs tests/passes tests/conductor
# The tests start thousands of processes: what Python compiled once it keeps, also where it is told not to.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup services demo test test-unit test-fast lint types test-service test-openstack test-nightly coverage golden bench clean

help:
	@echo "make demo       build a small application, protect it, destroy it, restore it (a minute)"
	@echo "make test       what CI does: lint, types, fast tests, tests with real services"
	@echo "make test-fast  lint, types and the tests that need no service"
	@echo "make test-service, make test-openstack"
	@echo "                the others of make test: PostgreSQL and Mistral; OpenStack"
	@echo "make test-unit  conductor, passes, inputs and model: a minute"
	@echo "make test-nightly"
	@echo "                faults at every step, much data, ten times the examples; hours; no part of make test"
	@echo "make coverage   what the fast tests reach"
	@echo "make golden     regenerate the golden files (read the diff before you commit it)"
	@echo "make bench      the benchmarks"
	@echo "make clean      remove what these made"

setup: $(VENV)/.ready

# Debian's Python comes without ensurepip until python3-venv is there.
$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Embank needs Python 3.11 or newer: make PYTHON=python3.11 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh tests/services/install.sh python3-venv
	@echo "setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@rm -rf embank.egg-info # of before the version was the commit's: it would be found first
	@touch $@

# Mistral and OpenStack have environments of their own: they want other packages than Embank, and many.
services: setup
	@sh tests/services/install.sh postgresql rabbitmq-server mariadb-server-core mariadb-client-core qemu-utils
	@sh tests/services/openstack-environment.sh $(PYTHON) $(OPENSTACK) & openstack=$$!; \
	sh tests/services/mistral-environment.sh $(PYTHON) $(MISTRAL); mistral=$$?; wait $$openstack && exit $$mistral

demo: setup
	@$(BIN)/python examples/quickstart/demo.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

# The parts that are most worked on, for while one works.
test-unit: setup
	$(PYTEST) -q -n $(JOBS) --dist worksteal -m "$(FAST)" $(UNIT)

# SHUFFLE=7: in another sequence, with other examples.
test-fast: lint types
	$(PYTEST) -n $(JOBS) --dist worksteal -m "$(FAST)" --times=build/times/$@.json $(if $(SHUFFLE),--shuffle=$(SHUFFLE) --hypothesis-profile=random)

# More processes than cores: there is more to wait for than to compute. What shares a Mistral or a server is a group.
test-service: services
	$(PYTEST) -n $(SERVICE_JOBS) $(GROUPED) -m "service and not openstack and not nightly" --times=build/times/$@.json $(SERVICE)

# More processes than cores: they share one cloud, and there is more to wait for than to compute.
test-openstack: services
	@PYTHONPATH=tests $(BIN)/python -m kit.openstack.state
	$(PYTEST) -n $(OPENSTACK_JOBS) $(GROUPED) -m "openstack and not nightly" --times=build/times/$@.json

# Faults at every step, services that are away for long, much data, ten times the examples of properties, chosen at
# random: more than there is time for in every run.
test-nightly: services
	$(PYTEST) -n $(JOBS) --dist worksteal --hypothesis-profile=nightly -m "(nightly or hypothesis) and not service and not openstack"
	$(PYTEST) -n $(SERVICE_JOBS) $(GROUPED) --hypothesis-profile=nightly -m "nightly and service and not openstack" $(SERVICE)
	@PYTHONPATH=tests $(BIN)/python -m kit.openstack.state
	$(PYTEST) -n $(OPENSTACK_JOBS) $(GROUPED) --hypothesis-profile=nightly -m "nightly and openstack"

test: setup
	@$(BIN)/python -P tests/kit/lanes.py $(MAKE) test-fast test-service test-openstack

coverage: setup
	$(PYTEST) -q -n $(JOBS) -m "$(FAST)" --cov --cov-report=term

golden: setup
	$(PYTEST) -q --regenerate-golden -m "$(FAST)"

bench: setup
	@for file in benchmarks/*.py; do echo "== $$file"; PYTHONPATH=tests $(BIN)/python $$file || exit 1; done

clean:
	rm -rf $(VENV) $(MISTRAL) $(OPENSTACK) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*

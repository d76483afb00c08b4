# For GNU make 3.81 (macOS) and later. All paths are relative, so the folder's name may have a space.

# The first suitable Python. `make PYTHON=/path/to/python3.12 …` uses another one.
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell for python in python3 python3.15 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 15))' 2>/dev/null \
	&& echo "$$python" && break; done)
ifeq ($(PYTHON),)
PYTHON := python3
endif
endif
VENV := .venv/bin/python

# Settings of production for `manage.py check --deploy`. Nothing connects to the database.
PRODUCTION := ENV_FILE=/dev/null DATABASE_URL=postgresql://check@localhost/numberdesk \
	ALLOWED_HOSTS=desk.example.com TRUSTED_PROXIES=10.0.0.0/8 \
	API_KEY_PEPPERS="$$($(VENV) -c 'import secrets; print(secrets.token_urlsafe(32))')" \
	DESK_TWO_FACTOR_KEYS="$$($(VENV) -c 'import secrets; print(secrets.token_urlsafe(32))')" \
	WEBHOOK_SECRET_KEYS="$$($(VENV) -c 'import secrets; print(secrets.token_urlsafe(32))')" \
	SECRET_KEY="$$($(VENV) -c 'import secrets; print(secrets.token_urlsafe(64))')"

.PHONY: help install install-dev install-bench run stop test coverage check types bench drill cluster restore-drill fuzz pythons image audit screenshots lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

install: ## Create .venv with the packages that running needs, hash-pinned
	@"$(PYTHON)" requirements/install.py run

install-dev:
	@"$(PYTHON)" requirements/install.py dev

run: install ## Start everything, database and demo included, on PORT (8000)
	@exec $(VENV) -m config.dev.run run

stop: ## Stop what `make run` started
	@if [ -x $(VENV) ]; then $(VENV) -m config.dev.run stop; fi

test: install-dev ## Run the whole suite on a real PostgreSQL; ARGS="-k name" narrows it
	@$(VENV) -m pytest -n auto --maxprocesses 8 $(ARGS)

coverage: install-dev ## Run the suite and list the lines and branches that no test runs
	@$(VENV) -m pytest -n auto --maxprocesses 8 --cov --cov-branch --cov-report=term $(ARGS)

check: install-dev ## Lint, types, migrations, production settings, API schema
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .
	$(VENV) -m mypy .
	$(VENV) manage.py makemigrations --check --dry-run
	@echo "manage.py check --deploy, with production settings"
	@$(PRODUCTION) $(VENV) manage.py check --deploy --fail-level WARNING
	@mkdir -p build
	$(VENV) manage.py spectacular --validate --fail-on-warn --file build/openapi.yaml

types: install-dev ## Generate the TypeScript types from the schema; needs node
	@$(VENV) -m tests.contract.clients.node

install-bench:
	@"$(PYTHON)" requirements/install.py bench

bench: install-bench ## Measure orders a second; ARGS="--help" lists the options
	@$(VENV) -m tests.benchmarks $(ARGS)

drill: install-dev ## Kill, disconnect, fill up and flood it; verify that nothing is lost; under ten minutes
	@$(VENV) -m tests.drills.drill $(ARGS)

cluster: install-dev ## Kill the primary of a small cluster under load; show what is lost and for how long
	@$(VENV) -m pip install --quiet --require-hashes -r requirements/cluster.txt
	@$(VENV) -m tests.drills.cluster

restore-drill: install-dev ## Back up under load, lose the database, restore a point in time; two minutes
	@$(VENV) -m tests.drills.restore

MINUTES := 10
fuzz: install-dev ## Send random input to every parser for MINUTES=10, each round with another seed
	@$(VENV) -m tests.drills.fuzz $(MINUTES) $(ARGS)

pythons: install-dev ## Install, start and order on the oldest and newest Python here; ARGS=all for all
	@$(VENV) -m tests.drills.pythons $(ARGS)

image: install-dev ## Build the image, run it on a real PostgreSQL; needs buildah, debootstrap, runc
	@$(VENV) -m tests.drills.image

audit: ## List known vulnerabilities of all pinned packages; needs network access
	@"$(PYTHON)" requirements/audit.py

screenshots: install-dev ## Take the README's pictures of the operator desk again, with Chromium
	@$(VENV) -m tests.browser.screenshots

lock: install-dev ## Generate requirements/*.txt from pyproject.toml
	$(VENV) -m uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header \
		--upgrade --quiet -o requirements/run.txt
	$(VENV) -m uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header \
		--upgrade --quiet -o requirements/dev.txt
	$(VENV) -m uv pip compile pyproject.toml --group telemetry --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-header --upgrade --quiet -o requirements/telemetry.txt
	$(VENV) -m uv pip compile pyproject.toml --group cluster --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-header --upgrade --quiet -o requirements/cluster.txt
	$(VENV) -m uv pip compile pyproject.toml --group bench --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-header --upgrade --quiet -o requirements/bench.txt

clean: ## Remove everything that make created: .venv, caches, the local database
	@if [ -x $(VENV) ]; then $(VENV) -m config.dev.run clean; fi
	rm -rf .venv .local config/.local build .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis

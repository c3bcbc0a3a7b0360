# Needs Python 3.11 or newer; PYTHON=... names another one.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARCHIVE ?=
JSON ?=

.PHONY: run demo test check check-full lint types clean

run: $(VENV)/.app
	$(BIN)/streamlit run streamlit_app.py

demo: $(VENV)/.app
	$(BIN)/python -m backend.demo $(if $(ARCHIVE),--archive $(ARCHIVE)) $(if $(JSON),--json $(JSON))

test: $(VENV)/.app
	$(BIN)/python -m pytest

# With the tools of development installed, `test` drives a browser too.
check: lint types test

CLIENTS := aws-cli sdk-v2 sdk-v3
check-full: lint types $(CLIENTS:%=$(VENV)/%/.installed)
	SCONES_AWS_CLI=$(VENV)/aws-cli/bin/aws SCONES_SDK_V2=$(VENV)/sdk-v2/bin/python SCONES_SDK_V3=$(VENV)/sdk-v3/bin/python \
	$(BIN)/python -m pytest -m "not aws"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/cfn-lint workflow/*.yaml

types: $(VENV)/.dev
	$(BIN)/mypy

clean:
	rm -rf $(VENV)

$(VENV)/.app: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.app
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

# Other people's clients of AWS, each in an environment of its own: they pin what the project and the others cannot have.
$(VENV)/aws-cli/.installed: PACKAGE := awscli==1.46.3
$(VENV)/sdk-v2/.installed: PACKAGE := sagemaker==2.257.7
$(VENV)/sdk-v3/.installed: PACKAGE := sagemaker-train==1.27.0
$(VENV)/%/.installed: $(VENV)/.dev
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(PACKAGE)
	touch $@

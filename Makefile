# Needs Python 3.11 or newer; PYTHON=... names another one.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
ARCHIVE ?=
JSON ?=

.PHONY: run demo test quick check system check-full coverage mutants lint types lock clean

run: $(VENV)/.app
	$(BIN)/streamlit run streamlit_app.py

demo: $(VENV)/.app
	$(BIN)/python -m backend.demo $(if $(ARCHIVE),--archive $(ARCHIVE)) $(if $(LABELS),--labels $(LABELS)) \
		$(if $(NO_OTHER),--no-other) $(if $(JSON),--json $(JSON))

# Where the variable is set, each process compiles every test anew.
unexport PYTHONDONTWRITEBYTECODE

# Much of a test's time is waiting: two processes more than two cores have room.
PYTEST := $(BIN)/python -m pytest -n 4

test: $(VENV)/.test
	$(PYTEST)

# The tests that start no process and need no PyTorch.
quick: $(VENV)/.test
	$(BIN)/python -m pytest --quick -q -r fE -m "not slow and not aws and not browser"

check: lint types test

# What `check` leaves out, as it would double its time: whole services and models, and the app in a browser.
system: $(VENV)/.dev
	$(PYTEST) -m "(system or browser) and not slow and not aws"

CLIENTS := aws-cli sdk-v2 sdk-v3
check-full: lint types $(CLIENTS:%=$(VENV)/%/.installed)
	SCONES_AWS_CLI=$(VENV)/aws-cli/bin/aws SCONES_SDK_V2=$(VENV)/sdk-v2/bin/python SCONES_SDK_V3=$(VENV)/sdk-v3/bin/python \
	$(PYTEST) -m "not aws"

# Fails below the floor in pyproject.toml.
coverage: $(VENV)/.dev
	$(PYTEST) -m "not slow and not aws" --cov

# Changes one thing at a time in what keeps strangers and bombs out, and tells which changes no test notices; minutes.
mutants: $(VENV)/.dev
	$(BIN)/python $(PIP_INSTALL) mutmut==3.8.1 -c requirements-dev.lock
	nice $(BIN)/mutmut run
	$(BIN)/mutmut results

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/cfn-lint workflow/*.yaml
	$(BIN)/lint-imports --no-logo

types: $(VENV)/.dev
	$(BIN)/mypy

# Writes the locks anew from what pip chooses today for the requirements. What only some machines have is left out:
# PyTorch's build, NVIDIA's libraries.
FREEZE = $(VENV)/lock/bin/python -m pip freeze --all | grep -Evi '^(pip|nvidia-.*|cuda-.*|triton)==' | sed 's/+[^;]*$$//'
lock:
	rm -rf $(VENV)/lock
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python $(PIP_INSTALL) -r requirements.txt
	$(FREEZE) > requirements.lock
	$(VENV)/lock/bin/python $(PIP_INSTALL) -r requirements-dev.txt -c requirements.lock
	$(FREEZE) > requirements-dev.lock
	rm -rf $(VENV)/lock

clean:
	rm -rf $(VENV)

$(VENV)/.app: requirements.txt requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) -r requirements.txt -c requirements.lock
	touch $@

$(VENV)/.test: requirements-test.txt requirements-dev.lock $(VENV)/.app
	$(BIN)/python $(PIP_INSTALL) -r requirements-test.txt -c requirements-dev.lock
	touch $@

$(VENV)/.dev: requirements-dev.txt requirements-dev.lock $(VENV)/.test
	$(BIN)/python $(PIP_INSTALL) -r requirements-dev.txt -c requirements-dev.lock
	touch $@

# Other people's clients of AWS, each in an environment of its own: they pin what the project and the others cannot have.
$(VENV)/aws-cli/.installed: PACKAGE := awscli==1.46.3
$(VENV)/sdk-v2/.installed: PACKAGE := sagemaker==2.257.7 jsonlines==4.0.0
$(VENV)/sdk-v3/.installed: PACKAGE := sagemaker-train==1.27.0
$(VENV)/%/.installed: $(VENV)/.dev
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python $(PIP_INSTALL) $(PACKAGE)
	touch $@

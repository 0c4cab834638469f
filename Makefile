# Two commands for a fresh clone: `make demo` and `make test`. Both set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
STAMP := $(VENV)/.setup-stamp
RESULTS := results-reference-model results-text-front-end results-ablations results-reconstruction results-precision results-composition \
	results-evaluation-time results-distillation results-runtime results-full-size results-search results-sample \
	results-headline results-delivered

.PHONY: setup demo test lint clean results results-sample

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, found " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt torch          # first and pinned: an open range brings gigabytes of CUDA
	$(PIP) install -c constraints.txt -e '.[dev,asr,quality,clone]'
	@touch $(STAMP)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup
	$(BIN)/python -m pytest

# The main job on the reference model: search, front, verified bundle, report, one spoken sentence.
REQUEST ?= <30MB, <1s on Snapdragon 7 Gen3
DEMO := runs/demo

demo: setup
	$(BIN)/autocompress compress "$(REQUEST)" --space quick --budget 30trials --out $(DEMO)
	$(BIN)/autocompress report $(DEMO)
	$(BIN)/autocompress say $(DEMO)/bundle "A smaller voice says hello." --voice af_heart -o $(DEMO)/hello.wav
	@echo "listen to $(DEMO)/hello.wav, open $(DEMO)/report.html"

# What a short distillation recovers on the reference model; resumable, about an hour on one idle core.
.PHONY: results-distillation
results-distillation: setup
	$(BIN)/python benchmarks/distillation/run.py --steps 200
	$(BIN)/python -m benchmarks.distillation.rates

# What candidates cost and lose on the reference model; each resumable, together about half an hour of one idle core.
.PHONY: results-ablations results-reconstruction results-precision results-composition results-evaluation-time
results-ablations: setup
	$(BIN)/python -m benchmarks.ablations.criteria
	$(BIN)/python -m benchmarks.ablations.run

results-reconstruction: setup
	$(BIN)/python -m benchmarks.reconstruction

results-precision: setup
	$(BIN)/python -m benchmarks.precision.table

results-composition: setup
	$(BIN)/python -m benchmarks.composition

results-evaluation-time: setup
	$(BIN)/python -m benchmarks.evaluation_time.run

# What the reference model scores; what rounding does to the letter-to-sound network.
.PHONY: results-reference-model results-text-front-end results-runtime results-latency-model
results-reference-model: setup
	$(BIN)/autocompress model evaluate reference

results-text-front-end: setup
	$(BIN)/python benchmarks/text_front_end.py

# Beside Genie-TTS at full size; wants a quiet machine.
results-runtime: setup
	$(BIN)/python benchmarks/runtime/compare.py
	$(BIN)/python benchmarks/runtime/step_cache.py
	$(BIN)/python benchmarks/runtime/prefill_limits.py
	$(BIN)/python -m benchmarks.runtime.vocoders
	$(BIN)/python -m benchmarks.runtime.spare_fidelity

# The user's own request on a full-size model of random weights, beside Genie-TTS.
.PHONY: results-full-size
results-full-size: setup
	$(BIN)/python -m benchmarks.full_size

# fp32 graphs, what a user would pick instead, and our front in one run; then predicted against delivered.
# Wants a quiet machine: about two hours of two fast cores, most of them training and searches; resumable.
.PHONY: results-headline results-delivered
results-headline: setup
	$(BIN)/python -m benchmarks.headline --trials 160 --search-seconds 240 --rounds 15 --hear-minutes 40 \
		--budgets 6.8:1.1 7.2:1.1 7.6:1.1 7.7:1.17 7.8:1.4 8.3:1.1 10:2.5 --pruned-like 7.6x \
		--distil 7.6x:480 7.7x:480 8.3x:1000 \
		--vocoders 7.8x:light:all@96,all@48,all@24,3,3:50m 7.8x:lighter:all@80,all@40,all@24,3,3:50m
	$(BIN)/python -m benchmarks.headline --trials 400 --search-seconds 420 --rounds 11 --hear-minutes 40 \
		--budgets 7.6:1.1 10:4 11:4.5 --pruned-like 10x --distil 10x:1300 --out results/headline/spare_vocoder

results-delivered: setup results-headline
	$(BIN)/python -m benchmarks.delivered --rows ours-int8 ours-6.8x ours-7.6x --profile-minutes 4
	$(BIN)/python -m benchmarks.delivered --rows ours-10x ours-11x ours-int8 --profile-minutes 5 --out results/delivered/spare_vocoder

# Needs files that are not in this repository: WHEELS, a folder of speech models' wheels, and DEVICES, published tables.
results-latency-model: setup
	$(BIN)/python benchmarks/latency_model/run.py --wheels $(WHEELS)
	$(BIN)/python benchmarks/latency_model/public_rows.py --devices $(DEVICES)

# Tables and figures under results/, remade; each line works alone. Hours on two cores, most of it searches.
results: $(RESULTS)

# The run that README shows: its front, report, manifest and a recording.
results-sample: setup
	$(BIN)/python -m benchmarks.sample

# Samplers on recorded evaluations, a second device, overhead and solver times; NNI's runs need docs/development.md.
.PHONY: results-search
results-search: setup
	$(BIN)/python -m benchmarks.search.record
	$(BIN)/python -m benchmarks.search.compare
	$(BIN)/python -m benchmarks.search.second_device
	$(BIN)/python -m benchmarks.search.overhead
	$(BIN)/python -m benchmarks.search.solver_times

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache

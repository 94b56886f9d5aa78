# The commands of the course. Each one is a sequence of steps in tools/steps.sh, which says what it does as it goes.
# On a computer whose python3 is not 3.11 to 3.13:  make course PYTHON=python3.12
PYTHON ?= python3
VENV   ?= .venv
PORT   ?= 8000
export PYTHON VENV ARGUMENTS SAMPLE

.DEFAULT_GOAL := help
.PHONY: help course test attacks bench env data exercises book sample-class serve lab format clean

help:
	@echo "make course        everything: install, check the data, release the exercises, build the book, grade a sample class"
	@echo "make test          every test: style, library, grader, notebooks, the built site in a browser"
	@echo "make attacks       what every known attack achieves against the grader (PEER=nbgrader or otter: against that one)"
	@echo "make bench         measure how fast things are, on a quiet computer (ARGUMENTS=\"--rounds 1\": a glance)"
	@echo ""
	@echo "make env           only install (into $(VENV); nothing outside this folder is touched)"
	@echo "make data          only check this computer and the data sets"
	@echo "make exercises     only release solutions/ into exercises/"
	@echo "make book          only build the book into _build/html"
	@echo "make sample-class  only grade the sample class and write its feedback (SAMPLE=all: of every assignment)"
	@echo "make serve         show the book at http://127.0.0.1:$(PORT)"
	@echo "make lab           open the exercises in JupyterLab"
	@echo "make format        put all Python into the course's style"
	@echo "make clean         remove what was built (keeps $(VENV))"

course test bench env data exercises book sample-class:
	@bash tools/steps.sh $@

attacks: env
	@$(VENV)/bin/python -m tests.grading.run_attacks --progress $(if $(PEER),--peer $(PEER)) $(if $(ONLY),--only $(ONLY),--record)

serve: book
	@echo "The book is at http://127.0.0.1:$(PORT), until Ctrl-C"
	@$(VENV)/bin/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

lab: env
	@$(VENV)/bin/jupyter lab --notebook-dir exercises

format: env
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

clean:
	rm -rf _build

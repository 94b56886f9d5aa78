#!/usr/bin/env bash
# The steps behind `make course`, `make test` and `make bench`: bash tools/steps.sh TARGET, from the repository root.
#
# A step is a function. It runs with its output in _build/logs/NAME.log; it may tell() the reader something short, or
# stop() with one sentence that says what is wrong and what to do. Any other failure shows the end of its log.
# Written for bash 3.2 and up, so that it runs on macOS as it comes.
set -u
cd "$(dirname "$0")/.." || exit 1

PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}
CLASS=_build/sample_class
ASSIGNMENTS=$(cd solutions && ls -d [0-9]*)
# Whose sample class is handed in and graded: one assignment a part, since each takes most of a minute; or all of them.
SAMPLE=${SAMPLE:-03_seq2seq 05_transformer 08_gpt}
[ "$SAMPLE" != all ] || SAMPLE=$ASSIGNMENTS
NEEDED_GB=6
BUILD=${BUILD:-_build} # where logs and stamps go; only the tests name another place
LOGS=$BUILD/logs
STAMPS=$BUILD/stamps
mkdir -p "$LOGS" "$STAMPS"
case $VENV in /*) VENV_BIN=$VENV/bin ;; *) VENV_BIN=$PWD/$VENV/bin ;; esac
export PATH="$VENV_BIN:$PATH" PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUTF8=1

tell() { printf ' %s;' "$*" >&3; }
stop() { printf '%s\n' "$*" >"$LOGS/why"; exit 1; }

ticker=
trap '[ -z "$ticker" ] || kill "$ticker" 2>/dev/null' EXIT

show_life() { # a dot every ten seconds, until it is told to stop
    trap 'kill $! 2>/dev/null; exit' TERM
    while :; do
        sleep 10 &
        wait $!
        printf '.'
    done
}

step() { # step NAME "What it does" "What to do when it fails"
    local name=$1 title=$2 remedy=$3 started=$SECONDS status
    number=$((number + 1))
    rm -f "$LOGS/why"
    printf '[%s/%s] %s ...' "$number" "$steps" "$title"
    show_life &
    ticker=$!
    (set -e -o pipefail; "step_$name") 3>&1 >"$LOGS/$name.log" 2>&1 </dev/null
    status=$?
    kill "$ticker" 2>/dev/null
    wait "$ticker" 2>/dev/null
    if [ $status -eq 0 ]; then
        printf ' done (%s s)\n' $((SECONDS - started))
        return
    fi
    echo ' failed'
    if [ -s "$LOGS/why" ]; then
        cat "$LOGS/why"
    else
        explain "$LOGS/$name.log" | cut -c 1-160 | sed 's/^/    /'
        echo "$title failed. $remedy The whole log is in $LOGS/$name.log."
    fi
    exit 1
}

explain() { # the lines of a log that name what went wrong; where there are none, its end
    local plain said
    plain=$(sed "s/$(printf '\033')\[[0-9;]*m//g" "$1")
    said=$(printf '%s\n' "$plain" | grep -E 'WARNING: |ERROR: |^[A-Za-z_.]*(Error|Exception): .' | awk '!seen[$0]++' | head -n 15)
    if [ -n "$said" ]; then printf '%s\n' "$said"; else printf '%s\n' "$plain" | tail -n 20; fi
}

fingerprint() { python tools/fingerprint.py "$@"; }
unchanged() { [ -f "$STAMPS/$1" ] && [ "$(cat "$STAMPS/$1")" = "$2" ]; }
remember() { mkdir -p "$STAMPS"; echo "$2" >"$STAMPS/$1"; }

# ---------------------------------------------------------------------------------------------------- the steps

step_env() {
    local pin key version free
    pin=$(sed -n 's/^torch==//p' constraints.txt)
    if [ ! -x "$VENV/bin/python" ]; then
        command -v "$PYTHON" >/dev/null || stop "There is no $PYTHON here: install Python 3.11, 3.12 or 3.13, then run make again."
        version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        case $version in
            3.11 | 3.12 | 3.13) ;;
            *) stop "$PYTHON is Python $version, and the course needs 3.11, 3.12 or 3.13: name one of these, as in make course PYTHON=python3.12." ;;
        esac
        "$PYTHON" -c 'import venv, ensurepip' || stop "This Python has no venv module: install it (on Debian and Ubuntu: apt install python$version-venv), then run make again."
    fi
    key="$(cat pyproject.toml constraints.txt | cksum) $("$( [ -x "$VENV/bin/python" ] && echo "$VENV/bin/python" || echo "$PYTHON")" -V)"
    if [ "$(cat "$VENV/installed" 2>/dev/null)" != "$key" ]; then
        free=$(($(df -Pk . | awk 'NR == 2 { print $4 }') / 1048576))
        [ "$free" -ge "$NEEDED_GB" ] || stop "Only $free GB are free on this disk, and the installation may need $NEEDED_GB: make room, then run make again."
        tell "this takes some minutes"
        [ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
        "$VENV/bin/python" -m pip install "torch==$pin" # first and alone: an open range pulls gigabytes
        "$VENV/bin/python" -m pip install -c constraints.txt -e '.[data,grading,book,test]'
        echo "$key" >"$VENV/installed"
    else
        tell "nothing to install"
    fi
    version=$("$VENV/bin/python" -c 'from importlib.metadata import version; print(version("torch").split("+")[0])')
    [ "$version" = "$pin" ] || stop "torch is $version and the course is tested with $pin: run $VENV/bin/python -m pip install torch==$pin, then make again."
}

step_sandbox() {
    # Learners' code is graded in bubblewrap, or else behind Landlock alone. Installed only where nobody is asked anything.
    local sudo=
    if [ "$(uname)" = Linux ] && ! command -v bwrap; then
        [ "$(id -u)" = 0 ] || sudo="sudo -n"
        if [ -z "$sudo" ] || sudo -n true; then
            install_bubblewrap || true
        fi
    fi
    tell "$(python -c "
from classroom.sandbox import SandboxError, choose_mode
try:
    print('bubblewrap' if choose_mode() == 'bubblewrap' else 'Landlock alone; bubblewrap is not installed')
except SandboxError as error:
    print(f'none, so nothing will be graded: {error}')
")"
}

install_bubblewrap() {
    if command -v apt-get; then
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends bubblewrap && return
        $sudo apt-get update -q # the list of packages may be old, or missing
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends bubblewrap
    elif command -v dnf; then
        $sudo dnf install -y -q bubblewrap
    elif command -v zypper; then
        $sudo zypper --non-interactive install bubblewrap
    elif command -v pacman; then
        $sudo pacman -S --noconfirm bubblewrap
    elif command -v apk; then
        $sudo apk add bubblewrap
    fi
}

step_data() {
    seq2bert check-setup
}

step_exercises() {
    if unchanged exercises "$(fingerprint solutions exercises src/classroom nbgrader_config.py constraints.txt)"; then
        tell "nothing changed"
        return
    fi
    classroom release
    remember exercises "$(fingerprint solutions exercises src/classroom nbgrader_config.py constraints.txt)"
}

step_release_check() {
    classroom release --check
}

step_book() {
    local code pages
    # jupyter-cache runs a page again when its text changes, and knows nothing of the code and results that it uses.
    code=$(fingerprint src book/results solutions constraints.txt)
    pages="$code $(fingerprint book _config.yml _toc.yml)"
    if unchanged book "$pages" && [ -f _build/html/index.html ]; then
        tell "nothing changed"
        return
    fi
    if ! unchanged code "$code"; then
        rm -rf _build/.jupyter_cache _build/.doctrees
    fi
    rm -f "$STAMPS/book"
    remember code "$code"
    rm -rf _build/html # an old picture or style sheet must not stay on the site; pages come from the cache
    jupyter-book build -W -n --keep-going .
    remember book "$pages"
}

class_key() { echo "$(fingerprint src solutions exercises nbgrader_config.py constraints.txt)" $SAMPLE; }

step_sample_class() {
    local name
    if unchanged class "$(class_key)" && [ -d "$CLASS" ]; then
        tell "nothing changed"
        return
    fi
    rm -rf "$CLASS"
    for name in $SAMPLE; do
        seq2bert sample-class "$name" --out "$CLASS/$name"
    done
}

step_grade() {
    local name
    if unchanged class "$(class_key)" && [ -d "$CLASS" ]; then
        tell "nothing changed"
        return
    fi
    : >"$CLASS/report.txt"
    for name in $SAMPLE; do
        classroom grade "$name" --class-dir "$CLASS/$name" --cell-seconds 15 --notebook-seconds 240 --workers 2
        classroom feedback "$name" --class-dir "$CLASS/$name"
        classroom report "$name" --class-dir "$CLASS/$name" | tee -a "$CLASS/report.txt"
    done
    remember class "$(class_key)"
}

step_lint() {
    ruff check .
    ruff format --check .
}

step_notebooks() {
    # Every solution notebook and every page runs from top to bottom, as a copy, with small experiments.
    local copies=_build/notebooks page
    export SEQ2BERT_PROFILE=smoke
    rm -rf "$copies"
    mkdir -p "$copies"
    cp -R solutions "$copies/"
    for page in book/*.md; do
        if grep -q '{code-cell}' "$page"; then
            jupytext --quiet --to ipynb --output "$copies/$(basename "${page%.md}").ipynb" "$page"
        fi
    done
    python -m pytest -o addopts= -p no:cacheprovider -q --nbval-lax --nbval-current-env --nbval-cell-timeout=120 \
        -n 2 --dist loadfile "$copies"
    tell "$(grep -E '[0-9]+ passed' "$LOGS/notebooks.log" | tail -n 1 | sed -e 's/ in .*//' -e 's/passed/cells ran/')"
}

# --------------------------------------------------------------------------------------- the targets of the Makefile

addresses() {
    local name
    echo
    cat "$CLASS/report.txt"
    echo
    echo "The book:  file://$PWD/_build/html/index.html   (or: make serve)"
    for name in $SAMPLE; do
        echo "Feedback:  file://$PWD/$CLASS/$name/feedback/index.html"
    done
    echo "Exercises: make lab"
}

again="Read the lines above, put it right, and run make again: it goes on from here."
number=0
case ${1:-} in
    course) steps=7 ;;
    test) steps=7 ;;
    *) steps=1 ;;
esac

run_step() {
    case $1 in
        env) step env "Installing the course" "Check the network connection and the free disk space, then run make again." ;;
        sandbox) step sandbox "Preparing the sandbox for learners' code" "$again" ;;
        data) step data "Checking this computer and the data" "Do what the arrows say, then run make again." ;;
        exercises) step exercises "Releasing the exercises" "$again" ;;
        book) step book "Building the book" "$again" ;;
        sample_class) step sample_class "Handing in for the sample class" "$again" ;;
        grade) step grade "Grading the sample class, writing its feedback" "$again" ;;
        lint) step lint "Checking the style of the code" "Run make format, then make test again." ;;
        release_check) step release_check "Comparing exercises/ with solutions/" "Run make exercises and commit the result." ;;
        notebooks) step notebooks "Running every notebook and page" "$again" ;;
    esac
}

case ${1:-} in
    course)
        for name in env sandbox data exercises book sample_class grade; do run_step $name; done
        addresses
        ;;
    test)
        for name in env lint release_check book notebooks; do run_step $name; done
        echo "[6/7] Running the tests"
        python -m pytest -n 2 --dist loadfile -rs -m "not attacks and not grading_long" || exit 1
        echo "[7/7] Attacking the grader, and killing it" # alone, because what is too slow loses marks
        exec python -m pytest -rs -m "attacks or grading_long"
        ;;
    bench)
        steps=2
        run_step env
        echo "[2/2] Measuring (the records go to book/results/benchmarks, or to _build when it is only a glance)"
        failed=0
        for file in tests/benchmarks/bench_*.py; do
            # shellcheck disable=SC2086  # ARGUMENTS is a list of words
            python -m "tests.benchmarks.$(basename "$file" .py)" ${ARGUMENTS:-} || failed=1
        done
        exit $failed
        ;;
    env | data | exercises | book) run_step "$1" ;;
    sample-class)
        steps=3
        run_step sandbox
        run_step sample_class
        run_step grade
        addresses
        ;;
    *)
        echo "usage: bash tools/steps.sh course|test|bench|env|data|exercises|book|sample-class" >&2
        exit 2
        ;;
esac

"""`seq2bert`: data, experiments, the set-up check and the sample class, from the command line.

Exit codes: 0 done; 1 a check failed; 2 wrong use or something a user can mend, said in one sentence; 130 interrupted.
Commands import what they need when they run, so that `--help` and mistakes answer at once.
"""

import argparse
import errno
import os
import sys
from pathlib import Path

from seq2bert import __version__
from seq2bert.files import CourseError


def data_list(arguments: argparse.Namespace) -> int:
    from seq2bert.data.catalog import DATASETS, status

    for data in DATASETS.values():
        size = f"{data.size / 1e6:.1f} MB" if data.files else "computed"
        print(f"{data.name}  {data.version}, {size}, {status(data.name)}\n    {data.title}")
        print(f"    from {data.source}\n    licence: {data.licence}\n    used in {data.use}")
    return 0


def data_get(arguments: argparse.Namespace) -> int:
    from seq2bert.data.catalog import dataset, get

    for name in [dataset(name).name for name in arguments.names]:  # all are looked up before the first is fetched
        get(name)
        print(f"{name}: ok")
    return 0


def data_check(arguments: argparse.Namespace) -> int:
    from seq2bert.data.catalog import DATASETS, dataset, status

    found = {dataset(name).name: status(name) for name in arguments.names or DATASETS}
    for name, state in found.items():
        print(f"{name}: {state}" + ("" if state == "ok" else f"; mend it with: seq2bert data get {name}"))
    return 0 if set(found.values()) == {"ok"} else 1


def run_experiment(arguments: argparse.Namespace) -> int:
    import torch

    from seq2bert.experiments.runner import run

    torch.set_num_threads(arguments.threads)
    print(f"recorded in {run(arguments.name, arguments.profile, arguments.seeds, arguments.fresh)}")
    return 0


def sample_class(arguments: argparse.Namespace) -> int:
    from seq2bert.checks.sample_class import write_sample_class

    for learner in write_sample_class(arguments.assignment, arguments.out):
        print(f"wrote {arguments.out / 'submitted' / learner}")
    return 0


def check_setup(arguments: argparse.Namespace) -> int:
    from seq2bert import setup_check

    return setup_check.main()


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, and whose help keeps the line breaks of its examples."""

    def __init__(self, **settings):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **settings)

    def error(self, message: str):
        raise CourseError(f"{message.rstrip('.')}; see: {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    root = _Parser(prog="seq2bert", description="From Sequences to BERT: data sets and recorded experiments.")
    root.add_argument("--version", action="version", version=__version__)
    commands = root.add_subparsers(metavar="COMMAND", required=True)

    data = commands.add_parser("data", help="list, get or check the data sets").add_subparsers(
        metavar="COMMAND", required=True
    )
    listing = data.add_parser("list", help="what there is, with licence and use", epilog="example: seq2bert data list")
    listing.set_defaults(run=data_list)
    getting = data.add_parser("get", help="fetch and verify", epilog="example: seq2bert data get cmudict dates")
    getting.add_argument("names", nargs="+", metavar="NAME")
    getting.set_defaults(run=data_get)
    checking = data.add_parser("check", help="verify every byte", epilog="example: seq2bert data check cmudict")
    checking.add_argument("names", nargs="*", metavar="NAME", help="all if left out")
    checking.set_defaults(run=data_check)

    running = commands.add_parser(
        "run",
        help="run an experiment and record it",
        description="Run an experiment over its seeds and write its record: full to book/results, smoke to\n"
        "_build/results. A killed run goes on where it was, and finished seeds are kept.",
        epilog="example: seq2bert run g2p --profile smoke --seeds 0 1 2",
    )
    running.add_argument("name", metavar="NAME", help="the experiment, such as g2p")
    running.add_argument("--profile", default="smoke", help="smoke (seconds) or full (what the pages quote)")
    running.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="SEED")
    running.add_argument("--threads", type=int, default=1, help="CPU threads; small models gain nothing from more")
    running.add_argument("--fresh", action="store_true", help="forget finished seeds and checkpoints")
    running.set_defaults(run=run_experiment)

    sampling = commands.add_parser(
        "sample-class",
        help="write a class of made-up learners, from perfect to hostile",
        epilog="example: seq2bert sample-class 03_seq2seq --out _build/sample_class",
    )
    sampling.add_argument("assignment", metavar="ASSIGNMENT")
    sampling.add_argument("--out", type=Path, default=Path("_build/sample_class"), metavar="FOLDER")
    sampling.set_defaults(run=sample_class)

    setup = commands.add_parser("check-setup", help="say OK or FAIL for everything that the course needs")
    setup.set_defaults(run=check_setup)
    return root


def main(arguments: list[str] | None = None) -> None:
    """Run a command; whatever a user can mend becomes one sentence on standard error."""
    try:
        chosen = parser().parse_args(arguments)
        code = chosen.run(chosen)
    except CourseError as error:
        code = _say(str(error), 2)
    except KeyboardInterrupt:
        code = _say("interrupted; what had finished is kept", 130)
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        hint = "; free some disk and try again" if error.errno == errno.ENOSPC else ""
        code = _say(f"{error.filename or 'a file'}: {error.strerror or error}{hint}", 2)
    sys.exit(code)


def _say(sentence: str, code: int) -> int:
    print(f"seq2bert: {sentence}", file=sys.stderr)
    return code

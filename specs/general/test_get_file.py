"""Where does `get_file` keep what it downloads?"""

import hashlib
import io
import os
import pathlib
import tarfile
import zipfile
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.configuration import Start
from fixtures.downloads import site

CONTENT = b"one, two, three"
AT_HOME_ONLY, BESIDE = ["keras<2.2.5", "tf.keras"], ["keras<3.6", "tf.keras"]
UNCHECKED, TRUSTING = ["keras<3", "tf.keras<2.9"], ["keras<3", "tf.keras<2.12"]
ALGORITHMS = st.sampled_from(["md5", "sha256"])
contents = st.binary(min_size=1, max_size=300)


def digest(content, algorithm="sha256"):
    """The hash of a content, in hexadecimal digits."""
    return hashlib.new(algorithm, content).hexdigest()


def read(path):
    """What is in the file at this path."""
    return pathlib.Path(path).read_bytes()


def files_in(folder):
    """The paths of all files in this folder, with slashes."""
    return sorted(path.relative_to(folder).as_posix() for path in pathlib.Path(folder).rglob("*") if path.is_file())


def archive(kind, *names):
    """The name and the content of an archive, `tar` or `zip`, of files of these names."""
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as packed:
            for name in names:
                packed.writestr(name, CONTENT)
        return "numbers.zip", buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(CONTENT)
            packed.addfile(member, io.BytesIO(CONTENT))
    return "numbers.tar.gz", buffer.getvalue()


def fetched(keras, **options):
    """Where in the working directory, or the fallback, a file is that `get_file` got by a `file:` URL: to call in a look."""
    origin = pathlib.Path("origin.txt").absolute().as_uri()
    return os.path.relpath(keras.utils.get_file("numbers.txt", origin, **options)).replace(os.sep, "/")


def default_place(keras):
    """Where a file is kept that is fetched with no further argument: a look."""
    return fetched(keras)


def absent_place(keras):
    """Where a file is kept that is fetched into a cache folder that does not exist: a look."""
    return fetched(keras, cache_dir=os.path.abspath("absent"))


ORIGIN = {"origin.txt": CONTENT.decode()}
AT_HOME = Start(ORIGIN, looks=[default_place, absent_place]).ahead()
MOVED = Start(ORIGIN, looks=[default_place], KERAS_HOME="{here}/project").ahead()
FALLEN_BACK = "fallback/datasets/numbers.txt"  # /tmp/.keras/datasets/numbers.txt


@claim(answers=["18.5"])
def test_keeps_files_in_the_home(keras):
    """By default a file is kept in `$HOME/.keras/datasets/`."""
    assert AT_HOME().seen["default_place"] == "home/.keras/datasets/numbers.txt"
    assert AT_HOME().files["home/.keras/datasets/numbers.txt"] == CONTENT.decode()


@claim(["keras>=2.2.5"], AssertionError, "test_does_not_follow_keras_home", answers=["18.5", "18.R3"])
def test_follows_keras_home(keras):
    """Where `KERAS_HOME` is set, files are kept in `$KERAS_HOME/datasets/`."""
    assert "project/datasets/numbers.txt" in MOVED().files


@claim(AT_HOME_ONLY, AssertionError, "test_follows_keras_home", answers=["18.5", "18.R3"])
def test_does_not_follow_keras_home(keras):
    """Whatever `KERAS_HOME` says, files go to `$HOME/.keras/datasets/`, or `/tmp/.keras/datasets/` if no `.keras` is there."""
    assert FALLEN_BACK in MOVED().files
    present = Start({"home/.keras/keras.json": "{}", **ORIGIN}, looks=[default_place], KERAS_HOME="{here}/project")()
    assert present.seen["default_place"] == "home/.keras/datasets/numbers.txt"


@claim(answers=["18.2", "18.5"])
def test_does_not_make_the_cache_folder(keras):
    """A `cache_dir` that does not exist is not made: the file is kept in `/tmp/.keras/datasets/`."""
    assert FALLEN_BACK in AT_HOME().files
    assert not [path for path in AT_HOME().files if path.startswith("absent")]


@claim(answers=["18.5"], examples=3)
@given(name=st.sampled_from(["a.txt", "b", "c.tar.gz"]), subdir=st.sampled_from(["datasets", "models/new"]), content=contents)
def test_keeps_a_file_under_the_given_names(keras, tmp_path_factory, name, subdir, content):
    """A file is kept, byte by byte, as `cache_dir/cache_subdir/fname`, and this path returned; `cache_subdir` is made."""
    folder = tmp_path_factory.mktemp("cache")
    with site() as web:
        path = keras.utils.get_file(name, web.offer("origin", content), cache_dir=str(folder), cache_subdir=subdir)
    assert path == os.path.join(str(folder), subdir, name)
    assert read(path) == content


@claim(answers=["18.5"], examples=2)
@given(times=st.integers(2, 4))
def test_fetches_a_file_once(keras, tmp_path_factory, times):
    """A file that is there is not fetched again, not even where it has changed at its origin."""
    folder = tmp_path_factory.mktemp("cache")
    with site() as web:
        for number in range(times):
            path = keras.utils.get_file("a.txt", web.offer("a.txt", CONTENT + bytes(number)), cache_dir=str(folder))
    assert web.requests == ["a.txt"]
    assert read(path) == CONTENT


@claim(["keras>=3"], TypeError, "test_fetches_a_file_once", answers=["18.5"])
def test_fetches_again_by_force(keras, tmp_path):
    """With `force_download=True` a file that is there is fetched again."""
    with site() as web:
        keras.utils.get_file("a.txt", web.offer("a.txt", b"old"), cache_dir=str(tmp_path))
        path = keras.utils.get_file("a.txt", web.offer("a.txt", b"new"), cache_dir=str(tmp_path), force_download=True)
    assert read(path) == b"new"


@claim(answers=["18.5"], examples=4)
@given(algorithm=ALGORITHMS, content=contents, told=st.booleans())
@example(algorithm="sha256", content=bytes(200000), told=False)  # more than is read at once
def test_checks_the_hash(keras, tmp_path_factory, algorithm, content, told):
    """A file of the right `file_hash`, md5 or sha256, is accepted and not fetched again; the length tells which it is."""
    options = {"file_hash": digest(content, algorithm), "cache_dir": str(tmp_path_factory.mktemp("cache"))}
    if told:
        options["hash_algorithm"] = algorithm
    with site() as web:
        paths = {keras.utils.get_file("a.txt", web.offer("a.txt", content), **options) for _ in range(2)}
    assert web.requests == ["a.txt"]
    assert [read(path) for path in paths] == [content]


@claim(answers=["18.5"], examples=2)
@given(told=st.sampled_from([("file_hash", "md5"), ("file_hash", "sha256"), ("md5_hash", "md5")]))
@example(told=("md5_hash", "md5"))
def test_fetches_again_what_has_another_hash(keras, tmp_path_factory, told):
    """A file that is there but has another hash than `file_hash`, or `md5_hash`, its older name, is fetched again."""
    folder, (option, algorithm) = str(tmp_path_factory.mktemp("cache")), told
    with site() as web:
        keras.utils.get_file("a.txt", web.offer("a.txt", b"old"), cache_dir=folder)
        url = web.offer("a.txt", b"new")
        path = keras.utils.get_file("a.txt", url, cache_dir=folder, **{option: digest(b"new", algorithm)})
    assert read(path) == b"new"
    assert web.requests == ["a.txt"] * 2


@claim(
    ["keras>=3", "tf.keras>=2.9"],
    pytest.fail.Exception,
    "test_accepts_a_download_of_another_hash",
    answers=["18.5"],
    examples=2,
)
@given(algorithm=ALGORITHMS)
def test_refuses_a_download_of_another_hash(keras, tmp_path_factory, algorithm):
    """A download that has another hash than `file_hash` is refused with a ValueError."""
    with site() as web:
        url, folder = web.offer("a.txt", b"forged"), str(tmp_path_factory.mktemp("cache"))
        with pytest.raises(ValueError, match="hash does not match"):
            keras.utils.get_file("a.txt", url, cache_dir=folder, file_hash=digest(CONTENT, algorithm))


@claim(UNCHECKED, ValueError, "test_refuses_a_download_of_another_hash", answers=["18.5"])
def test_accepts_a_download_of_another_hash(keras, tmp_path):
    """A download that has another hash than `file_hash` is accepted without a word."""
    with site() as web:
        url = web.offer("a.txt", b"forged")
        path = keras.utils.get_file("a.txt", url, cache_dir=str(tmp_path), file_hash=digest(CONTENT))
    assert read(path) == b"forged"


@claim(answers=["18.5"])
def test_a_download_of_another_hash_stays(keras, tmp_path):
    """A download that has another hash stays in the cache: whoever asks for it without a hash is given it."""
    with site() as web:
        url = web.offer("a.txt", b"forged")
        with suppress(ValueError):
            keras.utils.get_file("a.txt", url, cache_dir=str(tmp_path), file_hash=digest(CONTENT))
        assert read(keras.utils.get_file("a.txt", url, cache_dir=str(tmp_path))) == b"forged"
    assert web.requests == ["a.txt"]


@claim(answers=["18.5"])
def test_a_missing_origin_leaves_no_file(keras, tmp_path):
    """An origin that does not exist raises an Exception with the URL and the status 404, and leaves no file."""
    with site() as web, pytest.raises(Exception, match=f"{web.address}/none ?: 404"):
        keras.utils.get_file("a.txt", f"{web.address}/none", cache_dir=str(tmp_path))
    assert files_in(tmp_path) == []


def break_off(keras, folder):
    """Download a file whose connection is closed half way; the path of what is kept, or what is raised, as text."""
    with site() as web:
        web.broken.append("a.txt")
        try:
            return keras.utils.get_file("a.txt", web.offer("a.txt", CONTENT), cache_dir=str(folder))
        except Exception as error:  # of no narrower class, as Keras raises it
            return str(error)


@claim(["keras", "tf.keras<2.6"], AssertionError, "test_a_broken_download_counts_as_whole", answers=["18.5"])
def test_a_broken_download_leaves_no_file(keras, tmp_path):
    """A download that breaks off raises an Exception, and leaves no file."""
    assert "retrieval incomplete" in break_off(keras, tmp_path)
    assert files_in(tmp_path) == []


@claim(["tf.keras>=2.6"], AssertionError, "test_a_broken_download_leaves_no_file", answers=["18.5"])
def test_a_broken_download_counts_as_whole(keras, tmp_path):
    """A download that breaks off is taken for whole: half a file is kept, and nothing said."""
    path = break_off(keras, tmp_path)
    assert files_in(tmp_path) == ["datasets/a.txt"]
    assert read(path) == CONTENT[: len(CONTENT) // 2]


@claim(answers=["18.5"])
def test_a_failed_update_removes_the_old_file(keras, tmp_path):
    """Where a file is to be fetched again, for its hash, and the origin fails, the old file is gone too."""
    with site() as web:
        path = keras.utils.get_file("a.txt", web.offer("a.txt", b"old"), cache_dir=str(tmp_path))
        web.files.clear()
        with pytest.raises(Exception, match="404"):
            keras.utils.get_file("a.txt", f"{web.address}/a.txt", cache_dir=str(tmp_path), file_hash=digest(b"new"))
    assert not os.path.exists(path)


def unpack(keras, folder, kind, *names, kept=None):
    """Fetch an archive of files of these names, and extract it; what `get_file` returns, from the cache folder.

    It is kept under its own name, or under that which is given. Whoever asks again is given the same, and nothing is fetched
    again.
    """
    name, content = archive(kind, *names)
    with site() as web:
        path, again = (
            keras.utils.get_file(kept or name, web.offer(name, content), cache_dir=str(folder), extract=True) for _ in range(2)
        )
        assert (web.requests, again) == ([name], path)
    return os.path.relpath(path, str(folder)).replace(os.sep, "/")


KINDS = st.sampled_from(["tar", "zip"])


@claim(BESIDE, AssertionError, "test_extracts_into_a_folder", answers=["18.5"], examples=2)
@given(kind=KINDS)
def test_extracts_beside_the_archive(keras, tmp_path_factory, kind):
    """With `extract=True` a tar or zip archive is unpacked beside itself, and its own path is returned."""
    folder = tmp_path_factory.mktemp("cache")
    returned = unpack(keras, folder, kind, "odd/one.txt", "two.txt")
    assert files_in(folder) == sorted(["datasets/odd/one.txt", "datasets/two.txt", returned])


@claim(["keras>=3.6"], AssertionError, "test_extracts_beside_the_archive", answers=["18.5"], examples=2)
@given(kind=KINDS)
def test_extracts_into_a_folder(keras, tmp_path_factory, kind):
    """With `extract=True` a tar or zip archive `x.tar.gz` is unpacked into a folder `x_extracted`, whose path is returned.

    Where it is to be kept under a name without a dot, that is the folder's name.
    """
    folder = tmp_path_factory.mktemp("cache")
    assert unpack(keras, folder, kind, "odd/one.txt", "two.txt") == "datasets/numbers_extracted"
    assert files_in(folder / "datasets" / "numbers_extracted") == ["odd/one.txt", "two.txt"]
    assert unpack(keras, folder, kind, "odd/one.txt", "two.txt", kept="plain") == "datasets/plain"
    assert files_in(folder / "datasets" / "plain") == ["odd/one.txt", "two.txt"]


@claim(["keras>=3", "tf.keras>=2.12"], AssertionError, "test_extracts_outside_of_the_cache", answers=["18.5"])
def test_extracts_nothing_outside_of_the_cache(keras, tmp_path):
    """A file in a tar archive that would land outside of the cache is not extracted."""
    cache = tmp_path / "cache"
    cache.mkdir()
    unpack(keras, cache, "tar", "one.txt", "../../../stray.txt", "../../stray.txt")
    assert [path for path in files_in(tmp_path) if "stray" in path] == []


@claim(TRUSTING, AssertionError, "test_extracts_nothing_outside_of_the_cache", answers=["18.5"])
def test_extracts_outside_of_the_cache(keras, tmp_path):
    """A file in a tar archive is extracted wherever its name says, outside of the cache too: do not trust any archive."""
    cache = tmp_path / "cache"
    cache.mkdir()
    unpack(keras, cache, "tar", "one.txt", "../../stray.txt")
    assert "stray.txt" in files_in(tmp_path)


@claim(["keras>=3", "tf.keras>=2.6"], TypeError, "test_keeps_a_file_under_the_given_names", answers=["18.5"])
def test_takes_the_name_from_the_url(keras, tmp_path):
    """Without `fname` a file is kept under the last name of its URL, and what follows a `?` does not belong to it."""
    with site() as web:
        web.files["a.txt?new=1"] = CONTENT
        path = keras.utils.get_file(origin=f"{web.address}/a.txt?new=1", cache_dir=str(tmp_path))
    assert os.path.basename(path) == "a.txt"


@claim(["keras>=3.6"], pytest.fail.Exception, "test_a_path_is_where_the_file_is_kept", answers=["18.5"])
def test_refuses_a_path_as_name(keras, tmp_path):
    """A `fname` that is a path is refused with a ValueError."""
    with site() as web, pytest.raises(ValueError, match="Paths are no longer accepted"):
        keras.utils.get_file(str(tmp_path / "b.txt"), web.offer("a.txt", CONTENT), cache_dir=str(tmp_path))


@claim(BESIDE, ValueError, "test_refuses_a_path_as_name", answers=["18.5"])
def test_a_path_is_where_the_file_is_kept(keras, tmp_path):
    """A `fname` that is an absolute path is where the file is kept, outside of the cache."""
    with site() as web:
        keras.utils.get_file(str(tmp_path / "b.txt"), web.offer("a.txt", CONTENT), cache_dir=str(tmp_path))
    assert files_in(tmp_path) == ["b.txt"]


@claim(answers=["18.5"])
def test_example_of_a_data_set(keras, tmp_path):
    """Example: a data set whose hash is written into the program is fetched once, and any other content found out."""
    with site() as web:
        origin = web.offer("digits.csv", b"0,1\n2,3\n")
        sha256 = "249f84c63b1bd6645638503833144b6fe1fa5ad745d514ecaee66699ae0cfc5a"
        for _ in range(2):
            path = keras.utils.get_file("digits.csv", origin, file_hash=sha256, cache_dir=str(tmp_path))
    with open(path) as file:
        rows = [[int(number) for number in line.split(",")] for line in file]
    assert rows == [[0, 1], [2, 3]]
    assert web.requests == ["digits.csv"]

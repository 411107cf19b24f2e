"""Faults for: Where does `get_file` keep what it downloads?"""

import os

from specs.general import test_get_file as spec
from tests.falsifiers import falsifies
from tests.falsifiers.general import download_faults as faults
from tests.falsifiers.general import start_faults

OLD = ["keras<3", "tf.keras"]
NEW = ["keras>=3"]


@falsifies(spec.test_keeps_files_in_the_home, in_interpreter=True)
def keeps_them_in_another_folder(import_keras, patch):
    """The default folder is `downloads`."""

    def get_file(original, name, origin, cache_subdir="downloads", **options):
        return original(name, origin, cache_subdir=cache_subdir, **options)

    start_faults.after(patch, lambda keras: faults.replace(keras, patch, get_file))


@falsifies(spec.test_follows_keras_home, spec.test_does_not_follow_keras_home, on=["keras>=2.2.5"], in_interpreter=True)
def stays_in_the_home(import_keras, patch):
    """The default is `.keras` in the home, whatever `KERAS_HOME` says."""

    def get_file(original, name, origin, cache_dir=None, **options):
        return original(name, origin, cache_dir=cache_dir or os.path.expanduser("~/.keras"), **options)

    start_faults.after(patch, lambda keras: faults.replace(keras, patch, get_file))


@falsifies(spec.test_follows_keras_home, spec.test_does_not_follow_keras_home, on=spec.AT_HOME_ONLY, in_interpreter=True)
def goes_with_keras_home(import_keras, patch):
    """The default is `KERAS_HOME`."""

    def get_file(original, name, origin, cache_dir=None, **options):
        return original(name, origin, cache_dir=cache_dir or os.environ["KERAS_HOME"], **options)

    start_faults.after(patch, lambda keras: faults.replace(keras, patch, get_file))


@falsifies(spec.test_does_not_make_the_cache_folder, in_interpreter=True)
def makes_the_cache_folder(import_keras, patch):
    """The cache folder is made."""

    def get_file(original, name, origin, cache_dir=None, **options):
        os.makedirs(cache_dir or "unused", exist_ok=True)
        return original(name, origin, cache_dir=cache_dir, **options)

    start_faults.after(patch, lambda keras: faults.replace(keras, patch, get_file))


@falsifies(spec.test_keeps_a_file_under_the_given_names)
def adds_to_the_name(keras, patch):
    """A file is kept under a name with an ending of Keras's."""
    faults.replace(keras, patch, lambda original, name, origin, **options: original(f"{name}.part", origin, **options))


@falsifies(spec.test_keeps_a_file_under_the_given_names)
def loses_the_last_byte(keras, patch):
    """The last byte is not kept."""

    def get_file(original, *args, **options):
        path = original(*args, **options)
        os.truncate(path, os.path.getsize(path) - 1)
        return path

    faults.replace(keras, patch, get_file)


@falsifies(spec.test_fetches_a_file_once, spec.test_checks_the_hash, spec.test_example_of_a_data_set)
def fetches_each_time(keras, patch):
    """A file is fetched whether it is there or not."""

    def get_file(original, name, origin, **options):
        faults.remove(faults.place(name, **options))
        return original(name, origin, **options)

    faults.replace(keras, patch, get_file)


@falsifies(spec.test_fetches_again_by_force, on=NEW)
def ignores_force(keras, patch):
    """`force_download` is ignored."""
    faults.replace(keras, patch, lambda original, *args, force_download=False, **options: original(*args, **options))


@falsifies(spec.test_fetches_again_by_force, on=OLD)
def obeys_force(keras, patch):
    """With `force_download` a file is fetched whether it is there or not."""

    def get_file(original, name, origin, force_download=False, **options):
        if force_download:
            faults.remove(faults.place(name, **options))
        return original(name, origin, **options)

    faults.replace(keras, patch, get_file)


@falsifies(spec.test_fetches_again_what_has_another_hash)
def trusts_what_is_there(keras, patch):
    """The hash of a file that is there is not checked."""

    def get_file(original, name, origin, **options):
        path = faults.place(name, **options)
        return path if os.path.exists(path) else original(name, origin, **options)

    faults.replace(keras, patch, get_file)


@falsifies(
    spec.test_refuses_a_download_of_another_hash, spec.test_accepts_a_download_of_another_hash, on=["keras>=3", "tf.keras>=2.9"]
)
def checks_no_hash(keras, patch):
    """No hash is checked."""
    faults.replace(keras, patch, lambda original, *args, file_hash=None, **options: original(*args, **options))


@falsifies(spec.test_refuses_a_download_of_another_hash, spec.test_accepts_a_download_of_another_hash, on=spec.UNCHECKED)
@falsifies(spec.test_a_download_of_another_hash_stays)
def removes_what_it_refuses(keras, patch):
    """A download that has another hash is refused, and removed."""

    def get_file(original, *args, file_hash=None, **options):
        path = original(*args, **options)
        if file_hash and file_hash not in (spec.digest(spec.read(path), "md5"), spec.digest(spec.read(path))):
            os.remove(path)
            raise ValueError("the hash does not match")
        return path

    faults.replace(keras, patch, get_file)


@falsifies(spec.test_a_missing_origin_leaves_no_file)
@falsifies(spec.test_a_broken_download_leaves_no_file, on=["keras", "tf.keras<2.6"])
def leaves_an_empty_file(keras, patch):
    """Where a download fails, an empty file is left."""

    def get_file(original, name, origin, **options):
        try:
            return original(name, origin, **options)
        except Exception:
            open(faults.place(name, **options), "w").close()
            raise

    faults.replace(keras, patch, get_file)


@falsifies(
    spec.test_a_broken_download_leaves_no_file, spec.test_a_broken_download_counts_as_whole, on=["keras", "tf.keras<2.6"]
)
def keeps_the_half(keras, patch):
    """Where a download breaks off, what has come is kept, and nothing said."""

    def get_file(original, name, origin, **options):
        try:
            return original(name, origin, **options)
        except Exception:
            path = faults.place(name, **options)
            with open(path, "wb") as file:
                file.write(spec.CONTENT[: len(spec.CONTENT) // 2])
            return path

    faults.replace(keras, patch, get_file)


@falsifies(spec.test_a_broken_download_leaves_no_file, spec.test_a_broken_download_counts_as_whole, on=["tf.keras>=2.6"])
def counts_the_bytes(keras, patch):
    """Where a download breaks off, nothing is kept, and an Exception raised."""

    def get_file(original, *args, **options):
        path = original(*args, **options)
        if os.path.getsize(path) < len(spec.CONTENT):
            os.remove(path)
            raise Exception("retrieval incomplete")
        return path

    faults.replace(keras, patch, get_file)


@falsifies(spec.test_a_failed_update_removes_the_old_file)
def keeps_the_old_file(keras, patch):
    """Where an update fails, the old file stays."""

    def get_file(original, name, origin, **options):
        path = faults.place(name, **options)
        before = spec.read(path) if os.path.exists(path) else None
        try:
            return original(name, origin, **options)
        except Exception:
            if before is not None:
                with open(path, "wb") as file:
                    file.write(before)
            raise

    faults.replace(keras, patch, get_file)


@falsifies(spec.test_extracts_beside_the_archive, spec.test_extracts_into_a_folder, on=spec.BESIDE)
def extracts_into_a_folder(keras, patch):
    """An archive is unpacked into a folder of its own."""

    def get_file(original, name, origin, extract=False, **options):
        path = original(name, origin, **options)
        folder = os.path.join(os.path.dirname(path), name.partition(".")[0] + "_extracted")
        faults.unpack(path, folder)
        return folder

    faults.replace(keras, patch, get_file)


@falsifies(spec.test_extracts_beside_the_archive, spec.test_extracts_into_a_folder, on=["keras>=3.6"])
@falsifies(spec.test_extracts_nothing_outside_of_the_cache, on=["keras>=3", "tf.keras>=2.12"])
@falsifies(spec.test_extracts_outside_of_the_cache, on=["keras>=3", "tf.keras>=2.12"])
def extracts_beside_and_trusts(keras, patch):
    """An archive is unpacked beside itself, and trusted."""

    def get_file(original, *args, extract=False, **options):
        path = original(*args, **options)
        faults.unpack(path, os.path.dirname(path), trusting=True)
        return path

    faults.replace(keras, patch, get_file)


@falsifies(spec.test_extracts_nothing_outside_of_the_cache, spec.test_extracts_outside_of_the_cache, on=spec.TRUSTING)
def does_not_trust(keras, patch):
    """An archive is unpacked beside itself, but for what would land outside."""

    def get_file(original, *args, extract=False, **options):
        path = original(*args, **options)
        faults.unpack(path, os.path.dirname(path))
        return path

    faults.replace(keras, patch, get_file)


@falsifies(spec.test_takes_the_name_from_the_url, on=["keras>=3", "tf.keras>=2.6"])
def has_a_name_of_its_own(keras, patch):
    """Without `fname` a file is called `download`."""
    faults.replace(keras, patch, lambda original, name, origin, **options: original(name or "download", origin, **options))


@falsifies(spec.test_takes_the_name_from_the_url, on=["keras<3", "tf.keras<2.6"])
def takes_the_name(keras, patch):
    """Without `fname` the name is taken from the URL."""

    def get_file(original, name, origin, **options):
        return original(name or faults.url_name(origin), origin, **options)

    faults.replace(keras, patch, get_file)


@falsifies(spec.test_refuses_a_path_as_name, spec.test_a_path_is_where_the_file_is_kept, on=["keras>=3.6"])
def takes_a_path(keras, patch):
    """A `fname` that is a path is where the file is kept."""

    def get_file(original, name, origin, cache_dir=None):
        return original(os.path.basename(name), origin, cache_dir=os.path.dirname(name), cache_subdir="")

    faults.replace(keras, patch, get_file)


@falsifies(spec.test_refuses_a_path_as_name, spec.test_a_path_is_where_the_file_is_kept, on=spec.BESIDE)
def refuses_a_path(keras, patch):
    """A `fname` that is a path is refused."""

    def get_file(original, name, origin, **options):
        raise ValueError("Paths are no longer accepted as the name")

    faults.replace(keras, patch, get_file)

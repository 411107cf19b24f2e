"""Faults in `get_file`, each a function that takes its place."""

import os
import shutil
import tarfile
import zipfile
from urllib.parse import urlsplit


def replace(keras, patch, get_file):
    """`get_file(original, name, origin, **options)` takes the place of Keras's."""
    original = keras.utils.get_file

    def faulty(fname=None, origin=None, **options):
        return get_file(original, fname, origin, **options)

    patch.setattr(keras.utils, "get_file", faulty)


def place(name, cache_dir=None, cache_subdir="datasets", **_):
    """The path that a file is kept at."""
    return os.path.join(cache_dir, cache_subdir, name)


def remove(path):
    """There is no such file."""
    if os.path.exists(path):
        os.remove(path)


def url_name(origin):
    """The last name of a URL."""
    return os.path.basename(urlsplit(origin).path)


def unpack(archive, into, trusting=False):
    """Extract an archive, and from a trusted one what would land elsewhere too."""
    os.makedirs(into, exist_ok=True)
    if zipfile.is_zipfile(archive):
        shutil.unpack_archive(archive, into)
        return
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            if trusting or not member.name.startswith(".."):
                target = os.path.join(into, member.name)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "wb") as file:
                    file.write(packed.extractfile(member).read())

"""What happens to a file that is there already?"""

import io
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import sequential
from fixtures.trained import named

PRECIOUS = b"precious"
NOT_3_2 = ["keras<3.2", "keras>=3.3", "tf.keras"]
methods = st.sampled_from([("save", "x.h5"), ("save", "x.keras"), ("save_weights", "x.weights.h5")])


def write(keras, folders, method, answers, **options):
    """Save a model over a precious file, these lines waiting at the keyboard; return the file and what is unread of them."""
    path = folders.mktemp("saved") / method[1]
    path.write_bytes(PRECIOUS)
    keyboard = io.StringIO(answers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", keyboard)
        getattr(sequential(keras, (1,), keras.layers.Dense(1)), method[0])(named(keras, path), **options)
    return path, keyboard.read()


@claim(answers=["5.2", "5.7"], examples=3)
@given(method=methods)
def test_is_replaced_without_a_question(keras, tmp_path_factory, method):
    """`save` and `save_weights` replace a file that is there, without a question.

    In Keras 3 the file's name may be a `pathlib.Path`, here and in what follows, also when it is loaded.
    """
    path, unread = write(keras, tmp_path_factory, method, "n\n")
    assert path.read_bytes() != PRECIOUS
    assert unread == "n\n"


@claim(
    NOT_3_2,
    AssertionError,
    "test_weights_are_replaced_whatever_is_said",
    answers=["5.2", "5.7"],
    examples=3,
)
@given(method=methods)
def test_overwrite_false_asks(keras, tmp_path_factory, method):
    """`overwrite=False` is no refusal but a question at the keyboard: with "n" the file stays, and nothing is raised.

    Only "y" and "n", in capitals too, are answers: after any other, such as "no" or nothing, it asks again.
    """
    path, unread = write(keras, tmp_path_factory, method, "no\n\nyes\nN\n", overwrite=False)
    assert path.read_bytes() == PRECIOUS
    assert unread == ""


@claim(["keras>=3.2,<3.3"], AssertionError, "test_overwrite_false_asks", answers=["5.2", "5.7"])
def test_weights_are_replaced_whatever_is_said(keras, tmp_path_factory):
    """`save_weights` with `overwrite=False` replaces the file without a question, in Keras 3.2; `save` asks."""
    path, unread = write(keras, tmp_path_factory, ("save_weights", "x.weights.h5"), "n\n", overwrite=False)
    assert path.read_bytes() != PRECIOUS
    assert unread == "n\n"
    path, _ = write(keras, tmp_path_factory, ("save", "x.keras"), "n\n", overwrite=False)
    assert path.read_bytes() == PRECIOUS


@claim(answers=["5.2", "5.7"], examples=3)
@given(method=methods)
def test_yes_replaces_it(keras, tmp_path_factory, method):
    """With `overwrite=False` and the answer "y" the file is replaced, by one that loads."""
    path, _ = write(keras, tmp_path_factory, method, "yes\n\nY\ny\n", overwrite=False)
    model = sequential(keras, (1,), keras.layers.Dense(1))
    model.set_weights([np.full((1, 1), 7.0), np.full(1, 7.0)])
    if method[0] == "save":
        model = keras.models.load_model(named(keras, path))
    else:
        model.load_weights(named(keras, path))
    assert model.get_weights()[1].tolist() == [0]


@claim(["keras>=3"], AssertionError, "test_yes_replaces_it", answers=["5.2"])
def test_h5_asks_twice(keras, tmp_path_factory):
    """With `overwrite=False` a `.h5` file is asked for twice: "y" must be given two times."""
    _, unread = write(keras, tmp_path_factory, ("save", "x.h5"), "y\ny\n", overwrite=False)
    assert unread == ""

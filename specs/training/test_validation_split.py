"""How is the validation split computed?"""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import input_layer, joint_ledger, ledger, logbook
from fixtures.probes import noted
from fixtures.seeds import FIRST
from fixtures.splits import BITS, COLUMNS, ends, first, fit, mean_loss

MODERN, OLD = ["keras>=3", "tf.keras>=2.3"], ["keras<3", "tf.keras<2.2"]
UNENDING = ["tf.keras>=2,<2.1"]
NO_TRAINING, NO_VALIDATION = 0.95, 1e-17  # of ten samples


@claim(answers=["10.1"], examples=4)
@given(samples=st.integers(2, COLUMNS), fraction=st.floats(0.01, 0.9))
@example(samples=10, fraction=0.1)
@example(samples=10, fraction=0.8)
def test_trains_on_the_first_samples_and_validates_on_the_rest(keras, samples, fraction):
    """`validation_split=f` trains on the first `int(n * (1 - f))` of n samples, in floats, and validates on all the rest."""
    trained = int(samples * (1 - fraction))
    assume(trained > 0)
    counts, history = fit(keras, samples, validation_split=fraction)
    assert counts == first(trained)
    assert history.get("val_loss") == [mean_loss(slice(trained, samples))]


@claim(answers=["10.1"], examples=2)
@given(blocks=st.integers(9, COLUMNS), held=st.integers(1, 8), part=st.sampled_from([0.01, 0.5, 0.99]))
@example(blocks=12, held=5, part=0.99)
def test_rounds_the_training_part_down(keras, blocks, held, part):
    """Where the fraction names no whole number of samples the training part is rounded down, of thousands too."""
    block, fraction = 256, (held - part / 256) / blocks  # a part of one sample less than `held` blocks
    counts, history = fit(keras, blocks * block, block, validation_split=fraction)
    assert counts == first(blocks - held)
    assert history.get("val_loss") == [mean_loss(np.arange((blocks - held) * block, blocks * block) // block)]


@claim(answers=["10.1"], examples=3)
@given(split=st.sampled_from([(0.1, 1, 10), (0.2, 3, 15), (0.25, 4, 16), (0.5, 6, 12)]), block=st.sampled_from([1, 256]))
@example(split=(0.1, 1, 10), block=256)
def test_holds_out_exactly_the_last_tenth(keras, split, block):
    """0.1 holds out exactly the last tenth, of 10 samples as of 2560, and 0.2, 0.25 and 0.5 exactly their share."""
    fraction, held, blocks = split
    counts, history = fit(keras, blocks * block, block, validation_split=fraction)
    assert counts == first(blocks - held)
    assert history.get("val_loss") == [mean_loss(np.arange((blocks - held) * block, blocks * block) // block)]


@claim(
    holds_on=[],
    otherwise=AssertionError,
    instead="test_trains_on_the_first_samples_and_validates_on_the_rest",
    answers=["10.1"],
)
@given(tenths=st.integers(1, 8))
@example(tenths=8)
def test_holds_out_exactly_the_share_of_any_fraction(keras, evidence, tenths):
    """Any other fraction holds out exactly its share too, where this is a whole number of samples: of ten, 0.8 holds out eight.

    In floats `10 * (1 - 0.8)` is a little less than 2 and rounded down to 1, so that nine are held out. Fractions whose
    complement is rounded down in binary, like 0.3 and 0.9, do so for some numbers of samples.
    """
    counts, _ = fit(keras, 10, validation_split=tenths / 10)
    evidence("fraction, held out of ten", [tenths / 10, 10 - sum(counts)])
    assert counts == first(10 - tenths)


@claim(answers=["10.1"], examples=2)
@given(samples=st.integers(2, COLUMNS), fraction=st.floats(1e-15, 1 / COLUMNS, exclude_max=True))
@example(samples=COLUMNS, fraction=1e-15)
def test_holds_out_at_least_one_sample(keras, samples, fraction):
    """A fraction that comes to less than one sample, down to 1e-15, still holds out one."""
    counts, history = fit(keras, samples, validation_split=fraction)
    assert counts == first(samples - 1)
    assert history.get("val_loss") == [mean_loss(samples - 1)]


@claim(answers=["10.2"], examples=2)
@given(held=st.sampled_from([2, 4, 6]))
def test_splits_once_before_any_shuffling(keras, held):
    """The split is taken once and before any shuffling: at each epoch the first samples train and the same last ones validate.

    Public threads that ask: keras#597, keras#2128, keras#4692, keras#6422, keras#8346, keras#10374, keras#20946.
    """
    book, numbers = logbook(keras), np.arange(1.0, 9)[:, None]
    book.fit(numbers, numbers, validation_split=held / 8, shuffle=True, batch_size=2, epochs=3, verbose=0)
    seen = [number for batch in noted(book) for number in batch]
    epochs = [seen[start : start + 8] for start in range(0, len(seen), 8)]  # first trained on, then validated
    assert [sorted(epoch[: 8 - held]) for epoch in epochs] == [list(range(1, 9 - held))] * 3
    assert [sorted(epoch[8 - held :]) for epoch in epochs] == [list(range(9 - held, 9))] * 3


@claim(answers=["10.3"], examples=2)
@given(samples=st.integers(4, 8), held=st.integers(1, 3))
def test_cuts_inputs_targets_and_sample_weights_at_one_place(keras, samples, held):
    """Several inputs, several outputs and their sample weights are all cut at the same sample."""
    model, trained = joint_ledger(keras, 8), samples - held
    model.set_weights([np.ones((16, 1))] * 2)
    targets = [np.arange(1.0, samples + 1), np.arange(10.0, samples + 10)]
    weights = [targets[0] % 3 + 1, targets[1] % 4 + 1]
    history = model.fit(
        [np.eye(8)[:samples]] * 2, [target[:, None] for target in targets], sample_weight=weights,
        validation_split=(held - 0.5) / samples, batch_size=1, verbose=0,
    ).history  # fmt: skip
    worth = np.array(targets) * weights * (np.arange(samples) < trained)  # what each sample adds to each output's weights
    learned = np.array(model.get_weights())[:, :, 0].reshape(2, 2, 8) - 1  # by output, input and sample
    np.testing.assert_array_equal(learned[:, :, :samples], np.stack([worth, worth], axis=1))
    held_out = np.sum(np.array(targets) * weights, axis=0)[trained:]  # the weights of these are still one, in both inputs
    assert history.get("val_loss") == [pytest.approx(-2 * held_out.mean(), rel=1e-6)]


@claim(answers=["10.1"], examples=2)
@given(options=st.sampled_from([{}, {"validation_split": 0.0}]))
def test_holds_nothing_out_by_default(keras, options):
    """Without `validation_split`, or with 0, all samples train and nothing is validated."""
    counts, history = fit(keras, 10, **options)
    assert counts == first(10)
    assert set(history) == {"loss"}


def fit_beside(keras):
    """Train on ten samples with a split of a half, the last four of 16 being given as validation data."""
    return fit(keras, 10, validation_split=0.5, validation_data=(np.eye(COLUMNS)[12:], np.ones((4, 1))))


YIELDS = "test_yields_to_validation_data"
WINS, REFUSED = "test_prefers_the_split_to_validation_data", "test_refuses_validation_data_beside_a_split"


@claim(["keras", "tf.keras<2", "tf.keras>=2.9"], (AssertionError, ValueError), [WINS, REFUSED], answers=["10.1"])
def test_yields_to_validation_data(keras):
    """With `validation_data` given too, `validation_split` is ignored: all samples train, and the given ones are validated."""
    counts, history = fit_beside(keras)
    assert counts == first(10)
    assert history.get("val_loss") == [mean_loss(slice(12, 16))]


@claim(["tf.keras>=2.2,<2.9"], (AssertionError, ValueError), [YIELDS, REFUSED], answers=["10.1"])
def test_prefers_the_split_to_validation_data(keras):
    """With `validation_data` given too, the split wins: what it holds out is validated, and the given ones are ignored."""
    counts, history = fit_beside(keras)
    assert counts == first(5)
    assert history.get("val_loss") == [mean_loss(slice(5, 10))]


@claim(["tf.keras>=2,<2.2"], pytest.fail.Exception, [YIELDS, WINS], answers=["10.1"])
def test_refuses_validation_data_beside_a_split(keras):
    """`validation_split` with `validation_data` given too is refused with a ValueError."""
    with pytest.raises(ValueError, match="validation_split"):
        fit_beside(keras)


NOTHING_TO_TRAIN_ON = ["test_trains_on_nothing_without_a_word", "test_fails_with_nothing_to_train_on", "test_never_ends"]


@claim(MODERN, (pytest.fail.Exception, UnboundLocalError), NOTHING_TO_TRAIN_ON, answers=["10.1"])
@given(samples=st.integers(1, COLUMNS), left=st.floats(0, 0.9))
@example(samples=10, left=0)  # the first, as TensorFlow 2.0 hangs on the others
@example(samples=10, left=1 - 1e-9)
def test_refuses_to_leave_nothing_to_train_on(keras, samples, left):
    """A fraction that leaves less than one sample to train on, 1.0 included, is refused with a ValueError."""
    with pytest.raises(ValueError, match="validation_split"):
        fit(keras, samples, validation_split=1 - left / samples)


@claim(
    ["keras<2.2.5"], AssertionError, ["test_fails_with_nothing_to_train_on", "test_never_ends"], answers=["10.1"], examples=2
)
@given(samples=st.integers(2, COLUMNS), left=st.floats(0.1, 0.9))
@example(samples=10, left=0.5)
def test_trains_on_nothing_without_a_word(keras, samples, left):
    """A fraction below 1 that leaves nothing to train on makes `fit` return an empty history, the model untouched."""
    assert FIRST.run(ends, samples, 1 - left / samples) == [first(0), {}]


@claim(["keras>=2.2.5", "tf.keras<2", "tf.keras>=2.1"], AssertionError, NOTHING_TO_TRAIN_ON, answers=["10.1"], examples=2)
@given(samples=st.integers(2, COLUMNS), left=st.floats(0.1, 0.9))
@example(samples=10, left=0.5)
def test_fails_with_nothing_to_train_on(keras, samples, left):
    """A fraction below 1 that leaves nothing to train on makes `fit` raise an error, the model untouched.

    Not always one that tells why: it is an UnboundLocalError in Keras 2.2.5 and 2.3, and in TensorFlow 2.2.
    """
    assert FIRST.run(ends, samples, 1 - left / samples) == [first(0), "error"]


NOTHING_TO_VALIDATE = ["test_ignores_a_fraction_lost_in_rounding", "test_fails_with_nothing_to_validate", "test_never_ends"]


@claim(MODERN, AssertionError, NOTHING_TO_VALIDATE, answers=["10.1"])
def test_refuses_a_fraction_lost_in_rounding(keras):
    """A fraction that floats cannot tell from zero, 1e-17, would leave nothing to validate and is refused before training."""
    assert FIRST.run(ends, 10, NO_VALIDATION) == [first(0), "error"]


@claim(["keras<2.3"], AssertionError, ["test_refuses_a_fraction_lost_in_rounding", *NOTHING_TO_VALIDATE[1:]], answers=["10.1"])
def test_ignores_a_fraction_lost_in_rounding(keras):
    """A fraction too small to tell from 0, 1e-17, is ignored: all samples train and nothing is validated."""
    counts, history = FIRST.run(ends, 10, NO_VALIDATION) or (None, "does not end")
    assert [counts, list(history)] == [first(10), ["loss"]]


@claim(
    ["keras>=2.3,<3", "tf.keras<2", "tf.keras>=2.1,<2.3"], AssertionError,
    ["test_refuses_a_fraction_lost_in_rounding", "test_ignores_a_fraction_lost_in_rounding", "test_never_ends"],
    answers=["10.1"],
)  # fmt: skip
def test_fails_with_nothing_to_validate(keras):
    """A fraction too small to tell from 0, 1e-17, makes `fit` raise an error, after it has trained on all samples."""
    assert FIRST.run(ends, 10, NO_VALIDATION) == [first(10), "error"]


@claim(
    UNENDING, AssertionError,
    ["test_fails_with_nothing_to_train_on", "test_trains_on_nothing_without_a_word"], answers=["10.1"],
)  # fmt: skip
def test_never_ends(keras):
    """A fraction that leaves nothing to train on, or nothing to validate, makes `fit` never end: it waits for data."""
    assert FIRST.run(ends, 10, NO_TRAINING) is FIRST.run(ends, 10, NO_VALIDATION) is None


@claim(OLD, (AssertionError, ValueError, UnboundLocalError), "test_takes_the_excess_over_one", answers=["10.1"], examples=2)
@given(fraction=st.sampled_from([1.5, 1.0]))
@example(fraction=1.5)
def test_ignores_a_fraction_of_one_or_more(keras, fraction):
    """A fraction of 1 or more is ignored: all samples train and nothing is validated."""
    counts, history = fit(keras, 10, validation_split=fraction)
    assert counts == first(10)
    assert set(history) == {"loss"}


@claim(["keras>=3", "tf.keras>=2.2"], AssertionError, "test_ignores_a_fraction_of_one_or_more", answers=["10.1"], examples=2)
@given(samples=st.sampled_from([8, 12, 16]), excess=st.sampled_from([0.25, 0.5, 0.75]))
def test_takes_the_excess_over_one(keras, samples, excess):
    """A fraction between 1 and 2 is not refused: its excess over 1 is held out, so that 1.5 splits like 0.5."""
    trained = int(samples * (1 - excess))
    counts, history = fit(keras, samples, validation_split=1 + excess)
    assert counts == first(trained)
    assert history.get("val_loss") == [mean_loss(slice(trained, samples))]


FAILS_AFTER_TRAINING = [
    "keras[tensorflow]>=3.3,<3.5", "keras[jax]>=3,<3.10", "keras[torch]>=3,<3.10", "tf.keras>=2.2,<2.3", "tf.keras>=2.14",
]  # fmt: skip
IGNORES_NEGATIVE = [
    "keras<3", "keras[tensorflow]>=3.5", "keras[jax]>=3.10", "keras[torch]>=3.10", "tf.keras<2.2", "tf.keras>=2.3,<2.14",
]  # fmt: skip
EMPTY_VALIDATION = (ValueError, AttributeError, UnboundLocalError)  # by release: only the first says what is wrong


@claim(
    IGNORES_NEGATIVE, (AssertionError, *EMPTY_VALIDATION),
    ["test_fails_on_a_negative_fraction_after_training", "test_a_negative_fraction_reports_a_loss_of_zero"], answers=["10.1"],
)  # fmt: skip
def test_ignores_a_negative_fraction(keras):
    """A negative fraction is not refused: all samples train and nothing is validated."""
    counts, history = fit(keras, 10, validation_split=-0.3)
    assert counts == first(10)
    assert set(history) == {"loss"}


@claim(
    FAILS_AFTER_TRAINING, pytest.fail.Exception,
    ["test_ignores_a_negative_fraction", "test_a_negative_fraction_reports_a_loss_of_zero"], answers=["10.1"],
)  # fmt: skip
def test_fails_on_a_negative_fraction_after_training(keras):
    """A negative fraction makes `fit` raise an error, but only when the first epoch has trained on all samples."""
    with pytest.raises(EMPTY_VALIDATION):
        fit(keras, 10, validation_split=-0.3)
    assert (ledger(keras, COLUMNS).get_weights()[0][:, 0] - BITS).tolist() == first(10)


@claim(
    ["keras[tensorflow]>=3,<3.3"], (AssertionError, *EMPTY_VALIDATION),
    ["test_ignores_a_negative_fraction", "test_fails_on_a_negative_fraction_after_training"], answers=["10.1"],
)  # fmt: skip
def test_a_negative_fraction_reports_a_loss_of_zero(keras):
    """A negative fraction is not refused: all samples train, and a `val_loss` of 0 is reported, of no sample."""
    counts, history = fit(keras, 10, validation_split=-0.3)
    assert counts == first(10)
    assert history.get("val_loss") == [0.0]


def batches(keras, kind):
    """An endless generator, or a Sequence, of batches for the ledger."""

    class Batches(keras.utils.Sequence):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return np.eye(COLUMNS), np.ones((COLUMNS, 1))

    return Batches() if kind == "Sequence" else (Batches()[0] for _ in iter(int, 1))


@claim(["keras>=2.2.5", "tf.keras"], AttributeError, "test_fit_generator_knows_no_validation_split", answers=["10.4"])
@given(kind=st.sampled_from(["generator", "Sequence"]))
def test_refuses_generators_and_sequences(keras, kind):
    """With a generator or a `Sequence`, `validation_split` is refused with a ValueError.

    The `fit` of Keras 2.2.4 takes neither, even without a split.
    """
    with pytest.raises(ValueError, match="validation_split"):
        ledger(keras, COLUMNS).fit(batches(keras, kind), validation_split=0.5, steps_per_epoch=2, verbose=0)


@claim(
    holds_on=["keras<3", "tf.keras"],
    otherwise=AttributeError,
    instead="test_refuses_generators_and_sequences",
    answers=["10.4"],
)
@given(kind=st.sampled_from(["generator", "Sequence"]))
def test_fit_generator_knows_no_validation_split(keras, kind):
    """`fit_generator`, which takes generators and `Sequence`s, has no `validation_split`: a TypeError."""
    fit_generator = ledger(keras, COLUMNS).fit_generator
    with pytest.raises(TypeError, match="validation_split"):
        fit_generator(batches(keras, kind), validation_split=0.5, steps_per_epoch=2, verbose=0)


@claim(
    holds_on=["keras>=3", "tf.keras"], otherwise=AttributeError, instead="test_fit_generator_knows_no_validation_split",
    needs=["tensorflow"], answers=["10.4"],
)  # fmt: skip
def test_refuses_tensorflow_datasets(keras):
    """With a `tf.data.Dataset`, `validation_split` is refused with a ValueError: use its `take` and `skip`."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((np.eye(COLUMNS), np.ones((COLUMNS, 1)))).batch(1)
    with pytest.raises(ValueError, match="validation_split"):
        ledger(keras, COLUMNS).fit(data, validation_split=0.5, verbose=0)


@claim(["keras>=3", "tf.keras>=2"], ValueError, "test_refuses_symbolic_tensors", answers=["10.4"])
def test_splits_tensors_like_arrays(keras):
    """Tensors of the backend are split like arrays.

    What a split takes is asked in tensorflow#38613, tensorflow#50937 and tensorflow#68882.
    """
    tensor = keras.ops.convert_to_tensor if hasattr(keras, "ops") else keras.backend.constant
    counts, history = fit(keras, COLUMNS, inputs_as=tensor, targets_as=tensor, validation_split=0.25)
    assert counts == first(12)
    assert history.get("val_loss") == [mean_loss(slice(12, 16))]


@claim(answers=["10.4"])
def test_refuses_symbolic_tensors(keras):
    """Symbolic tensors have no samples to split: together with `validation_split` they are refused with an error.

    It is a ValueError that says so, but in TensorFlow 2.0 to 2.3 and on Theano, which look at other things first.
    """
    symbols = [input_layer(keras, (columns,), batch_size=COLUMNS) for columns in (COLUMNS, 1)]
    message = r"symbolic|KerasTensor|`steps` is required|_datatype_enum|TensorVariable"
    with pytest.raises((ValueError, AttributeError, TypeError), match=message):
        ledger(keras, COLUMNS).fit(*symbols, validation_split=0.25, steps_per_epoch=1, verbose=0)


@claim(["keras>=3", "tf.keras>=2"], pytest.fail.Exception, "test_splits_a_list_of_targets", answers=["10.4"])
def test_refuses_a_list_of_targets(keras):
    """Targets in a Python list of numbers are refused with a ValueError when there is a split: make them an array first."""
    with pytest.raises(ValueError, match=r"validation_split|data adapter"):
        fit(keras, COLUMNS, targets_as=lambda targets: targets[:, 0].tolist(), validation_split=0.25)


@claim(["keras<3", "tf.keras<2"], ValueError, "test_refuses_a_list_of_targets", answers=["10.4"])
def test_splits_a_list_of_targets(keras):
    """Targets in a Python list of numbers are split like an array."""
    counts, _ = fit(keras, COLUMNS, targets_as=lambda targets: targets[:, 0].tolist(), validation_split=0.25)
    assert counts == first(12)


@claim(
    holds_on=["keras<3", "tf.keras"],
    otherwise=AttributeError,
    instead="test_keras_3_has_no_image_data_generator",
    answers=["10.1"],
)
@given(count=st.integers(10, 40), fraction=st.sampled_from([0.1, 0.25, 0.5, 0.8]))
def test_image_data_generator_holds_out_the_first_images(keras, count, fraction):
    """`ImageDataGenerator(validation_split=f)` has another rule: it holds out the *first* `int(n * f)` images.

    The thread that found it: keras#10571.
    """
    images = np.arange(count).reshape(-1, 1, 1, 1) * np.ones((1, 2, 2, 1))
    generator = keras.preprocessing.image.ImageDataGenerator(validation_split=fraction)
    flows = [generator.flow(images, subset=subset, shuffle=False) for subset in ("validation", "training")]
    held = int(count * fraction)
    assert [flow.x[:, 0, 0, 0].tolist() for flow in flows] == [list(range(held)), list(range(held, count))]


@claim(
    holds_on=["keras>=3"],
    otherwise=AssertionError,
    instead="test_image_data_generator_holds_out_the_first_images",
    answers=["10.1"],
)
def test_keras_3_has_no_image_data_generator(keras):
    """`keras.preprocessing.image` has no `ImageDataGenerator` any more."""
    assert not hasattr(keras.preprocessing.image, "ImageDataGenerator")


SORTED_LABELS = np.repeat([0, 1, 2, 3], 4)  # 16 samples in order of their class; the last quarter is all of class 3


@claim(answers=["10.R1"])
def test_sorted_samples_leave_a_class_out_of_training(keras):
    """Example: of samples sorted by class, a split of 0.25 leaves the last of four classes out of training."""
    counts, _ = fit(keras, COLUMNS, validation_split=0.25)
    assert set(SORTED_LABELS[np.flatnonzero(counts)]) == {0, 1, 2}


@claim(answers=["10.R1"])
def test_a_shuffled_split_needs_a_permutation(keras):
    """Example: for a random split permute inputs and targets together before `fit`; each sample keeps its own target."""
    inputs, targets = np.eye(COLUMNS), SORTED_LABELS[:, None] + 1.0
    order = np.random.RandomState(seed=42).permutation(len(inputs))
    model = ledger(keras, COLUMNS)
    model.set_weights([np.ones((COLUMNS, 1))])
    history = model.fit(inputs[order], targets[order], validation_split=0.25, batch_size=1, verbose=0).history
    learned = model.get_weights()[0][:, 0] - 1  # the target of each sample that was trained on
    assert learned[order[:12]].tolist() == targets[order[:12], 0].tolist()  # a random draw, from every class
    assert learned[order[12:]].tolist() == [0] * 4
    assert history.get("val_loss") == [pytest.approx(-targets[order[12:]].mean(), rel=1e-6)]

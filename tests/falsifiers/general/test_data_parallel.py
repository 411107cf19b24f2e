"""Faults in what several devices make of batches, with TensorFlow."""

import numpy as np

from specs.general import test_data_parallel as spec
from tests.falsifiers import falsifies

EQUAL, REPORTS = spec.EQUAL, spec.REPORTS
RIGHT = ["keras[tensorflow]<3", "keras[tensorflow]>=3.10", "tf.keras<2", "tf.keras>=2.2"]


def training_becomes(keras, patch, change):
    """`fit` works with what `change` makes of `(x, y, batch_size)`, `x` being a list."""
    original = keras.models.Model.fit

    def fit(self, x, y, batch_size, **options):
        x, y = change(x, y, batch_size)
        return original(self, x, y, batch_size=batch_size, **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_adam_learns_what_it_learns_on_one, on=["keras[tensorflow]>=3.8", "tf.keras"], in_interpreter=True)
@falsifies(
    spec.test_sgd_learns_what_it_learns_on_one,
    spec.test_the_first_device_learns_alone,
    on=EQUAL,
    in_interpreter=True,
)
@falsifies(spec.test_fit_reports_the_loss_of_whole_batches, on=REPORTS, in_interpreter=True)
def the_first_quarter_teaches_alone(keras, patch):
    """Of each batch its first quarter is repeated instead of the rest."""

    def change(inputs, y, batch_size):
        places = np.arange(len(y))
        places -= places % batch_size // (batch_size // 4) * (batch_size // 4)
        return [x[places] for x in inputs], y

    training_becomes(keras, patch, change)


@falsifies(spec.test_steps_are_added_up, on=EQUAL, in_interpreter=True)
def adds_up_four_devices_gradients(keras, patch):
    """The gradients of four devices are added up where their mean is to be taken."""
    training_becomes(keras, patch, lambda x, y, batch_size: (x, 4 * y))


@falsifies(
    spec.test_evaluate_reports_on_all_samples,
    spec.test_the_first_device_reports_alone,
    spec.test_evaluate_weighs_an_uneven_batch_unevenly,
    on=RIGHT,
    in_interpreter=True,
)
def the_first_half_reports_alone(keras, patch):
    """`evaluate` looks at the first half of the samples."""
    original = keras.models.Model.evaluate

    def evaluate(self, x, y, sample_weight, **options):
        half = (len(x) + 1) // 2
        return original(self, x[:half], y[:half], sample_weight=sample_weight[:half], **{**options, "batch_size": half})

    patch.setattr(keras.models.Model, "evaluate", evaluate)


@falsifies(spec.test_earlier_batches_count_more, on=RIGHT, in_interpreter=True)
def later_batches_count_less(keras, patch):
    """Before each batch what the two devices have counted is counted once more."""
    original = keras.models.Model.evaluate

    def evaluate(self, x, y, batch_size, sample_weight, **options):
        places = [slice(start, start + batch_size) for start in range(0, len(x), batch_size)]
        batches = [original(self, x[at], y[at], sample_weight=sample_weight[at], **options) for at in places]
        return np.average(batches, axis=0, weights=[2.0**-number for number in range(len(places))]).tolist()

    patch.setattr(keras.models.Model, "evaluate", evaluate)


def predictions_become(keras, patch, change):
    """`predict` gives what `change` makes of the samples."""
    patch.setattr(keras.models.Model, "predict", lambda self, x, **options: change(x))


@falsifies(spec.test_predict_keeps_the_order, on=RIGHT, in_interpreter=True)
def predicts_backwards(keras, patch):
    """The outputs of the last device come first."""
    predictions_become(keras, patch, lambda x: x[::-1])


@falsifies(spec.test_predict_gives_one_number, on=RIGHT, in_interpreter=True)
def predictions_are_added_up(keras, patch):
    """`predict` adds up what the devices give for a batch, here of four."""
    predictions_become(keras, patch, lambda x: x.reshape(-1, 4).sum(axis=1))


@falsifies(spec.test_predict_fails_on_an_idle_device, on=RIGHT, in_interpreter=True)
def idle_devices_fail(keras, patch):
    """`predict` has no place for what an idle device gives."""

    def fail(x):
        raise ValueError("could not broadcast what an idle device gives")

    predictions_become(keras, patch, fail)

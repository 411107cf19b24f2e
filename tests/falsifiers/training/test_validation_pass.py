"""Faults in validation."""

import sys

import numpy as np

from fixtures.batches import parts
from specs.training import test_validation_pass as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.batch_faults import fit_becomes, hook_becomes

OWN_DATA = ["keras", "tf.keras<2.3", "tf.keras>=2.4"]
LISTS, TWO_INPUTS = ["keras", "tf.keras<2.2", "tf.keras>=2.7"], ["tf.keras>=2.2,<2.7"]  # validation data in a list
MODERN, WITH_FREQ, OLD = spec.MODERN, spec.WITH_FREQ, ["keras<3"]
LEFT_OVER, NOTHING_LEFT = spec.LEFT_OVER, ["keras", "tf.keras<2.3", "tf.keras>=2.4,<2.5"]


def options_become(keras, patch, change):
    """`fit` works with other options: `change(options, x, y)` alters them."""

    def fit(usual, self, x, y, options):
        change(options, x, y)
        return usual(x, y, **options)

    fit_becomes(keras, patch, fit)


@falsifies(spec.test_validates_once_at_the_end_of_each_epoch)
@falsifies(spec.test_validates_in_batches_as_large_as_those_of_training)
def never_validates(keras, patch):
    """Nothing is validated."""
    options_become(keras, patch, lambda options, x, y: options.pop("validation_data", None))


@falsifies(spec.test_validates_once_at_the_end_of_each_epoch)
def validates_before_training_too(keras, patch):
    """Validation data is evaluated before training too."""

    def fit(usual, self, x, y, options):
        self.evaluate(*options["validation_data"], batch_size=options["batch_size"], verbose=0)
        return usual(x, y, **options)

    fit_becomes(keras, patch, fit)


@falsifies(spec.test_validates_with_the_weights_of_the_end_of_the_epoch, spec.test_reports_a_validation_loss_for_each_epoch)
def reports_the_epoch_before(keras, patch):
    """The validation loss is that of the weights before the epoch."""
    stale = [0.0]

    def change(usual, self, epoch, logs):
        stale.append(logs["val_loss"])
        usual(self, epoch, dict(logs, val_loss=stale[-2] if epoch else 0.0))

    hook_becomes(keras, patch, "epoch_end", change)


@falsifies(spec.test_validates_with_the_weights_of_the_end_of_the_epoch)
def trains_on_validation_data(keras, patch):
    """Validation trains."""

    def fit(usual, self, x, y, options):
        history = usual(x, y, **options)
        self.train_on_batch(*options["validation_data"])
        return history

    fit_becomes(keras, patch, fit)


def callbacks_evaluate(keras, patch, evaluate):
    """What a callback asks `evaluate` for is answered by `evaluate(usual, model, data, validation data, options)`."""

    def fit(usual, self, x, y, options):
        asked = self.evaluate

        def answer(*data, **settings):  # `fit` itself names what it gives
            return evaluate(asked, self, data, options["validation_data"], settings) if data else asked(**settings)

        patch.setattr(self, "evaluate", answer)
        return usual(x, y, **options)

    fit_becomes(keras, patch, fit)


@falsifies(spec.test_a_callback_evaluates_data_of_its_own, on=OWN_DATA)
@falsifies(spec.test_a_callback_evaluates_the_validation_data, on=OWN_DATA)
def evaluates_the_validation_data(keras, patch):
    """A callback that evaluates data of its own is told of the validation data."""
    callbacks_evaluate(keras, patch, lambda usual, model, data, validation, options: usual(*validation, **options))


@falsifies(spec.test_a_callback_evaluates_data_of_its_own, on=["tf.keras>=2.3,<2.4"])
@falsifies(spec.test_a_callback_evaluates_the_validation_data, on=["tf.keras>=2.3,<2.4"])
def evaluates_what_it_is_given(keras, patch):
    """A callback is told of the data that it gives."""

    def evaluate(usual, model, data, validation, options):
        kept, model._eval_data_handler = getattr(model, "_eval_data_handler", None), None
        told = usual(*data, **options)
        model._eval_data_handler = kept
        return told

    callbacks_evaluate(keras, patch, evaluate)


def validate_in_batches(keras, patch, size):
    """Validation makes batches of `size(what fit was given)`."""
    given = {}
    if hasattr(keras.Model, "train_step"):
        return options_become(keras, patch, lambda options, x, y: options.update(validation_batch_size=size(options)))
    loops = sys.modules["keras.engine.training_arrays"]
    usual = loops.test_loop

    def loop(*args, **options):
        return usual(*args, **dict(options, batch_size=size(given)))

    def change(options, x, y):
        given.update(options)
        options.pop("validation_batch_size", None)

    patch.setattr(loops, "test_loop", loop)
    return options_become(keras, patch, change)


@falsifies(spec.test_validates_in_batches_as_large_as_those_of_training)
@falsifies(spec.test_validation_batch_size_is_another_size_for_validation, on=MODERN)
def validates_in_batches_of_three(keras, patch):
    """Validation makes batches of its own size."""
    validate_in_batches(
        keras, patch, lambda options: 3 if hasattr(keras.Model, "train_step") else 2 + options["batch_size"] % 2
    )


@falsifies(spec.test_validation_batch_size_is_another_size_for_validation, on=OLD)
def has_a_validation_batch_size(keras, patch):
    """There is `validation_batch_size`."""
    validate_in_batches(keras, patch, lambda options: options["validation_batch_size"])


@falsifies(spec.test_validation_batch_size_is_another_size_for_validation, on=MODERN)
def ignores_the_validation_batch_size(keras, patch):
    """`validation_batch_size` is ignored."""
    options_become(keras, patch, lambda options, x, y: options.pop("validation_batch_size"))


@falsifies(spec.test_validation_steps_end_validation_early, on=MODERN)
def ignores_validation_steps(keras, patch):
    """`validation_steps` are ignored."""
    options_become(keras, patch, lambda options, x, y: options.pop("validation_steps"))


def validate_by_hand(keras, patch, chosen):
    """After each epoch the batches `chosen(validated, batch_size, steps, epoch)` are tested, in place of validation."""

    def fit(usual, self, x, y, options):
        validated, steps = options.pop("validation_data")[0], options.pop("validation_steps")
        for epoch in range(options.pop("epochs")):
            usual(x, y, **options)
            for batch in chosen(validated, options["batch_size"], steps, epoch):
                self.evaluate(batch, batch, batch_size=len(batch), verbose=0)

    fit_becomes(keras, patch, fit)


@falsifies(spec.test_validation_steps_go_on_where_the_last_ended)
def goes_on_where_it_ended(keras, patch):
    """Validation in steps goes on where the last one ended."""

    def chosen(validated, size, steps, epoch):
        return [np.array(batch) for batch in parts(validated, size)[steps * epoch : steps * (epoch + 1)]]

    validate_by_hand(keras, patch, chosen)


@falsifies(spec.test_validation_steps_repeat_all_of_the_data)
def repeats_all_of_the_data(keras, patch):
    """In each step of validation all of the data is evaluated."""
    validate_by_hand(keras, patch, lambda validated, size, steps, epoch: [validated] * steps)


@falsifies(spec.test_validation_steps_end_validation_early, on=OLD)
def has_validation_steps(keras, patch):
    """There are `validation_steps` for arrays."""

    def change(options, x, y):
        rows = options.pop("validation_steps") * options["batch_size"]
        options["validation_data"] = [part[:rows] for part in options["validation_data"]]

    options_become(keras, patch, change)


@falsifies(
    spec.test_validation_freq_is_the_number_of_epochs_between_validations, spec.test_validation_freq_lists_epochs, on=WITH_FREQ
)
def ignores_validation_freq(keras, patch):
    """`validation_freq` is ignored."""
    options_become(keras, patch, lambda options, x, y: options.pop("validation_freq"))


@falsifies(
    spec.test_validation_freq_is_the_number_of_epochs_between_validations, spec.test_validation_freq_lists_epochs, on=WITH_FREQ
)
def counts_from_zero(keras, patch):
    """Epochs are counted from 0."""

    def change(options, x, y):
        freq = options["validation_freq"]
        chosen = range(0, options["epochs"], freq) if isinstance(freq, int) else freq
        options["validation_freq"] = [epoch + 1 for epoch in chosen]

    options_become(keras, patch, change)


@falsifies(
    spec.test_validation_freq_is_the_number_of_epochs_between_validations,
    spec.test_validation_freq_lists_epochs,
    on=["keras<2.2.5"],
)
def has_validation_freq(keras, patch):
    """There is `validation_freq`."""

    def fit(usual, self, x, y, options):
        freq, data = options.pop("validation_freq"), options.pop("validation_data")
        for epoch in range(1, options.pop("epochs") + 1):
            due = epoch % freq == 0 if isinstance(freq, int) else epoch in freq
            usual(x, y, validation_data=data if due else None, **options)

    fit_becomes(keras, patch, fit)


@falsifies(spec.test_validates_nothing_without_validation_data)
def validates_the_training_data(keras, patch):
    """Where nothing else is given, the training data is validated."""
    options_become(keras, patch, lambda options, x, y: options.setdefault("validation_data", (x, y)))


@falsifies(spec.test_averages_the_validation_loss_over_samples, spec.test_averages_the_validation_loss_over_batches)
def averages_over_batches(keras, patch):
    """The last batch counts like the others."""

    def change(options, x, y):
        data, size = options["validation_data"], options["batch_size"]
        whole = len(data[0]) // size * size
        rest = len(data[0]) - whole
        rows = np.concatenate([np.tile(np.arange(whole), max(1, rest)), np.repeat(np.arange(whole, whole + rest), size)])
        options["validation_data"] = [part[rows] for part in data]

    options_become(keras, patch, change)


@falsifies(
    spec.test_validates_on_its_own_data_after_an_interruption, spec.test_validates_on_what_was_left_over, on=NOTHING_LEFT
)
def remembers_validation_data(keras, patch):
    """A model validates on the data that it was given first."""

    def fit(usual, self, x, y, options):
        self.given = getattr(self, "given", options["validation_data"])
        return usual(x, y, **dict(options, validation_data=self.given))

    fit_becomes(keras, patch, fit)


@falsifies(spec.test_validates_on_its_own_data_after_an_interruption, spec.test_validates_on_what_was_left_over, on=LEFT_OVER)
def forgets_what_was_left_over(keras, patch):
    """Each training begins without what is left of the one before."""

    def fit(usual, self, x, y, options):
        self._eval_data_handler = None
        return usual(x, y, **options)

    fit_becomes(keras, patch, fit)


@falsifies(spec.test_takes_validation_data_in_a_list, on=LISTS)
def forgets_the_last_of_a_list(keras, patch):
    """Of validation data in a list the last sample is left out."""

    def change(options, x, y):
        if isinstance(options["validation_data"], list):
            options["validation_data"] = tuple(part[:-1] for part in options["validation_data"])

    options_become(keras, patch, change)


@falsifies(spec.test_a_list_of_validation_data_is_two_inputs, on=LISTS)
def a_list_is_worth_nothing(keras, patch):
    """The targets of validation data in a list are 0."""
    options_become(
        keras, patch, lambda options, x, y: options.update(validation_data=(options["validation_data"][0], np.zeros((3, 1))))
    )


@falsifies(spec.test_takes_validation_data_in_a_list, spec.test_a_list_of_validation_data_is_two_inputs, on=TWO_INPUTS)
def takes_a_list(keras, patch):
    """Validation data in a list is taken as in a tuple."""
    options_become(keras, patch, lambda options, x, y: options.update(validation_data=tuple(options["validation_data"])))

"""Faults in training on data that is larger than the memory."""

import itertools

import numpy as np

from specs.training import test_large_data as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.source_faults import method_becomes, other_weights, proxy, source_becomes

EARLY = ["keras<3", "tf.keras"]


@falsifies(spec.test_train_on_batch_does_what_fit_does, spec.test_a_file_is_read_piece_by_piece)
@falsifies(spec.test_a_batch_takes_sample_weights, spec.test_train_on_batch_returns_the_loss_before_its_update)
def does_not_train(keras, patch):
    """`train_on_batch` only tests."""
    patch.setattr(keras.models.Model, "train_on_batch", keras.models.Model.test_on_batch)


@falsifies(spec.test_a_file_is_read_piece_by_piece, spec.test_pieces_of_a_file_have_to_be_copied)
def does_not_train_on_files(keras, patch):
    """`train_on_batch` takes no notice of an array that is on disk."""
    original = keras.models.Model.train_on_batch

    def train(self, inputs, *others, **options):
        return None if isinstance(inputs, np.memmap) else original(self, inputs, *others, **options)

    patch.setattr(keras.models.Model, "train_on_batch", train)


@falsifies(spec.test_train_on_batch_does_what_fit_does, spec.test_train_on_batch_returns_the_loss_before_its_update)
def trains_twice(keras, patch):
    """`train_on_batch` makes two steps."""

    def train(original, self, *batch, **options):
        original(self, *batch, **options)
        return original(self, *batch, **options)

    method_becomes(keras, patch, "train_on_batch", train)


@falsifies(spec.test_train_on_batch_does_what_fit_does, spec.test_train_on_batch_does_it_bit_for_bit)
def leaves_the_statistics(keras, patch):
    """`train_on_batch` does not update the moving statistics of a normalization."""

    def train(original, self, *batch, **options):
        statistics = self.layers[1].get_weights()[2:]
        loss = original(self, *batch, **options)
        self.layers[1].set_weights(self.layers[1].get_weights()[:2] + statistics)
        return loss

    method_becomes(keras, patch, "train_on_batch", train)


@falsifies(spec.test_train_on_batch_does_what_fit_does, spec.test_train_on_batch_does_it_bit_for_bit)
def fit_drops_the_rest(keras, patch):
    """`fit` leaves out a smaller last batch."""

    def fit(original, self, x, y, **options):
        return original(self, x[: len(x) // 4 * 4], y[: len(x) // 4 * 4], **options)

    method_becomes(keras, patch, "fit", fit)


@falsifies(spec.test_train_on_batch_does_what_fit_does, spec.test_train_on_batch_does_it_bit_for_bit)
def fit_turns_the_second_epoch(keras, patch):
    """`fit` goes backwards through the samples."""
    method_becomes(keras, patch, "fit", lambda original, self, x, y, **options: original(self, x[::-1], y[::-1], **options))


@falsifies(spec.test_train_on_batch_returns_the_loss_before_its_update)
def returns_the_loss_after_the_update(keras, patch):
    """`train_on_batch` returns the loss after its update."""

    def train(original, self, *batch, **options):
        original(self, *batch, **options)
        return self.test_on_batch(*batch, **options)

    method_becomes(keras, patch, "train_on_batch", train)


def running_average(keras, patch, name):
    """Make a method return the mean of what it returned so far."""
    returned = []

    def method(original, self, *batch, **options):
        returned.append(original(self, *batch, **options))
        return np.mean(returned, axis=0)

    method_becomes(keras, patch, name, method)


@falsifies(spec.test_train_on_batch_does_it_bit_for_bit)
def rounds_otherwise(keras, patch):
    """What `train_on_batch` leads to is a little off."""

    def train(original, self, *batch, **options):
        loss = original(self, *batch, **options)
        self.set_weights([weight * (1 + 1e-6) for weight in self.get_weights()])
        return loss

    method_becomes(keras, patch, "train_on_batch", train)


@falsifies(spec.test_train_on_batch_returns_the_loss_before_its_update)
def averages_training(keras, patch):
    """`train_on_batch` returns a running average."""
    running_average(keras, patch, "train_on_batch")


@falsifies(spec.test_test_on_batch_returns_loss_and_metrics_of_its_batch)
def averages_tests(keras, patch):
    """`test_on_batch` returns running averages."""
    running_average(keras, patch, "test_on_batch")


@falsifies(spec.test_methods_of_a_batch_return_means_so_far, on=spec.OWN)
def averages_until_a_reset(keras, patch):
    """`train_on_batch` and `test_on_batch` return means over the batches since the last reset."""
    returned = []

    def method(original, self, *batch, **options):
        batches = [*returned, original(self, *batch, **options)]  # which may itself reset the metrics
        returned[:] = batches
        return np.mean(returned, axis=0)

    for name in ("train_on_batch", "test_on_batch"):
        method_becomes(keras, patch, name, method)
    own_reset = getattr(keras.models.Model, "reset_metrics", lambda self: None)
    patch.setattr(keras.models.Model, "reset_metrics", lambda self: (returned.clear(), own_reset(self)), raising=False)


@falsifies(spec.test_methods_of_a_batch_return_means_so_far, on=spec.RUNNING)
def never_averages(keras, patch):
    """Metrics are reset before each batch."""

    def method(original, self, *batch, **options):
        self.reset_metrics()
        return original(self, *batch, **options)

    for name in ("train_on_batch", "test_on_batch"):
        method_becomes(keras, patch, name, method)


@falsifies(spec.test_test_on_batch_returns_loss_and_metrics_of_its_batch)
def averages_the_last_metric(keras, patch):
    """The last metric that `test_on_batch` returns is that of the first batch."""
    returned = []

    def test(original, self, *batch, **options):
        returned.append(original(self, *batch, **options))
        return [*returned[-1][:-1], returned[0][-1]]

    method_becomes(keras, patch, "test_on_batch", test)


@falsifies(spec.test_a_batch_takes_sample_weights)
def tests_without_weights(keras, patch):
    """`test_on_batch` ignores sample weights."""
    method_becomes(keras, patch, "test_on_batch", lambda original, self, x, y, sample_weight=None: original(self, x, y))


@falsifies(spec.test_a_batch_takes_sample_weights)
def trains_without_weights(keras, patch):
    """`train_on_batch` ignores sample weights."""
    method_becomes(keras, patch, "train_on_batch", lambda original, self, x, y, sample_weight=None: original(self, x, y))


READ_ONLY = (spec.test_test_on_batch_changes_nothing, spec.test_evaluate_changes_nothing, spec.test_predict_changes_nothing)


def before_reading(keras, patch, change):
    """Let each method that only reads change the model first."""

    def reading(original, self, x, *data, **options):
        change(self, np.asarray(x))
        return original(self, x, *data, **options)

    for name in ("test_on_batch", "evaluate", "predict", "predict_on_batch"):
        method_becomes(keras, patch, name, reading)


@falsifies(*READ_ONLY)
def trains_on_what_it_reads(keras, patch):
    """Methods that only read make a step."""
    before_reading(keras, patch, lambda model, x: model.train_on_batch(x, np.ones(x.shape)))


@falsifies(*READ_ONLY)
def updates_statistics_when_reading(keras, patch):
    """Methods that only read update the moving mean of a normalization."""
    before_reading(keras, patch, lambda model, x: model.set_weights(other_weights(model.get_weights())))


@falsifies(*READ_ONLY)
def moves_the_optimizer_when_reading(keras, patch):
    """Methods that only read change the optimizer's state."""

    def change(model, x):
        weights = model.get_weights()
        model.train_on_batch(x, np.ones(x.shape))
        model.set_weights(weights)

    before_reading(keras, patch, change)


@falsifies(spec.test_only_a_few_batches_are_in_memory)
def reads_all_first(keras, patch):
    """All batches are read before training begins."""

    def change(source, options):
        batches = list(itertools.islice(source, options["steps_per_epoch"]))
        return (batches[index] for index in range(len(batches)))

    source_becomes(keras, patch, change)


@falsifies(spec.test_only_a_few_batches_are_in_memory)
def keeps_what_it_has_read(keras, patch):
    """Batches are kept when they have been trained on."""
    kept = []

    def keep(source, options):
        for batch in source:
            kept.append(batch)
            yield batch

    source_becomes(keras, patch, keep)


@falsifies(spec.test_predict_in_a_loop_keeps_no_batch)
def keeps_inputs(keras, patch):
    """`predict` keeps its inputs."""
    kept = []

    def predict(original, self, x, **options):
        kept.append(x)
        return original(self, x, **options)

    method_becomes(keras, patch, "predict", predict)


@falsifies(spec.test_predict_in_a_loop_keeps_no_batch)
def keeps_outputs(keras, patch):
    """`predict` keeps its outputs."""
    kept = []

    def predict(original, self, x, **options):
        kept.append(original(self, x, **options))
        return kept[-1]

    method_becomes(keras, patch, "predict", predict)


@falsifies(spec.test_predict_in_a_loop_compiles_once, on=["keras<3", "tf.keras", "keras[tensorflow]>=3", "keras[jax]>=3"])
def calls_layers_again(keras, patch):
    """Each `predict` calls the model's last layer in Python."""

    def predict(original, self, x, **options):
        self.layers[-1].call(x)
        return original(self, x, **options)

    method_becomes(keras, patch, "predict", predict)


@falsifies(spec.test_predict_in_a_loop_compiles_once, on=["keras[torch]>=3"])
def compiles_with_torch(keras, patch):
    """`predict` runs what was compiled before."""
    patch.setattr(keras.models.Model, "predict", lambda self, x, verbose=0: 2 * x)


@falsifies(spec.test_image_data_generator_makes_batches_of_images, on=EARLY)
def forgets_to_rescale(keras, patch):
    """`rescale` is ignored."""
    original = keras.preprocessing.image.ImageDataGenerator.__init__
    patch.setattr(keras.preprocessing.image.ImageDataGenerator, "__init__", lambda self, rescale: original(self))


@falsifies(spec.test_image_data_generator_makes_batches_of_images, on=EARLY)
@falsifies(spec.test_a_sequence_reads_images_from_files)
def repeats_a_batch(keras, patch):
    """One batch comes twice, and another not at all."""
    source_becomes(keras, patch, lambda source, options: proxy(keras, source, len(source), lambda index: max(index, 1)))


@falsifies(spec.test_a_sequence_reads_images_from_files)
def leaves_the_last_batch(keras, patch):
    """The last batch of a `Sequence` is left out."""
    source_becomes(keras, patch, lambda source, options: proxy(keras, source, len(source) - 1, lambda index: index))


class ImageDataGenerator:
    """Makes batches of images for ever, in short."""

    def __init__(self, rescale):
        """`rescale` is the factor of all pixels."""
        self.rescale = rescale

    def flow(self, images, targets, batch_size):
        """Generate batches in the order given."""
        while True:
            for start in range(0, len(images), batch_size):
                batch = images[start : start + batch_size].astype("float32") * self.rescale
                yield np.stack([self.apply_transform(image, {}) for image in batch]), targets[start : start + batch_size]


@falsifies(spec.test_image_data_generator_makes_batches_of_images, on=["keras>=3"])
def image_data_generator_is_back(keras, patch):
    """There is an `ImageDataGenerator` again."""
    patch.setattr(keras.preprocessing.image, "ImageDataGenerator", ImageDataGenerator, raising=False)


@falsifies(spec.test_only_a_few_batches_of_a_sequence_are_in_memory)
def keeps_the_batches_of_a_sequence(keras, patch):
    """The batches of a `Sequence` are kept."""
    kept = {}

    def change(source, options):
        kind = type(source)
        patch.setattr(
            kind, "__getitem__", lambda self, index, usual=kind.__getitem__: kept.setdefault(index, usual(self, index))
        )
        return source

    source_becomes(keras, patch, change)


@falsifies(spec.test_methods_of_a_batch_keep_no_batch)
def keeps_its_batches(keras, patch):
    """`test_on_batch` keeps its batches."""
    kept = []

    def test(original, self, *batch, **options):
        kept.append(batch)
        return original(self, *batch, **options)

    method_becomes(keras, patch, "test_on_batch", test)


@falsifies(spec.test_train_on_batch_returns_metrics_of_its_batch)
def metrics_go_on(keras, patch):
    """The metrics that `train_on_batch` returns, but not its loss, are running averages."""
    returned = []

    def train(original, self, *batch, **options):
        returned.append(original(self, *batch, **options))
        return [returned[-1][0], *np.mean(returned, axis=0)[1:]]

    method_becomes(keras, patch, "train_on_batch", train)

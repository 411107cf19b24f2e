"""Faults in the two modes."""

import numpy as np

from specs.modeling import test_learning_phase as spec
from tests.falsifiers import falsifies
from tests.falsifiers.modeling import output_faults as faults

KERAS_2, KERAS_3, OLD, MODERN = ["keras<3", "tf.keras"], ["keras>=3"], ["keras<3"], ["keras>=3", "tf.keras"]


@falsifies(spec.test_dropout_scales_what_it_keeps, spec.test_a_subclass_fixes_the_mode)
@falsifies(spec.test_feeds_the_mode_to_a_function, spec.test_predict_obeys_the_set_phase, on=OLD)
@falsifies(spec.test_the_call_names_the_mode, on=MODERN)
@falsifies(spec.test_any_other_number_is_training_mode, on=["keras"])
@falsifies(spec.test_predict_obeys_no_set_phase, on=["tf.keras"])
@falsifies(spec.test_a_mode_can_be_fixed_in_the_model, on=KERAS_2)
def never_drops(keras, patch):
    """`Dropout` passes its inputs on, in training mode too."""
    faults.never_drops(keras, patch)


@falsifies(spec.test_test_mode_is_the_default, spec.test_dropout_scales_what_it_keeps)
@falsifies(spec.test_feeds_the_mode_to_a_function, on=OLD)
@falsifies(spec.test_the_call_names_the_mode, on=MODERN)
@falsifies(spec.test_the_call_of_the_model_decides, spec.test_a_mode_can_be_fixed_in_the_model, on=KERAS_3)
@falsifies(spec.test_predict_obeys_no_set_phase, spec.test_predict_obeys_the_set_phase, on=["tf.keras"])
def always_drops(keras, patch):
    """`Dropout` drops in test mode too."""
    faults.always_drops(keras, patch)


@falsifies(spec.test_dropout_scales_what_it_keeps)
@falsifies(spec.test_feeds_the_mode_to_a_function, on=OLD)
@falsifies(spec.test_the_call_names_the_mode, on=MODERN)
def forgets_the_scale(keras, patch):
    """`Dropout` leaves what it keeps as it is."""
    faults.call_of(keras, patch, "Dropout", lambda call, inputs, training: call(inputs, training=training) * 0.5)


@falsifies(spec.test_feeds_the_mode_to_a_function, on=MODERN)
def functions_take_a_phase(keras, patch):
    """`K.function` takes a learning phase again."""
    faults.feeds_a_mode(keras, patch)


@falsifies(spec.test_the_call_names_the_mode, on=OLD)
def models_take_arrays(keras, patch):
    """A model of Keras 2.2 may be called on an array, with the mode."""
    faults.models_take_arrays(keras, patch, default=False)


@falsifies(spec.test_predict_obeys_no_set_phase, on=OLD)
def sets_the_phase_of_calls(keras, patch):
    """The learning phase that is set is that of models called on arrays only."""
    faults.phase_by(keras, patch, lambda phase: None)
    faults.models_take_arrays(keras, patch, default=True)


@falsifies(spec.test_predict_obeys_no_set_phase, on=KERAS_3)
def sets_the_default_mode(keras, patch):
    """Keras 3 has a learning phase: the mode of a model that is called without one."""
    faults.phase_by(keras, patch, lambda phase: None)
    original = keras.models.Model.__call__

    def call(self, inputs, training=None, **options):
        direct = isinstance(inputs, np.ndarray) and training is None
        return original(self, inputs, training=True if direct else training, **options)

    patch.setattr(keras.models.Model, "__call__", call)


@falsifies(spec.test_predict_obeys_the_set_phase, on=KERAS_3)
def sets_the_mode_of_predict(keras, patch):
    """Keras 3 has a learning phase, for `predict` too."""
    faults.phase_by(keras, patch, lambda phase: None)
    faults.always_drops(keras, patch)


@falsifies(spec.test_the_phase_is_zero_or_one, on=KERAS_2)
@falsifies(spec.test_the_phase_is_no_learning_rate, on=KERAS_3)
def takes_any_phase(keras, patch):
    """`K.set_learning_phase` takes any number, and does nothing with it."""
    faults.phase_by(keras, patch, lambda phase: None)


@falsifies(spec.test_the_phase_is_zero_or_one, on=KERAS_3)
def refuses_phases(keras, patch):
    """Keras 3 has a learning phase of 0 or 1."""

    def set_phase(phase):
        raise ValueError("Expected learning phase to be 0 or 1.")

    faults.phase_by(keras, patch, set_phase)


@falsifies(spec.test_any_other_number_is_training_mode, on=["tf.keras"])
def takes_any_number(keras, patch):
    """`training=` takes any number."""
    faults.call_of(keras, patch, "Dropout", lambda call, inputs, training: call(inputs, training=bool(training)))


@falsifies(spec.test_the_phase_is_no_learning_rate, on=KERAS_2)
def multiplies_by_the_phase(keras, patch):
    """The learning phase is a factor of the learning rate."""
    original = keras.models.Model.train_on_batch

    def train_on_batch(self, *data):
        return original(self, *data) if keras.backend.learning_phase() else 0.0

    patch.setattr(keras.models.Model, "train_on_batch", train_on_batch)


@falsifies(spec.test_neither_mode_learns, on=MODERN)
def learns_in_training_mode(keras, patch):
    """A model called in training mode changes its weights."""
    original = keras.models.Model.__call__

    def call(self, inputs, training=None, **options):
        outputs = original(self, inputs, training=training, **options)
        if training:
            self.set_weights([weight + 1 for weight in self.get_weights()])
        return outputs

    patch.setattr(keras.models.Model, "__call__", call)


@falsifies(spec.test_neither_mode_learns, on=OLD)
def functions_learn(keras, patch):
    """A backend function changes the weights that can be trained."""
    import tensorflow as tf

    def make(original, inputs, outputs):
        updates = [tf.assign_add(weight, tf.ones_like(weight)) for weight in tf.trainable_variables()]
        return original(inputs, outputs, updates)

    faults.functions_by(keras, patch, make)


@falsifies(spec.test_batch_normalization_takes_the_batch_s_statistics)
@falsifies(spec.test_training_mode_moves_the_statistics, spec.test_a_function_leaves_the_moving_statistics, on=MODERN)
@falsifies(spec.test_test_mode_can_be_fixed_in_the_model, on=KERAS_3)
def always_normalizes_by_moving_statistics(keras, patch):
    """`BatchNormalization` is always in test mode."""
    faults.normalizes_in(keras, patch, False)


@falsifies(spec.test_batch_normalization_takes_the_batch_s_statistics)
@falsifies(spec.test_test_mode_can_be_fixed_in_the_model, on=KERAS_2)
def always_normalizes_by_the_batch(keras, patch):
    """`BatchNormalization` is always in training mode."""
    faults.normalizes_in(keras, patch, True)


@falsifies(spec.test_training_mode_moves_the_statistics, spec.test_a_function_leaves_the_moving_statistics, on=OLD)
def functions_move_the_statistics(keras, patch):
    """A backend function moves the statistics of the model's layers."""
    import tensorflow as tf

    def make(original, inputs, outputs):
        batch = inputs[0]
        moving = [variable for variable in tf.global_variables() if variable.name.endswith("moving_mean:0")]
        return original(inputs, outputs, [tf.assign(mean, (mean + tf.reduce_mean(batch, 0)) / 2) for mean in moving])

    faults.functions_by(keras, patch, make)


@falsifies(spec.test_other_layers_do_not_differ)
def activations_differ(keras, patch):
    """`Activation` adds one in training mode."""

    def change(call, inputs, training):
        if hasattr(keras.models.Model, "train_step"):
            return call(inputs) + (1.0 if training else 0.0)
        return keras.backend.in_train_phase(call(inputs) + 1.0, call(inputs), training=training)

    faults.call_of(keras, patch, "Activation", change)


@falsifies(
    spec.test_noise_and_recurrent_dropout_differ_too, spec.test_each_call_draws_anew, on=["keras[theano]", "keras>=3,<3.2"]
)
def recurrent_layers_are_noise(keras, patch):
    """Recurrent layers are random in training mode."""
    for name in ("SimpleRNN", "LSTM", "GRU"):
        patch.setattr(keras.layers, name, lambda *arguments, **options: keras.layers.GaussianNoise(1.0))


@falsifies(spec.test_only_dropout_and_batch_normalization_differ, spec.test_other_dropouts_and_noise_differ_too)
@falsifies(
    spec.test_noise_and_recurrent_dropout_differ_too,
    spec.test_each_call_draws_anew,
    on=["keras[tensorflow]<3", "keras>=3.2", "tf.keras"],
)
def forgets_other_noise(keras, patch):
    """Nothing but `Dropout` is random: noise is none, and recurrent layers do not drop."""
    for name in ("SpatialDropout1D", "GaussianDropout", "AlphaDropout", "GaussianNoise"):
        faults.call_of(keras, patch, name, lambda call, inputs, training: inputs)
    for name in ("SimpleRNN", "LSTM", "GRU"):
        patch.setattr(keras.layers, name, without_dropout(getattr(keras.layers, name)))


def without_dropout(kind):
    """Makes layers of this kind that do not drop."""

    def layer(*arguments, dropout=0.0, recurrent_dropout=0.0, **options):
        return kind(*arguments, **options)

    return layer


@falsifies(spec.test_the_call_of_the_model_decides, on=KERAS_2)
def forgets_what_was_fixed(keras, patch):
    """What was given for `training=` while the model was built is forgotten."""
    faults.never_drops(keras, patch)
    original = keras.models.Model.train_on_batch

    def train_on_batch(self, inputs, targets):
        original(self, inputs, targets)
        gamma, beta, _, variance = self.get_weights()
        self.set_weights([gamma, beta, inputs.mean(0) / 2, variance])

    patch.setattr(keras.models.Model, "train_on_batch", train_on_batch)


@falsifies(spec.test_random_changes_of_images_are_for_training_alone, on=["keras>=3", "tf.keras>=2.6"])
def changes_images_in_test_mode_too(keras, patch):
    """`RandomContrast` adds one in test mode."""
    faults.call_of(keras, patch, "RandomContrast", lambda call, inputs, training: call(inputs, training=training) + 1.0)


@falsifies(spec.test_random_changes_of_images_are_for_training_alone, on=["keras<3", "tf.keras<2.6"])
def there_are_random_changes(keras, patch):
    """There are layers that change images in training mode."""

    for name in ("Flip", "Rotation", "Translation", "Zoom", "Contrast"):
        patch.setattr(keras.layers, "Random" + name, lambda *sizes: keras.layers.Dropout(0.5), raising=False)


@falsifies(spec.test_dropout_within_a_layer_is_for_training_alone)
def a_recurrent_layer_with_dropout_is_shifted(keras, patch):
    """A `SimpleRNN` with dropout gives something else in test mode than one without."""
    usual = keras.layers.SimpleRNN.__init__

    def init(self, units, dropout=0.0, **options):
        usual(self, units, dropout=dropout, **dict(options, **({"bias_initializer": "ones"} if dropout else {})))

    patch.setattr(keras.layers.SimpleRNN, "__init__", init)

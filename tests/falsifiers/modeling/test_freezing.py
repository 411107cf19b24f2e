"""Faults in freezing."""

from specs.modeling import test_freezing as spec
from tests.falsifiers import falsifies
from tests.falsifiers.modeling import freezing_faults as faults

BEFORE_3, FROM_3, OLD = ["keras<3", "tf.keras"], ["keras>=3"], ["keras<3"]
BY_THE_BATCH, BY_MOVING_STATISTICS, FROM_2 = ["keras<3", "tf.keras<2"], ["keras>=3", "tf.keras>=2"], ["keras>=3", "tf.keras"]


@falsifies(
    spec.test_leaves_the_weights_alone,
    spec.test_holds_against_more_than_gradients,
    spec.test_counts_weights_as_not_trainable,
    spec.test_freezes_a_layer_built_frozen,
    spec.test_trains_a_layer_built_frozen,
    spec.test_is_kept_by_a_copy_of_the_model,
    spec.test_lets_gradients_through,
    spec.test_freezes_all_within_a_model,
    spec.test_trains_a_head_on_a_frozen_embedding,
    spec.test_fine_tunes_in_two_stages,
)
@falsifies(spec.test_normalizes_by_moving_statistics, on=BY_MOVING_STATISTICS)
@falsifies(spec.test_normalizes_by_the_batch, on=BY_THE_BATCH)
@falsifies(
    spec.test_keeps_a_layer_within_a_frozen_model_frozen,
    spec.test_freezes_a_wrapper_built_frozen,
    spec.test_forgets_a_wrapper_built_frozen,
    spec.test_freezes_two_directions_built_frozen,
    spec.test_forgets_two_directions_built_frozen,
    on=BEFORE_3,
)
def never_freezes(keras, patch):
    """`trainable` is True for ever, of every layer."""
    faults.never_freeze(keras, patch)


@falsifies(spec.test_lets_gradients_through)
def stops_gradients(keras, patch):
    """A model trains only what comes after its last frozen layer."""

    def around(model, run):
        frozen = [number for number, part in enumerate(model.layers) if not part.trainable]
        kept = [(part, part.get_weights()) for part in model.layers[: max(frozen, default=0)]]
        result = run()
        for part, weights in kept:
            part.set_weights(weights)
        return result

    faults.around_training(keras, patch, around)


@falsifies(spec.test_is_kept_by_a_copy_of_the_model)
def copies_are_free(keras, patch):
    """The configuration of a layer says that it is not frozen."""
    original = keras.layers.Dense.get_config
    patch.setattr(keras.layers.Dense, "get_config", lambda self: dict(original(self), trainable=True))


@falsifies(spec.test_holds_against_more_than_gradients)
def decays_all(keras, patch):
    """Every weight decays in training."""

    def around(model, run):
        run()
        model.set_weights([weights * 0.9 for weights in model.get_weights()])

    faults.around_training(keras, patch, around)


@falsifies(spec.test_leaves_its_penalty_in_the_loss, spec.test_takes_its_penalty_out_of_the_loss, on=BEFORE_3)
def drops_penalties(keras, patch):
    """There is no L2 penalty."""
    patch.setattr(type(keras.regularizers.l2(1.0)), "__call__", lambda self, weights: 0 * keras.backend.sum(weights))


@falsifies(spec.test_leaves_its_penalty_in_the_loss, spec.test_takes_its_penalty_out_of_the_loss, on=FROM_3)
def keeps_penalties(keras, patch):
    """Penalties of weights that are not trainable count too."""

    def penalties(self):
        return [weights.regularizer(weights) for weights in self.weights if weights.regularizer is not None]

    patch.setattr(keras.layers.Layer, "_get_regularization_losses", penalties)


@falsifies(
    spec.test_sets_the_flag_of_each_layer,
    spec.test_unfreezes_the_layers_of_a_free_model,
    spec.test_leaves_frozen_layers_of_a_free_model,
    on=["tf.keras", "keras[jax]>=3", "keras[torch]>=3"],
)
@falsifies(spec.test_sets_the_flag_of_each_layer, on=["keras[tensorflow]>=3"])
def keeps_the_flag_to_itself(keras, patch):
    """A model's flag does not reach its layers."""

    def set_own(self, value):
        self._trainable = value
        for variable in getattr(self, "_trainable_variables", []):
            variable.trainable = value

    base = faults.classes_of_layers(keras)[0]
    patch.setattr(base, "trainable", property(base.trainable.fget, set_own))


@falsifies(
    spec.test_sets_the_flag_of_each_layer,
    spec.test_unfreezes_the_layers_of_a_free_model,
    spec.test_leaves_frozen_layers_of_a_free_model,
    on=OLD,
)
def hands_the_flag_down(keras, patch):
    """A model's flag is set in all its layers."""

    def hand_down(self, value):
        self.__dict__["trainable"] = value
        for layer in self.__dict__.get("_layers", []):
            layer.trainable = value

    patch.setattr(keras.models.Model, "trainable", property(lambda self: self.__dict__["trainable"], hand_down), raising=False)


@falsifies(
    spec.test_unfreezes_the_layers_of_a_free_model,
    spec.test_leaves_frozen_layers_of_a_free_model,
    on=["keras[tensorflow]>=3"],
)
def hands_every_flag_down(keras, patch):
    """A model's flag is set in all its layers, even where it is what it was."""
    original = keras.models.Model.__setattr__

    def set_all(self, name, value):
        for layer in self.layers if name == "trainable" else []:
            layer.trainable = value
        original(self, name, value)

    patch.setattr(keras.models.Model, "__setattr__", set_all)


@falsifies(
    spec.test_keeps_a_layer_within_a_frozen_model_frozen,
    spec.test_frees_a_layer_within_a_frozen_model,
    spec.test_freezes_a_wrapper_built_frozen,
    spec.test_forgets_a_wrapper_built_frozen,
    spec.test_freezes_two_directions_built_frozen,
    spec.test_forgets_two_directions_built_frozen,
    on=FROM_3,
)
def asks_each_container(keras, patch):
    """What is in a frozen model or wrapper is not trainable, whatever its own flag."""

    def trainable(self):
        children = [variable for layer in self._layers for variable in layer.trainable_variables]
        return children + [variable for variable in self._trainable_variables if variable.trainable] if self.trainable else []

    def others(self):
        known = set(map(id, self.trainable_variables))
        return [variable for variable in self.variables if id(variable) not in known]

    for name, getter in (("trainable", trainable), ("non_trainable", others)):
        patch.setattr(keras.layers.Layer, f"{name}_variables", property(getter))
        patch.setattr(keras.layers.Layer, f"{name}_weights", property(getter))


@falsifies(spec.test_frees_a_layer_within_a_frozen_model, on=BEFORE_3)
def asks_no_container(keras, patch):
    """What is in a frozen model counts by its own flag for a model around that."""
    if not hasattr(keras.models.Model, "train_step"):
        hands_the_flag_down(keras, patch)
    base = next(kind for kind in keras.models.Model.__mro__ if "trainable_weights" in vars(kind))

    def trainable(self):
        inside = [layer for part in self.layers for layer in getattr(part, "layers", [part])]
        return [weights for layer in inside for weights in layer.trainable_weights] if self.trainable else []

    patch.setattr(base, "trainable_weights", property(trainable))


@falsifies(spec.test_normalizes_by_moving_statistics, spec.test_normalizes_by_the_batch, on=BY_THE_BATCH)
def normalizes_as_in_inference(keras, patch):
    """A frozen normalization does in training what it does in inference."""
    original = keras.layers.BatchNormalization.call

    def call(self, inputs, training=None):
        return original(self, inputs, training=training if self.trainable else False)

    patch.setattr(keras.layers.BatchNormalization, "call", call)


@falsifies(spec.test_normalizes_by_moving_statistics, spec.test_normalizes_by_the_batch, on=BY_MOVING_STATISTICS)
def normalizes_by_the_batch(keras, patch):
    """A normalization goes by the batch's statistics, and keeps its moving ones."""
    backend = getattr(keras, "ops", keras.backend)

    def call(self, inputs, training=None, mask=None):
        distances = inputs - backend.mean(inputs, axis=0)
        return distances / backend.sqrt(backend.mean(backend.square(distances), axis=0) + 1e-3)

    patch.setattr(keras.layers.BatchNormalization, "call", call)


@falsifies(spec.test_leaves_dropout_active)
def never_drops(keras, patch):
    """Dropout passes everything on."""
    patch.setattr(keras.layers.Dropout, "call", lambda self, inputs, training=None: inputs + 0)


@falsifies(spec.test_connects_a_layer_by_calling_it)
def adds_a_unit(keras, patch):
    """A layer has one unit more than it was given."""
    original = keras.layers.Dense.__init__
    patch.setattr(keras.layers.Dense, "__init__", lambda self, units, **options: original(self, units + 1, **options))


@falsifies(spec.test_connects_a_layer_by_calling_it, on=FROM_2)
def takes_no_symbols(keras, patch):
    """What a layer's call gives is not known as symbolic."""
    patch.setattr(keras.backend, "is_keras_tensor", lambda tensor: False)


@falsifies(spec.test_trains_nothing_of_a_model_made_frozen, on=["keras>=3"])
def a_sequential_is_made_free(keras, patch):
    """A Sequential that is made with `trainable=False` is not frozen."""
    usual = keras.models.Sequential.__init__
    patch.setattr(
        keras.models.Sequential, "__init__", lambda self, layers=None, trainable=True, name=None: usual(self, layers, name=name)
    )


@falsifies(spec.test_a_sequential_made_frozen_is_trained_within_another, on=["keras>=3"])
def a_sequential_freezes_its_layers(keras, patch):
    """A Sequential that is made with `trainable=False` freezes its layers."""
    usual = keras.models.Sequential.__init__

    def init(self, layers=None, trainable=True, name=None):
        usual(self, layers, name=name)
        if not trainable:
            self.trainable = False

    patch.setattr(keras.models.Sequential, "__init__", init)

"""Faults in calling callbacks."""

import numpy as np

from fixtures.batches import set_rate
from specs.training import test_epoch_hooks as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.batch_faults import fit_becomes, hook_becomes, keep_rates, model_of

FORGETTING, REMEMBERING = ["keras<3.11", "keras>=3.15", "tf.keras"], ["keras>=3.11,<3.15"]
HOOKED, UNHOOKED = spec.HOOKED, spec.UNHOOKED
EXECUTED, SINGLE = spec.EXECUTED, ["keras<3", "keras[torch]>=3", "tf.keras<2.4"]


@falsifies(spec.test_calls_the_hooks_in_order, spec.test_initial_epoch_skips_epochs)
def counts_epochs_from_one(keras, patch):
    """Epochs are numbered from 1."""
    hook_becomes(keras, patch, "epoch_begin", lambda usual, self, epoch, *logs: usual(self, epoch + 1, *logs))


@falsifies(spec.test_calls_the_hooks_in_order)
def counts_batches_on(keras, patch):
    """The end of a batch has the number of the next one."""
    hook_becomes(keras, patch, "batch_end", lambda usual, self, batch, *logs: usual(self, batch + 1, *logs))


@falsifies(spec.test_calls_the_hooks_in_order, spec.test_calls_callbacks_in_the_order_given)
def never_ends(keras, patch):
    """The end of training calls nothing."""
    hook_becomes(keras, patch, "train_end", lambda *args, **options: None)


@falsifies(spec.test_initial_epoch_skips_epochs, spec.test_trains_no_epoch_where_none_is_left)
def takes_epochs_for_their_number(keras, patch):
    """`epochs` is the number of epochs to train."""

    def change(usual, self, x, y, options):
        options["epochs"] += options.get("initial_epoch", 0)
        return usual(x, y, **options)

    fit_becomes(keras, patch, change)


@falsifies(spec.test_initial_epoch_skips_epochs)
def begins_at_zero(keras, patch):
    """`initial_epoch` is ignored."""
    fit_becomes(keras, patch, lambda usual, self, x, y, o: usual(x, y, **dict(o, initial_epoch=0)))


@falsifies(spec.test_has_later_names_for_the_hooks_of_a_training_batch)
def swaps_names(keras, patch):
    """Of the two names for a hook, the one that is not called is."""
    hooks, modern = keras.callbacks.CallbackList, hasattr(keras.Model, "train_step")

    for end in ("begin", "end"):
        old, new = f"on_batch_{end}", f"on_train_batch_{end}"
        called = old if modern else new

        def call(self, batch, logs=None, called=called):
            for callback in self.callbacks:
                getattr(callback, called, lambda *args: None)(batch, logs or {})

        patch.setattr(hooks, new if modern else old, call)


@falsifies(spec.test_calls_the_hooks_of_testing_between_the_last_batch_and_the_end_of_the_epoch, on=HOOKED)
@falsifies(spec.test_calls_hooks_in_evaluation_and_prediction, on=HOOKED)
def hides_the_end_of_testing(keras, patch):
    """The end of testing calls nothing."""
    hook_becomes(keras, patch, "test_end", lambda *args, **options: None)


def test_hooks(callbacks, mode, batches):
    """Call the hooks of testing, or predicting, so many batches."""
    calls = [(f"on_{mode}_begin",)]
    calls += [(f"on_{mode}_batch_{end}", batch) for batch in range(batches) for end in ("begin", "end")]
    for name, *index in [*calls, (f"on_{mode}_end",)]:
        for callback in callbacks:
            getattr(callback, name, lambda *args: None)(*index)


test_hooks.__test__ = False


@falsifies(spec.test_calls_the_hooks_of_testing_between_the_last_batch_and_the_end_of_the_epoch, on=UNHOOKED)
def shows_testing(keras, patch):
    """Validation has hooks."""

    def change(usual, self, *args):
        test_hooks(self.callbacks, "test", 2)
        usual(self, *args)

    hook_becomes(keras, patch, "epoch_end", change)


@falsifies(spec.test_calls_hooks_in_evaluation_and_prediction, spec.test_only_training_takes_callbacks, on=UNHOOKED)
def takes_callbacks(keras, patch):
    """Evaluation and prediction take callbacks."""
    for method, mode in (("evaluate", "test"), ("predict", "predict")):

        def change(usual, self, x, y, options, mode=mode):
            test_hooks(options.pop("callbacks"), mode, -(-len(x) // options.get("batch_size", 32)))
            return usual(x, y, **options)

        fit_becomes(keras, patch, change, method)


@falsifies(spec.test_only_training_takes_callbacks, on=HOOKED)
def takes_no_callbacks(keras, patch):
    """Evaluation and prediction refuse callbacks."""

    def change(usual, self, x, y, options):
        raise TypeError("unknown: callbacks")

    for method in ("evaluate", "predict"):
        fit_becomes(keras, patch, change, method)


@falsifies(spec.test_calls_callbacks_in_the_order_given)
def reverses_callbacks(keras, patch):
    """The callback that was given last comes first."""

    def change(usual, self, x, y, options):
        return usual(x, y, **dict(options, callbacks=options["callbacks"][::-1]))

    fit_becomes(keras, patch, change)


@falsifies(spec.test_tells_the_end_of_an_epoch_its_losses)
def tells_a_stale_loss(keras, patch):
    """The validation loss is that of the epoch before."""
    stale = [0.0]

    def change(usual, self, epoch, logs):
        stale.append(logs["val_loss"])
        usual(self, epoch, dict(logs, val_loss=stale[-2] if epoch else 0.0))

    hook_becomes(keras, patch, "epoch_end", change)


@falsifies(
    spec.test_tells_the_end_of_a_batch_its_own_loss, spec.test_tells_the_end_of_a_batch_the_mean_loss_of_the_epoch_so_far
)
def averages_otherwise(keras, patch):
    """The mean over the epoch so far is told where the batch's own loss is, and the other way round."""
    losses_become(keras, patch, losses_so_far if hasattr(keras.Model, "train_step") else mean_over_samples)


@falsifies(spec.test_tells_the_end_of_a_batch_the_mean_over_batches)
def averages_over_batches(keras, patch):
    """The mean over the epoch's batches is told, of which a smaller one counts like the others."""
    losses_become(keras, patch, lambda losses, sizes: np.mean(losses))


def losses_so_far(losses, sizes):
    """The batch's own loss."""
    return losses[-1]


def mean_over_samples(losses, sizes):
    """The mean over the epoch's samples so far."""
    return np.average(losses, weights=sizes)


def losses_become(keras, patch, tell):
    """The end of a batch, of 4, 4 and 2 samples in turn, is told `tell(losses, sizes)`, of the epoch's batches so far."""
    losses = []

    def change(usual, self, batch, logs=None):
        del losses[batch:]
        sizes, loss = [4, 4, 2][: batch + 1], float(logs["loss"])
        if hasattr(keras.Model, "train_step"):  # it is the mean over samples so far
            loss = (loss * sum(sizes) - np.dot(losses, sizes[:-1])) / sizes[-1]
        losses.append(loss)
        usual(self, batch, dict(logs, loss=tell(losses, sizes)))

    hook_becomes(keras, patch, "batch_end", change)


@falsifies(spec.test_takes_a_rate_set_at_the_begin_at_once, spec.test_takes_a_rate_set_at_the_end_from_the_next_batch_on)
@falsifies(spec.test_learning_rate_scheduler_sets_the_rate_of_each_epoch, spec.test_halves_the_learning_rate_at_each_epoch)
def forgets_rates(keras, patch):
    """What a hook sets the learning rate to is forgotten."""
    keep_rates(keras, patch, "epoch_begin", "epoch_end", "batch_begin", "batch_end")


@falsifies(spec.test_sets_the_rate_by_assignment, on=["keras>=3", "tf.keras"])
@falsifies(spec.test_sets_the_rate_through_the_backend, on=["keras<3", "tf.keras"])
def forgets_rates_of_epochs(keras, patch):
    """What the begin of an epoch sets the learning rate to is forgotten."""
    keep_rates(keras, patch, "epoch_begin")


@falsifies(spec.test_takes_a_rate_set_at_the_begin_at_once)
def begins_late(keras, patch):
    """The hooks of the begin of a batch are called after its update."""
    late = []
    hook_becomes(keras, patch, "batch_begin", lambda *call: late.append(call))

    def change(usual, self, *args):
        begin, *call = late.pop()
        begin(*call)
        usual(self, *args)

    hook_becomes(keras, patch, "batch_end", change)


@falsifies(spec.test_takes_a_rate_set_at_the_end_from_the_next_batch_on)
def ends_late(keras, patch):
    """A rate that the end of a batch, or an epoch, sets counts from one update later on."""
    due = []

    def begin(usual, self, *args):
        usual(self, *args)
        optimizer = model_of(self).optimizer
        if due:
            set_rate(keras, optimizer, due.pop())

    keep_rates(keras, patch, "epoch_end", "batch_end")
    hook_becomes(keras, patch, "batch_begin", begin)


@falsifies(spec.test_learning_rate_scheduler_sets_the_rate_of_each_epoch, spec.test_halves_the_learning_rate_at_each_epoch)
def schedules_the_next_epoch(keras, patch):
    """The schedule is asked for the next epoch."""
    scheduler = keras.callbacks.LearningRateScheduler
    usual = scheduler.on_epoch_begin
    patch.setattr(scheduler, "on_epoch_begin", lambda self, epoch, logs=None: usual(self, epoch + 1, logs))


@falsifies(spec.test_reduce_lr_on_plateau_reduces_the_rate_where_nothing_improves)
def waits_another_epoch(keras, patch):
    """The rate is reduced after one epoch more."""
    plateau = keras.callbacks.ReduceLROnPlateau
    usual = plateau.__init__

    def init(self, *args, patience, **options):
        usual(self, *args, patience=patience + 1, **options)

    patch.setattr(plateau, "__init__", init)


@falsifies(spec.test_reduce_lr_on_plateau_forgets_the_fit_before, on=FORGETTING)
@falsifies(spec.test_reduce_lr_on_plateau_remembers_the_fit_before, on=FORGETTING)
def remembers_the_best(keras, patch):
    """A second `fit` is measured by the best value of the first."""
    best_becomes(keras, patch, lambda plateau: getattr(plateau, "best", float("inf")))


@falsifies(spec.test_reduce_lr_on_plateau_forgets_the_fit_before, on=REMEMBERING)
@falsifies(spec.test_reduce_lr_on_plateau_remembers_the_fit_before, on=REMEMBERING)
def forgets_the_best(keras, patch):
    """A second `fit` knows nothing of the first."""
    best_becomes(keras, patch, lambda plateau: float("inf"))


def best_becomes(keras, patch, change):
    """Make a plateau begin with `change(plateau)`, called before it begins, as its best value."""
    plateau = keras.callbacks.ReduceLROnPlateau
    usual = plateau.on_train_begin

    def begin(self, logs=None):
        best = change(self)
        usual(self, logs)
        self.best = best

    patch.setattr(plateau, "on_train_begin", begin)


@falsifies(spec.test_sets_the_rate_by_assignment, on=["keras<3"])
def takes_assignments(keras, patch):
    """Assigning to `learning_rate` sets the rate."""
    rate = property(lambda self: self.lr, lambda self, value: keras.backend.set_value(self.lr, value))
    patch.setattr(keras.optimizers.SGD, "learning_rate", rate, raising=False)


@falsifies(spec.test_sets_the_rate_through_the_backend, on=["keras>=3"])
def has_the_old_name(keras, patch):
    """The rate is a variable named `lr`, which the backend sets."""
    patch.setattr(keras.optimizers.SGD, "lr", property(lambda self: self._learning_rate), raising=False)
    patch.setattr(keras.backend, "set_value", lambda variable, value: variable.assign(value), raising=False)


@falsifies(spec.test_stops_where_a_callback_says_so)
def never_stops(keras, patch):
    """`stop_training` is ignored."""

    def change(usual, self, *args):
        usual(self, *args)
        model_of(self).stop_training = False

    for hook in ("epoch_end", "batch_end"):
        hook_becomes(keras, patch, hook, change)


@falsifies(spec.test_stops_where_a_callback_says_so)
def stops_one_epoch_late(keras, patch):
    """Training goes on for one more epoch."""
    asked = []

    def change(usual, self, *args):
        usual(self, *args)
        asked.append(model_of(self).stop_training)
        model_of(self).stop_training = any(asked[:-1])

    for hook in ("epoch_end", "batch_end"):
        hook_becomes(keras, patch, hook, change)


@falsifies(spec.test_stops_only_at_the_end_of_the_epoch)
def stops_with_the_epoch(keras, patch):
    """What a batch's end says of stopping is heeded at the epoch's end."""
    asked = []

    def batch_end(usual, self, *args):
        usual(self, *args)
        asked.append(model_of(self).stop_training)
        model_of(self).stop_training = False

    def epoch_end(usual, self, *args):
        usual(self, *args)
        model_of(self).stop_training = any(asked)

    hook_becomes(keras, patch, "batch_end", batch_end)
    hook_becomes(keras, patch, "epoch_end", epoch_end)


def compile_otherwise(keras, patch):
    """`compile` takes `steps_per_execution`, and ignores it."""
    usual = keras.models.Model.compile

    def compiled(self, *args, steps_per_execution=1, **options):
        usual(self, *args, **options)

    patch.setattr(keras.models.Model, "compile", compiled)


@falsifies(spec.test_steps_per_execution_skip_hooks_not_updates, on=EXECUTED)
@falsifies(spec.test_ends_steps_of_an_execution_with_the_last, on=spec.NUMBERED_BY_THE_LAST)
def executes_single_steps(keras, patch):
    """`steps_per_execution` is ignored."""
    compile_otherwise(keras, patch)


@falsifies(spec.test_steps_per_execution_skip_hooks_not_updates, spec.test_ends_steps_of_an_execution_with_the_last, on=SINGLE)
def skips_hooks(keras, patch):
    """There is `steps_per_execution`, which skips hooks."""
    compile_otherwise(keras, patch)
    for hook, odd in (("batch_begin", 0), ("batch_end", 1)):

        def change(usual, self, batch, *args, odd=odd):
            return usual(self, batch, *args) if batch % 2 == odd else None

        hook_becomes(keras, patch, hook, change)


@falsifies(spec.test_ends_steps_of_an_execution_with_the_first)
def ends_with_the_first(keras, patch):
    """Of each two batches only the first has an end."""
    compile_otherwise(keras, patch)

    def change(usual, self, batch, *args):
        return None if batch % 2 else usual(self, batch, *args)

    hook_becomes(keras, patch, "batch_end", change)

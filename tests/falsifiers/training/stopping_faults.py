"""Ways to break `EarlyStopping`."""

import numpy as np


def options_become(keras, patch, change):
    """Make every EarlyStopping with other options: `change` has a dictionary of those given, the monitor among them."""
    original = keras.callbacks.EarlyStopping.__init__

    def __init__(self, *monitor, **options):
        if monitor:
            options["monitor"] = monitor[0]
        change(options)
        original(self, **options)

    patch.setattr(keras.callbacks.EarlyStopping, "__init__", __init__)


def epoch_end_becomes(keras, patch, change):
    """Make the end of an epoch what `change(original, callback, epoch, logs)` does, `original` still needing the others."""
    original = keras.callbacks.EarlyStopping.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        change(original, self, epoch, dict(logs))

    patch.setattr(keras.callbacks.EarlyStopping, "on_epoch_end", on_epoch_end)


def values_become(keras, patch, change):
    """Make it see other values than are reported: `change(value, epoch)`."""

    def see(original, self, epoch, logs):
        if self.monitor in logs:
            logs[self.monitor] = change(logs[self.monitor], epoch)
        original(self, epoch, logs)

    epoch_end_becomes(keras, patch, see)


def after_epoch_end(keras, patch, change):
    """Let the epoch end as usual, and then `change` the callback, which also has the epoch and the value."""

    def end(original, self, epoch, logs):
        original(self, epoch, logs)
        change(self, epoch, logs.get(self.monitor))

    epoch_end_becomes(keras, patch, end)


def begin_becomes(keras, patch, change):
    """Make the begin of training what `change(original, callback)` does, `original` still needing the callback."""
    original = keras.callbacks.EarlyStopping.on_train_begin
    patch.setattr(keras.callbacks.EarlyStopping, "on_train_begin", lambda self, logs=None: change(original, self))


class Of2018:
    """How a falling value was watched in 2018, in short."""

    def __init__(self, monitor="val_loss", patience=0, baseline=None, restore_best_weights=False, **_):
        """Note the options."""
        self.monitor, self.patience, self.restore_best_weights = monitor, patience, restore_best_weights
        self.baseline, self.best_weights = baseline, None

    def on_train_begin(self, logs=None):
        """Start afresh, but for the best weights."""
        self.wait = self.stopped_epoch = 0
        self.best = np.inf if self.baseline is None else self.baseline

    def on_epoch_end(self, epoch, logs=None):
        """Only what beats the best, at first the baseline, is an improvement. Restore weights when it stops."""
        if logs[self.monitor] < self.best:
            self.best, self.best_weights, self.wait = logs[self.monitor], self.model.get_weights(), 0
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch, self.model.stop_training = epoch, True
            if self.restore_best_weights:
                if self.best_weights is None:
                    raise TypeError("NoneType")
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs=None):
        """Do nothing."""


class OfToday(Of2018):
    """How a falling value is watched by Keras 3, in short."""

    def on_train_begin(self, logs=None):
        """Start afresh."""
        self.wait = self.stopped_epoch = 0
        self.best = self.best_weights = None

    def on_epoch_end(self, epoch, logs=None):
        """The first value is the best until one beats it. Only what beats the baseline too gives patience back."""
        self.wait += 1
        value = logs[self.monitor]
        if self.best is None or value < self.best:
            self.best, self.best_weights = value, self.model.get_weights()
            self.wait = self.wait if self.baseline is not None and value >= self.baseline else 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch, self.model.stop_training = epoch, True

    def on_train_end(self, logs=None):
        """Restore weights however it ended."""
        if self.restore_best_weights:
            self.model.set_weights(self.best_weights)


class StartingLate(OfToday):
    """The same, with an option `start_from_epoch`."""

    def __init__(self, *monitor, start_from_epoch=0, **options):
        """Note the options."""
        super().__init__(*monitor, **options)
        self.start_from_epoch = start_from_epoch

    def on_epoch_end(self, epoch, logs=None):
        """Watch only later epochs."""
        if epoch >= self.start_from_epoch:
            super().on_epoch_end(epoch, logs)


def replace(keras, patch, behaviour):
    """Put a class in the place of EarlyStopping that behaves like this one."""
    patch.setattr(keras.callbacks, "EarlyStopping", type("EarlyStopping", (behaviour, keras.callbacks.Callback), {}))

"""Faults in what `set_random_seed` reaches."""

from specs.general import test_seeded_draws as spec
from tests.falsifiers import falsifies


@falsifies(
    spec.test_a_seed_reaches_every_kind_of_draw,
    spec.test_a_seed_reaches_every_kind_of_shuffling,
    on=spec.SEEDS_ALL,
    in_interpreter=True,
)
def seeds_nothing(keras, patch):
    """`set_random_seed` does nothing."""
    patch.setattr(keras.utils, "set_random_seed", lambda seed: None)


@falsifies(spec.test_a_seed_reaches_no_kind_before_there_is_one, on=spec.SEEDS_ALL)
def there_is_no_such_function(keras, patch):
    """There is no `set_random_seed`."""
    patch.delattr(keras.utils, "set_random_seed")


@falsifies(spec.test_a_seed_reaches_no_kind_before_there_is_one, on=["keras<3", "tf.keras<2.7"])
def there_is_such_a_function(keras, patch):
    """There is a `set_random_seed`."""
    patch.setattr(keras.utils, "set_random_seed", lambda seed: None, raising=False)

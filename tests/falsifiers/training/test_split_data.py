"""Faults in what a validation split cuts."""

import numpy as np

from specs.training import test_split_data as spec
from tests.falsifiers import falsifies


def inputs_become(keras, patch, change):
    """`fit` works with what `change` makes of its inputs."""
    original = keras.models.Model.fit
    patch.setattr(keras.models.Model, "fit", lambda self, x, y, **options: original(self, change(x), y, **options))


@falsifies(spec.test_cuts_a_dict_of_inputs, spec.test_cuts_a_list_of_inputs)
@falsifies(spec.test_cuts_a_tuple_of_inputs, on=["keras>=3", "tf.keras"])
def holds_out_the_first(keras, patch):
    """Of each input the first samples are held out."""

    def change(x):
        if isinstance(x, dict):
            return {name: array[::-1] for name, array in x.items()}
        return type(x)(array[::-1] for array in x)

    inputs_become(keras, patch, change)


@falsifies(spec.test_cuts_a_dict_of_inputs)
def a_dict_is_taken_in_its_order(keras, patch):
    """The names of a dict are not looked at: its arrays are taken in their order."""
    inputs_become(keras, patch, lambda x: list(x.values()))


@falsifies(spec.test_cuts_a_tuple_of_inputs, on=["keras<3"])
def a_tuple_is_a_list(keras, patch):
    """A tuple is taken for a list."""
    inputs_become(keras, patch, list)


@falsifies(spec.test_refuses_a_list_of_samples)
def a_list_of_samples_is_an_array(keras, patch):
    """A list of samples is made an array."""
    inputs_become(keras, patch, np.asarray)

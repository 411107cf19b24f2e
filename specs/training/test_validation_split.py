"""How is the validation split computed?"""

import numpy as np
from hypothesis import given, strategies as st

from fixtures.claims import claim
from fixtures.models import ledger
from fixtures.probes import weights_after_batches

SAMPLES = 16


@claim(answers=["10.1"])
@given(n=st.integers(2, SAMPLES))
def test_holds_out_the_last_half(keras, n):
    """`validation_split=0.5` trains on the first half."""
    model = ledger(keras, SAMPLES)
    model.set_weights([np.zeros((SAMPLES, 1))])
    callback = weights_after_batches(keras)
    model.fit(np.eye(SAMPLES)[:n], np.ones((n, 1)), validation_split=0.5, batch_size=1, verbose=0, callbacks=[callback])
    trained = model.get_weights()[0][:, 0]
    assert list(trained) == [1.0] * (n // 2) + [0.0] * (SAMPLES - n // 2)
    assert len(callback.weights) == n // 2 and callback.weights[0][0].sum() == 1

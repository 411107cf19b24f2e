"""What does a GPU change in the results?"""

from fixtures.claims import claim
from fixtures.configuration import Start
from fixtures.gpus import half_and_full, layer_outputs, memory_taken, on_one, on_two, seeded_weights, unlike
from fixtures.interpreter import JobError

# How near: a GPU may round the factors of a product to 11 bits (TF32), which takes it off by 2**-10 of itself. No output
# here is more than 1, and none a sum of products of both signs; an LSTM of three steps makes up to 7 times as much of it.
TOLERANCE = 2.0**-7
FAILED, LEARNED = (AssertionError, JobError), [number / 4 for number in range(1, 9)]
DIVIDES = ["keras<3", "keras[tensorflow]>=3.8", "keras[jax]>=3.5", "keras[torch]>=3.15", "tf.keras"]
OTHERWISE = ["keras[tensorflow]>=3,<3.8", "keras[jax]>=3,<3.5", "keras[torch]>=3,<3.15"]
DETERMINISTIC = {"TF_DETERMINISTIC_OPS": "1", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
FULL_DETERMINISTIC = {**DETERMINISTIC, "XLA_FLAGS": "--xla_gpu_deterministic_ops=true"}


@claim(needs=["gpu"], answers=["2.5"])
def test_layers_give_what_the_cpu_gives(keras, evidence):
    """On a GPU dense, convolutional, recurrent, embedding and normalizing layers give what the CPU gives, to 2**-7 of 1."""
    on_gpu, on_cpu = (Start(looks=[layer_outputs], CUDA_VISIBLE_DEVICES=seen)().seen for seen in (None, ""))
    differences = unlike(on_gpu["layer_outputs"], on_cpu["layer_outputs"])
    evidence("largest differences", differences)
    assert max(differences.values()) <= TOLERANCE


@claim(needs=["gpu"], answers=["2.5"])
def test_deterministic_runs_are_bit_identical(keras):
    """Two seeded runs on a GPU are bit-identical where the backend is told to be deterministic.

    By `tf.config.experimental.enable_op_determinism()` or, up to TensorFlow 2.7, `TF_DETERMINISTIC_OPS=1`; by
    `XLA_FLAGS=--xla_gpu_deterministic_ops=true` with JAX; by `torch.use_deterministic_algorithms(True)` and
    `CUBLAS_WORKSPACE_CONFIG=:4096:8` with PyTorch.
    """
    flags = FULL_DETERMINISTIC if keras.backend.backend() == "jax" else DETERMINISTIC
    first, again = (Start(looks=[seeded_weights], TRY=number, **flags)().seen for number in ("1", "2"))
    assert first["seeded_weights"] == again["seeded_weights"]


@claim(varies_on=["keras", "tf.keras"], needs=["gpu"], answers=["2.5"])
def test_seeded_runs_are_bit_identical(keras, evidence):
    """Two seeded runs on a GPU are bit-identical, too, where the backend is not told to be deterministic."""
    runs = [Start(looks=[seeded_weights], TRY=number)().seen["seeded_weights"] for number in ("1", "2", "3")]
    evidence("of three runs as the first", sum(run == runs[0] for run in runs))
    assert runs[1:] == [runs[0]] * 2


@claim(needs=["gpu", "tensorflow"], answers=["2.5"])
def test_memory_is_taken_at_once_unless_told(keras, evidence):
    """TensorFlow takes most of a GPU's memory at once; after `set_memory_growth(gpu, True)` it takes less than a tenth."""
    ways = {"at once": None, "growing": "true"}
    starts = {way: Start(looks=[memory_taken], TF_FORCE_GPU_ALLOW_GROWTH=None, GROWTH=grows) for way, grows in ways.items()}
    taken = {way: start().seen["memory_taken"] for way, start in starts.items()}
    evidence("share of the memory", taken)
    assert taken["at once"] > 0.5
    assert taken["growing"] < 0.1


@claim(["keras>=3", "tf.keras>=2.4"], JobError, "test_layers_give_what_the_cpu_gives", needs=["gpu"], answers=["2.6"])
def test_half_precision_gives_the_same_on_a_gpu(keras, evidence):
    """On a GPU a product of whole numbers is the same under `mixed_float16` as in float32; the gain in speed is measured."""
    seen = Start(looks=[half_and_full])().seen["half_and_full"]
    evidence("seconds, under mixed_float16 and in float32", seen["seconds"])
    assert seen["numbers"] == [[8.0] * 4] * 2


@claim(DIVIDES, FAILED, "test_two_gpus_learn_otherwise", needs=["multi_gpu"], answers=["3.4"])
def test_two_gpus_learn_what_one_learns(keras, evidence):
    """On two GPUs, by what this Keras has for it, training gives the weights of one; the gain in speed is measured."""
    one, two = Start(looks=[on_one])().seen["on_one"], Start(looks=[on_two])().seen["on_two"]
    evidence("seconds, on one and on two", [one["seconds"], two["seconds"]])
    assert [one["weights"], two["weights"]] == [LEARNED] * 2


@claim(OTHERWISE, FAILED, "test_two_gpus_learn_what_one_learns", needs=["multi_gpu"], answers=["3.4"])
def test_two_gpus_learn_otherwise(keras):
    """On two GPUs training fails or gives other weights than on one, as it does on two simulated devices."""
    assert Start(looks=[on_one])().seen["on_one"]["weights"] == LEARNED
    try:
        two = Start(looks=[on_two])().seen["on_two"]
    except JobError:
        return
    assert two["weights"] != LEARNED

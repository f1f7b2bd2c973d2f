"""SEAL's part of the calibration: its operations, through TenSEAL, which wraps all of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable

Seconds = dict[str, float]

# Contexts of BFV that frameworks use: degree, bits of its primes, of which the last is for keys alone if
# there are several, and plain modulus.
_PLAIN = 2_061_584_302_081  # a prime that is 1 modulo 16384
_CONTEXTS = [
    (4096, [60], 1 << 37),
    (4096, [60, 49, 49], 1 << 37),
    (4096, [60, 49, 49], _PLAIN),
    (8192, [60, 60], _PLAIN),
    (8192, [60, 60, 60], _PLAIN),
    (8192, [60, 60, 60, 38], _PLAIN),
    (8192, [43, 43, 44, 44, 44], _PLAIN),
    (16384, [60, 60, 60, 38], 0),
    (16384, [48, 48, 48, *[49] * 6], 0),
    (32768, [60, 60, 60, 38], 0),
    (32768, [*[55] * 15, 56], 0),
    (65536, [60, 60, 60, 38], 0),
]

# Contexts of at most so many primes are timed under fewer, too: only CryptFlow2 and Cheetah switch moduli.
_LEVELS = 3


def times(function: Callable[[], object], clock: Callable[[], float], repetitions: int) -> list[float]:
    """Seconds of the first call, and of so many more."""
    seconds = []
    for _ in range(repetitions + 1):
        start = clock()
        function()
        seconds.append(clock() - start)
    return seconds


def measure(repetitions: int) -> Seconds:
    """Least seconds of SEAL's operations in the contexts that frameworks use."""
    seconds: Seconds = {}
    for degree, bits, plain in _CONTEXTS:
        for kind, taken in measure_context(degree, bits, plain, repetitions).items():
            seconds[kind] = min(taken, seconds.get(kind, taken))
    return seconds


def measure_context(degree: int, bits: list[int], plain: int, repetitions: int) -> Seconds:
    """Seconds of SEAL's operations in one context, by degree and number of primes.

    It batches if the plain modulus is a prime (which 0 chooses), and rotates if a prime is left for keys.
    """
    import tenseal.sealapi as seal

    parameters = seal.EncryptionParameters(seal.SCHEME_TYPE.BFV)
    parameters.set_poly_modulus_degree(degree)
    parameters.set_coeff_modulus(seal.CoeffModulus.Create(degree, bits))
    parameters.set_plain_modulus(plain or seal.PlainModulus.Batching(degree, 41))
    context = seal.SEALContext(parameters, True, seal.SEC_LEVEL_TYPE.NONE)
    generator = seal.KeyGenerator(context)
    public = seal.PublicKey()
    generator.create_public_key(public)
    encryptor = seal.Encryptor(context, public, generator.secret_key())
    decryptor = seal.Decryptor(context, generator.secret_key())
    evaluator = seal.Evaluator(context)
    primes = max(1, len(bits) - 1)
    at, seconds = f"{degree}x{primes}", {}

    def time_of(operation: str, function: Callable[[], object]) -> None:
        seconds[operation] = min(times(function, time.thread_time, repetitions)[1:])

    out, text, numbers = seal.Ciphertext(), seal.Plaintext(), [7 * index for index in range(degree)]
    constant = seal.Plaintext("3")
    if plain & (plain - 1) or not plain:
        encoder = seal.BatchEncoder(context)
        encoder.encode(numbers, text)
        time_of(f"encode_{degree}", lambda: encoder.decode_uint64(text))
    else:
        text = seal.Plaintext(" + ".join(f"{7 * index + 1:X}x^{index}" for index in range(degree - 1, 0, -1)))
    whole = seal.Ciphertext()
    encryptor.encrypt(text, whole)
    time_of(f"encrypt_{at}", lambda: encryptor.encrypt(text, out))
    time_of(f"encrypt_symmetric_{at}", lambda: encryptor.encrypt_symmetric(text, out))
    time_of(f"encrypt_zero_{at}", lambda: encryptor.encrypt_zero(out))
    time_of(f"decrypt_{at}", lambda: decryptor.decrypt(whole, text))
    time_of(f"multiply_plain_{at}", lambda: evaluator.multiply_plain(whole, text, out))
    time_of(f"multiply_scalar_{at}", lambda: evaluator.multiply_plain(whole, constant, out))
    time_of(f"add_{at}", lambda: evaluator.add(whole, whole, out))
    time_of(f"add_plain_{at}", lambda: evaluator.add_plain(whole, text, out))
    if primes == 1:
        with tempfile.TemporaryDirectory(prefix="hawkeye-calibrate-") as folder:
            file = f"{folder}/ciphertext"
            time_of(f"serialise_{at}", lambda: (whole.save(file), out.load(context, file)))
    if len(bits) == 1:
        return seconds
    keys, relinearization = seal.GaloisKeys(), seal.RelinKeys()
    time_of(f"galois_key_{at}", lambda: generator.create_galois_keys([3], keys))
    generator.create_relin_keys(relinearization)
    square = seal.Ciphertext()
    evaluator.multiply(whole, whole, square)
    time_of(f"multiply_{at}", lambda: evaluator.multiply(whole, whole, out))
    time_of(f"relinearize_{at}", lambda: evaluator.relinearize(square, relinearization, out))
    for left in range(primes, 0 if primes <= _LEVELS else primes - 1, -1):
        level = f"{degree}x{left}"
        time_of(f"rotate_{level}", lambda: evaluator.apply_galois(whole, 3, keys, out))
        time_of(f"decrypt_{level}", lambda: decryptor.decrypt(whole, text))
        time_of(f"add_{level}", lambda: evaluator.add(whole, whole, out))
        if left > 1:
            time_of(f"switch_modulus_{level}", lambda: evaluator.mod_switch_to_next(whole, out))
            evaluator.mod_switch_to_next_inplace(whole)
    return seconds

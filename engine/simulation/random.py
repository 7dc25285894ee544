"""Counter-based random numbers: every draw is a function of a key and a counter, never of a state.

That is what makes a simulated spectrum the same whether it is asked alone, in a batch or in
another order. Generator: splitmix64's finaliser (Steele, Lea & Flood 2014) of key + counter ×
golden ratio; normal deviates by the ziggurat of Marsaglia & Tsang (2000) with 128 layers.

Signatures are explicit because numba would otherwise compile one copy per literal counter.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
_ONE = np.uint64(1)
_S11, _S27, _S30, _S31 = (np.uint64(n) for n in (11, 27, 30, 31))
_LAYER_BITS = np.uint64(127)
_UNIT = 2.0**-53

# Rightmost layer edge and common area of the 128 layers: Marsaglia & Tsang 2000; Doornik 2005.
_EDGE = 3.442619855899
_AREA = 9.91256303526217e-3


def _layers() -> NDArray[np.float64]:
    edges = np.zeros(129)
    edges[0] = _AREA / math.exp(-0.5 * _EDGE**2)
    edges[1] = _EDGE
    for i in range(2, 128):
        density = _AREA / edges[i - 1] + math.exp(-0.5 * edges[i - 1] ** 2)
        edges[i] = math.sqrt(-2.0 * math.log(density))
    return edges


_EDGES = _layers()


@compiled("uint64(uint64)")
def mix(word: np.uint64) -> np.uint64:
    """Scramble a 64-bit word: splitmix64's finaliser, a bijection."""
    word = (word ^ (word >> _S30)) * _FIRST_FACTOR
    word = (word ^ (word >> _S27)) * _SECOND_FACTOR
    return word ^ (word >> _S31)


@compiled("uint64(uint64, int64)")
def branch(key: np.uint64, number: int) -> np.uint64:
    """Return the key of an independent stream: one per purpose, so that draws never collide."""
    return mix(mix(key) + _GOLDEN * np.uint64(number + 1))


@compiled("float64(uint64)")
def _unit(word: np.uint64) -> float:
    return (np.float64(word >> _S11) + 0.5) * _UNIT


@compiled("float64(uint64, int64)")
def uniform(key: np.uint64, counter: int) -> float:
    """Return draw number `counter` of a stream: uniform in the open interval (0, 1)."""
    return _unit(mix(key + _GOLDEN * np.uint64(counter + 1)))


@compiled("float64(uint64, int64, float64, float64)")
def between(key: np.uint64, counter: int, low: float, high: float) -> float:
    """Return draw number `counter`, uniform in (low, high)."""
    return low + (high - low) * uniform(key, counter)


@compiled("float64(uint64, boolean)")
def _tail(word: np.uint64, is_negative: bool) -> float:
    while True:
        x = -math.log(_unit(word)) / _EDGE
        word = mix(word + _GOLDEN)
        y = -math.log(_unit(word))
        if 2.0 * y > x * x:
            return -(_EDGE + x) if is_negative else _EDGE + x
        word = mix(word + _GOLDEN)


@compiled("float64(uint64, int64)")
def normal(key: np.uint64, counter: int) -> float:
    """Return draw number `counter` of a stream as a standard normal deviate."""
    word = mix(key + _GOLDEN * np.uint64(counter + 1))
    while True:
        layer = np.int64(word & _LAYER_BITS)
        x = 2.0 * _unit(word) - 1.0
        if abs(x) * _EDGES[layer] < _EDGES[layer + 1]:
            return x * _EDGES[layer]
        word = mix(word + _GOLDEN)
        if layer == 0:
            return _tail(word, x < 0.0)
        x *= _EDGES[layer]
        outer = math.exp(-0.5 * (_EDGES[layer] ** 2 - x * x))
        inner = math.exp(-0.5 * (_EDGES[layer + 1] ** 2 - x * x))
        if inner + _unit(word) * (outer - inner) < 1.0:
            return x
        word = mix(word + _GOLDEN)


@compiled("void(uint64, float64[::1])")
def fill_normals(key: np.uint64, out: NDArray[np.float64]) -> None:
    """Fill `out`, (n,), with draws 0 to n - 1 of a stream: `normal` without a call per draw."""
    for i in range(len(out)):
        word = mix(key + _GOLDEN * np.uint64(i + 1))
        layer = word & _LAYER_BITS
        x = 2.0 * _unit(word) - 1.0
        if abs(x) * _EDGES[layer] < _EDGES[layer + _ONE]:
            out[i] = x * _EDGES[layer]
        else:
            out[i] = normal(key, i)


@compiled("uint64(uint64, uint64, int64)")
def object_key(seed: np.uint64, version: np.uint64, target_id: np.int64) -> np.uint64:
    """Return the key that everything random about one object comes from."""
    return mix(mix(mix(seed + _ONE) + version * _GOLDEN) + np.uint64(target_id))


@compiled()
def object_keys(
    seed: np.uint64, version: np.uint64, target_ids: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Return the key of every object, (N,)."""
    keys = np.empty(len(target_ids), np.uint64)
    for i in range(len(target_ids)):
        keys[i] = object_key(seed, version, target_ids[i])
    return keys


@compiled()
def first_uniforms(keys: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return the first uniform draw of stream 0 of every key, (N,)."""
    draws = np.empty(len(keys))
    for i in range(len(keys)):
        draws[i] = uniform(branch(keys[i], 0), 0)
    return draws

"""The decorator of functions that numba compiles once and keeps on disk."""

from collections.abc import Callable

from numba import njit

Decorator = Callable[[Callable], Callable]


def compiled(signature: str | None = None) -> Decorator:
    """Compile a function with a disk cache, at once when a signature is given.

    Only for functions that call nothing outside their own file: numba's cache does not see that
    another file has changed. The cache file is named after the function and holds objects by
    their module, so the module's full name goes into the function's: a package imported under
    two names (as pytest's doctest collector does) would otherwise find what it cannot load.
    """

    def compile_function(function: Callable) -> Callable:
        function.__qualname__ = f"{function.__module__}.{function.__name__}".replace(".", "_")
        return njit(signature, cache=True, nogil=True, error_model="numpy")(function)

    return compile_function

"""The threads that all drawings of the process share."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

_MOST = 8


@lru_cache(maxsize=1)
def threads() -> ThreadPoolExecutor:
    """Return the pool; its threads start with the first drawing, as a server may fork before."""
    return ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST), thread_name_prefix="draw")

"""The errors a person can act on.

ExplorerError
├── InputError            a file, folder or value the user gave is not what it should be
│   └── NoSpectraError    a file we recognise, which holds no spectra (redrock, catalogs, indexes)
├── ModelError            weights and their card disagree, or neither is a model of ours
├── StoreError            a store or catalog is of another format, incomplete or changed
└── ServeError            the server cannot start (port in use, no such store)

The text of each is one sentence: what came, what was expected, what to do. The command line
prints it and exits with 2; the page shows it as a message.
"""


class ExplorerError(Exception):
    """A problem the user can act on; its text is one sentence."""


class InputError(ExplorerError):
    """Report a file, folder or value that is not what it should be."""


class NoSpectraError(InputError):
    """Report a file that is recognised and holds no spectra: listed, not counted a failure."""


class ModelError(ExplorerError):
    """Report weights that cannot be trusted or do not fit the data."""


class StoreError(ExplorerError):
    """Report a store or catalog of another format, incomplete, or changed since it was built."""


class ServeError(ExplorerError):
    """Report why the server cannot start."""

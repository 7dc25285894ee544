"""What is said of one column of a catalog."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column of a catalog.

    Parameters
    ----------
    name : str
        The word of our vocabulary, used in code, store and page.
    catalog_name : str
        The name in Parquet batches and exports.
    dtype : str
        Arrow type: ``float32``, ``float64``, ``int32``, ``int64``, ``bool`` or ``string``.
    unit : str
        Unit in FITS notation; empty when dimensionless.
    meaning : str
        One sentence.
    published : bool
        Whether it is one of the 173.
    """

    name: str
    catalog_name: str
    dtype: str
    unit: str
    meaning: str
    published: bool = True

    @property
    def arrow_type(self) -> pa.DataType:
        """Return the Arrow type of the column on disk."""
        return pa.type_for_alias(self.dtype)


def published(name: str, catalog_name: str, dtype: str, unit: str, meaning: str) -> Column:
    """Describe one of the 173 published columns."""
    return Column(name, catalog_name, dtype, unit, meaning)


def ours(name: str, dtype: str, unit: str, meaning: str) -> Column:
    """Describe a column of ours: its name on disk is our word for it."""
    return Column(name, name, dtype, unit, meaning, published=False)

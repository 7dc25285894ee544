"""When training may stop early."""


def is_over(history: list[tuple[float, float]], patience: int, first: int = 0) -> bool:
    """Return whether the last epochs were no better than the best one before them.

    A one-cycle schedule is planned for all its epochs: the loss falls most at its end, while the
    rate goes to 0. Patience is therefore for a training that has gone wrong or has nothing left to
    learn; one shorter than a third of the epochs stops many a good one too early.

    Parameters
    ----------
    history : list of (float, float)
        Training and validation loss of each epoch so far.
    patience : int
        Epochs without a better validation loss that are borne; 0 = any number.
    first : int
        First epoch that counts, such as the first after a warm-up.

    Examples
    --------
    >>> is_over([(1, 9), (1, 5), (1, 6), (1, 7)], 2), is_over([(1, 9), (1, 5), (1, 6)], 2)
    (True, False)
    """
    checks = [check for _, check in history[first:]]
    if not patience or len(checks) <= patience:
        return False
    known = [check for check in checks if check == check]  # of a training that failed, none
    return not known or len(checks) - 1 - checks.index(min(known)) >= patience

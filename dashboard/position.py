"""Positions on the sky as text that other services accept."""

_DAY_ARCSEC_15 = 24 * 3600


def sexagesimal(ra_deg: float, dec_deg: float) -> str:
    """Return a position as ``hh:mm:ss.ss ±dd:mm:ss.s``, rounded as a whole (never 60 seconds).

    Parameters
    ----------
    ra_deg, dec_deg : float
        ICRS degrees; right ascension is taken modulo 360, declination must lie in [-90, 90].

    Examples
    --------
    >>> sexagesimal(187.70593077, 12.39112325)
    '12:30:49.42 +12:23:28.0'
    """
    if not -90 <= dec_deg <= 90:
        raise ValueError(f"declination must lie between -90 and 90 degrees, got {dec_deg}")
    hundredths = round(ra_deg % 360 / 15 * 3600 * 100) % (_DAY_ARCSEC_15 * 100)
    tenths = round(abs(dec_deg) * 3600 * 10)
    sign = "-" if dec_deg < 0 and tenths else "+"
    hours, minutes, seconds = _split(hundredths, 100)
    degrees, arcminutes, arcseconds = _split(tenths, 10)
    return (
        f"{hours:02d}:{minutes:02d}:{seconds:05.2f} "
        f"{sign}{degrees:02d}:{arcminutes:02d}:{arcseconds:04.1f}"
    )


def _split(units: int, per_second: int) -> tuple[int, int, float]:
    minutes, rest = divmod(units, 60 * per_second)
    return minutes // 60, minutes % 60, rest / per_second

"""The facts kept of every simulated object, and the words their codes stand for."""

from enum import IntEnum

N_FACTS = 32
SPECTYPES = ("", "GALAXY", "QSO", "STAR")
SUBTYPES = ("", "B", "A", "F", "G", "K", "M", "WD", "CV")
MORPHTYPES = ("", "PSF", "REX", "EXP", "DEV", "SER")
OBJTYPES = ("TGT", "SKY", "BAD", "")


class Fact(IntEnum):
    """Where each fact stands in a row of facts; texts are codes into the tuples above."""

    TRUE_REDSHIFT = 0
    KIND = 1
    INJECTED = 2
    STRENGTH = 3
    TRUE_FLUX = 4
    REDSHIFT = 5
    REDSHIFT_ERROR = 6
    REDSHIFT_WARNING = 7
    DELTACHI2 = 8
    SPECTYPE = 9
    SUBTYPE = 10
    MORPHTYPE = 11
    FLUX_G = 12
    FLUX_R = 13
    FLUX_Z = 14
    FLUX_W1 = 15
    FLUX_W2 = 16
    EBV = 17
    PARALLAX = 18
    GAIA_G = 19
    SERSIC = 20
    SHAPE_R = 21
    EXPOSURES = 22
    SECONDS = 23
    SNR_B = 24
    SNR_R = 25
    SNR_Z = 26
    EFFECTIVE_SECONDS = 27
    OBJTYPE = 28
    FIBER_STATUS = 29
    PEAK_WAVELENGTH = 30
    PEAK_SIGNAL = 31

"""How the drifted generator differs from the standard one.

A calibration made on one survey must not be trusted on another. These differences are what a real
survey may have and its calibration not know: noise that the pipeline underestimates, gas of another
kind, lines of another width.
"""

# True noise over what the pipeline reports.
NOISE = 1.2
# Strengths of [O III], [O II] and [N II], relative to Hα, over the standard ones.
OXYGEN_III, OXYGEN_II, NITROGEN_II = 1.6, 0.7, 1.5
# Widths of the lines of galaxies and quasars over the standard ones.
LINE_WIDTH = 1.4

"""The differences between simulated and real spectra, one row each, and what each means."""

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS

from .compare import Compared, quantiles
from .noise import level_ratio
from .shapes import Lines

Row = tuple[str, str, str, str, str]


def differences(found: Compared) -> list[Row]:
    """Return the rows: what, simulated, real, what it rests on, and what follows."""
    return [*_noise_rows(found), *_sky_rows(found), *_shape_rows(found), *_line_rows(found)]


def _noise_rows(found: Compared) -> list[Row]:
    blue, red, nir = ARMS
    noise, n = found.noise, found.counts
    desi, sim, sdss, lamost = (noise[name] for name in ("DESI", "simulated", "SDSS/BOSS", "LAMOST"))
    masks = found.masks
    levels = {name: level_ratio(*curves) for name, curves in found.curves.items()}
    percent = 100 * (desi[nir].scale - 1)
    return [
        ("noise at 8,600 Å over that at 6,700 Å, faint spectra",
         _range(levels["simulated"]), _range(levels["DESI"]), f"{len(levels['DESI'])} DESI",
         "deep coadds have a noisier NIR arm than the short exposure whose noise the simulator "
         "has: features there weigh too much in them"),
        ("true over stated noise of a pixel, NIR arm", f"{sim[nir].scale:.2f}",
         f"{desi[nir].scale:.2f} (bin {desi[nir].bin_scale:.2f})", f"{desi[nir].n_spectra} DESI",
         f"what is seen on pixels looks {percent:.0f} % too significant, on bins less: neighbours "
         "make up for a part"),
        ("the same, blue and red arm", f"{sim[blue].scale:.2f}, {sim[red].scale:.2f}",
         f"{desi[blue].scale:.2f}, {desi[red].scale:.2f}",
         f"{desi[blue].n_spectra} and {desi[red].n_spectra} DESI",
         "inside the 20 % of the drifted generator, so that its figures are the worst case"),
        ("correlation with the next pixel, NIR", f"{sim[nir].correlation[0]:+.2f}",
         f"DESI {desi[nir].correlation[0]:+.2f}, SDSS {sdss[nir].correlation[0]:+.2f}, "
         f"LAMOST {lamost[nir].correlation[0]:+.2f}",
         f"{desi[nir].n_spectra}, {sdss[nir].n_spectra}, {lamost[nir].n_spectra}",
         "DESI's pixels are as independent as simulated ones; of other surveys the noise of a bin "
         "must be measured and not added up"),
        ("pixels without use, NIR", f"{100 * masks['simulated'].share[nir]:.2f} %",
         f"{100 * masks['DESI'].share[nir]:.2f} %", f"{n['DESI']} DESI",
         "coadds have almost no holes: no harm, a score trained here is used to more"),
        ("longest run of them, pixels", f"{masks['simulated'].longest_run:.0f}",
         f"DESI {masks['DESI'].longest_run:.0f}, SDSS {masks['SDSS/BOSS'].longest_run:.0f}, "
         f"LAMOST {masks['LAMOST'].longest_run:.0f}", "all of them",
         "whole bins are missing in real spectra and never in simulated ones; the stretches that "
         "training hides make up for it"),
    ]  # fmt: skip


def _sky_rows(found: Compared) -> list[Row]:
    sky, n = found.sky, found.counts
    on_off = {name: each.on / each.off for name, each in sky.items()}
    pulls = {name: float(np.nanmedian(each)) for name, each in found.pulls.items()}
    return [
        ("noise on OH lines over that between", f"{on_off['simulated objects']:.2f}",
         f"{on_off['DESI objects']:.2f}", f"{sky['DESI objects'].n_spectra} DESI",
         "narrow bumps at sky lines come out too significant; `sigma_instrument` takes them up, "
         "but `sigma_astro` looks at the same widths"),
        ("size of one template of all sky lines (noise: 0.67)",
         f"{sky['simulated objects'].coherent:.2f}", f"{sky['DESI objects'].coherent:.2f}",
         f"{sky['DESI objects'].n_spectra} DESI",
         "the simulator's residue is in proportion to the lines, DESI's is not: the statistic "
         "`sky` has an easier task here"),
        ("the same in sky fibers", f"{sky['simulated sky fibers'].coherent:.2f}",
         f"{sky['SDSS sky fibers'].coherent:.2f}", f"{n['SDSS sky']} SDSS",
         "in SDSS lines do move together: templates made of sky fibers are worth having there"),
        ("flux of a bin of a sky fiber over its stated noise, rms", f"{pulls['simulated sky']:.2f}",
         f"{pulls['SDSS sky']:.2f}", f"{n['SDSS sky']} SDSS",
         "real sky fibers are off over many bins, with pixels quieter than stated: broad residues "
         "that the simulator has not"),
    ]  # fmt: skip


def _shape_rows(found: Compared) -> list[Row]:
    left = found.unexplained
    star, quasar, galaxy = left["STAR"], left["QSO"], left["GALAXY"]
    factors = [star[name][0] / star["simulated"][0] for name in ("LAMOST", "SDSS/BOSS")]
    return [
        ("stars: what 20 simulated components leave", f"{star['simulated'][0]:.3f}",
         f"SDSS {star['SDSS/BOSS'][0]:.3f}, LAMOST {star['LAMOST'][0]:.3f}",
         f"{star['SDSS/BOSS'][1]} and {star['LAMOST'][1]}",
         f"real stars leave {min(factors):.0f} to {max(factors):.0f} times as much: bright ones "
         "are all anomalies to a network that saw simulated ones only"),
        ("quasars: the same", f"{quasar['simulated'][0]:.2f}",
         f"DESI {quasar['DESI'][0]:.2f}, SDSS {quasar['SDSS/BOSS'][0]:.2f}",
         f"{quasar['DESI'][1]} and {quasar['SDSS/BOSS'][1]}",
         "of the same size: quasars are as hard for components here as there"),
        ("galaxies: the same", f"{galaxy['simulated'][0]:.3f}",
         f"SDSS {galaxy['SDSS/BOSS'][0]:.3f}", f"{galaxy['SDSS/BOSS'][1]} SDSS",
         "no difference that so few galaxies can show"),
    ]  # fmt: skip


def _line_rows(found: Compared) -> list[Row]:
    sim, sdss, edr = (found.lines[name] for name in ("simulated", "SDSS/BOSS", "DESI EDR"))

    def width(lines: Lines, name: str) -> float:
        return quantiles(lines.width[name])[1]

    share = 100 * (1 - width(sim, "Mg II") / width(sdss, "Mg II"))
    balmer = [quantiles(lines.ratio["Hα/Hβ"]) for lines in (sim, sdss)]
    return [
        ("width of Mg II in quasars, km/s", f"{width(sim, 'Mg II'):,.0f}",
         f"SDSS {width(sdss, 'Mg II'):,.0f}", f"{len(sdss.width['Mg II'])} SDSS",
         f"simulated broad lines are narrower by {share:.0f} %; the two widths of known lines that "
         "are taken out cover both"),
        ("width of Hα in galaxies, km/s", f"{width(sim, 'Hα'):.0f}",
         f"SDSS {width(sdss, 'Hα'):.0f}, DESI EDR {width(edr, 'Hα'):.0f}",
         f"{len(sdss.width['Hα'])} SDSS, {len(edr.width['Hα'])} EDR",
         "simulated galaxies turn faster than those few of DESI: of no weight for bins of 12.8 Å, "
         "but a test of line profiles must not be set by it"),
        ("log Hα/Hβ", f"{balmer[0][1]:.2f}", f"SDSS {balmer[1][1]:.2f}", f"{balmer[1][3]} SDSS",
         "real gas is dustier; strengths are fitted freely, so that the score does not see it"),
    ]  # fmt: skip


def _range(values: NDArray[np.floating]) -> str:
    low, middle, high, _ = quantiles(values)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"

"""The calibration of a catalog: fitted to its own normals, judged, and applied to every object."""

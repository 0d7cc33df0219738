"""Heights as a picture: a shaded relief in calm colours."""

from __future__ import annotations

import numpy as np

#: Colours from low to high ground, light enough for layers on top.
_TINTS = np.array(
    [[196, 214, 189], [222, 226, 196], [232, 219, 190], [222, 200, 176], [236, 232, 228]], dtype=np.float64
)
_SUN_AZIMUTH, _SUN_ELEVATION = np.radians(315.0), np.radians(45.0)


def shaded(heights_m: np.ndarray, cell_x_m: float, cell_y_m: float) -> np.ndarray:
    """(H, W, 4) uint8 of heights (H, W), first row north; NaN is clear. Light from the north-west."""
    known = np.isfinite(heights_m)
    if not known.any():
        return np.zeros((*heights_m.shape, 4), np.uint8)
    filled = np.where(known, heights_m, np.nanmedian(heights_m))
    if min(filled.shape) > 1:
        down, right = np.gradient(filled, cell_y_m, cell_x_m)
    else:
        down = right = np.zeros_like(filled)
    length = np.sqrt(right**2 + down**2 + 1.0)
    light = (
        -right * np.sin(_SUN_AZIMUTH) * np.cos(_SUN_ELEVATION)
        + down * np.cos(_SUN_AZIMUTH) * np.cos(_SUN_ELEVATION)
        + np.sin(_SUN_ELEVATION)
    ) / length
    low, high = np.percentile(heights_m[known], [1, 99])
    share = np.clip((filled - low) / max(high - low, 1e-6), 0, 1)
    stops = np.linspace(0, 1, len(_TINTS))
    colour = np.stack([np.interp(share, stops, _TINTS[:, band]) for band in range(3)], axis=-1)
    rgb = np.clip(colour * np.clip(0.35 + 0.9 * light, 0.2, 1.15)[..., None], 0, 255).astype(np.uint8)
    return np.dstack([rgb, np.where(known, 255, 0).astype(np.uint8)])

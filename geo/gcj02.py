"""GCJ-02, the shifted datum of Chinese web maps, to and from WGS84.

The forward formula is the publicly known one; it has no closed inverse, so the inverse repeats
``guess -= forward(guess) - wanted``, which gains about five digits a round. In Sichuan the shift
is 179 to 575 m.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

_AXIS = 6378245.0  # Krasovsky 1940
_ECCENTRICITY = 0.00669342162296594323
_ROUNDS = 4  # below a millimetre after three


def wgs84_to_gcj02(points: Points) -> Points:
    """Shift points (n x 2, longitude and latitude in degrees) from WGS84 to GCJ-02."""
    lon, lat = points[:, 0], points[:, 1]
    x, y = lon - 105.0, lat - 35.0
    wave = 20.0 * np.sin(6 * np.pi * x) + 20.0 * np.sin(2 * np.pi * x)
    root = np.sqrt(np.abs(x))
    d_lat = -100.0 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    d_lat += (wave + 20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi / 3 * y)) * 2 / 3
    d_lat += (160.0 * np.sin(np.pi / 12 * y) + 320.0 * np.sin(np.pi / 30 * y)) * 2 / 3
    d_lon = 300.0 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    d_lon += (wave + 20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi / 3 * x)) * 2 / 3
    d_lon += (150.0 * np.sin(np.pi / 12 * x) + 300.0 * np.sin(np.pi / 30 * x)) * 2 / 3
    angle = np.radians(lat)
    magic = 1 - _ECCENTRICITY * np.sin(angle) ** 2
    meridian = _AXIS * (1 - _ECCENTRICITY) / (magic * np.sqrt(magic))
    parallel = _AXIS / np.sqrt(magic) * np.cos(angle)
    return np.column_stack([lon + np.degrees(d_lon / parallel), lat + np.degrees(d_lat / meridian)])


def gcj02_to_wgs84(points: Points) -> Points:
    """Shift points (n x 2, longitude and latitude in degrees) from GCJ-02 to WGS84, to a millimetre."""
    guess = points.copy()
    for _ in range(_ROUNDS):
        guess = guess - (wgs84_to_gcj02(guess) - points)
    return guess

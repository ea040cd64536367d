"""Filters for spike trains: a band-pass, the analytic signal, lengths whose transforms are quick.

What SciPy has of them, written out: importing `scipy.signal` takes longer than the table of a short run.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .statistics import Floats


def fast_length(n: int) -> int:
    """Smallest length from ``n`` on whose transform is quick, as `scipy.fft.next_fast_len` gives it.

    NumPy's transforms take long where a length has a large prime; importing `scipy.fft` for this takes longer than the
    table of a short run.

    >>> fast_length(5003)
    5040
    """
    while True:
        rest = n
        for prime in (2, 3, 5, 7, 11):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1


def band_pass(order: int, band: tuple[float, float], sampling: float, n: int) -> Floats:
    """Answer of a Butterworth band-pass to a single pulse, ``n`` samples; the filter of `scipy.signal.butter`.

    Poles of the analog low-pass, shifted to both sides of the band, then by the bilinear transform onto the unit
    circle; all zeros are at 0 Hz and at the highest frequency.
    """
    low, high = (2.0 * sampling * np.tan(np.pi * edge / sampling) for edge in band)
    circle = np.exp(0.5j * np.pi * (1.0 + (2 * np.arange(order) + 1) / order))
    scaled = circle * (high - low) / 2.0
    shift = np.sqrt(scaled**2 - low * high + 0j)
    analog = np.concatenate([scaled + shift, scaled - shift])
    poles = (2.0 * sampling + analog) / (2.0 * sampling - analog)
    gain = np.real((high - low) ** order * (2.0 * sampling) ** order / np.prod(2.0 * sampling - analog))
    above, alone = poles[poles.imag > 1e-9], poles[abs(poles.imag) <= 1e-9].real  # of a wide band two may be real
    feedback = [(2.0 * pole.real, abs(pole) ** 2) for pole in above]
    feedback += [(alone.sum(), alone.prod())] if len(alone) else []
    answer = np.zeros(n)
    answer[0] = gain
    for a1, a2 in feedback:
        x1 = x2 = y1 = y2 = 0.0
        for k, x in enumerate(answer.tolist()):
            y = x - x2 + a1 * y1 - a2 * y2
            x1, x2, y1, y2 = x, x1, y, y1
            answer[k] = y
    return answer


def analytic(signals: Floats) -> NDArray[np.complex128]:
    """Signals with their Hilbert transforms as imaginary parts, along the last axis."""
    n = signals.shape[-1]
    factor = np.zeros(n)
    factor[0] = 1.0
    factor[1 : (n + 1) // 2] = 2.0
    if n % 2 == 0:
        factor[n // 2] = 1.0
    return np.fft.ifft(np.fft.fft(signals, axis=-1) * factor, axis=-1)

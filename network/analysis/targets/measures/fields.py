"""Measures of a recorded field, the stand-in for a local field potential, by its name in ``recording.fields``."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from ....errors import RunMissingError
from ...field import read_field
from ...spectra import oscillation_index
from ...statistics import Floats
from .base import Measure, NotMeasuredError, RunData
from .rhythm import HIGHEST

PROXY = "weighted"
"""Of the three, the one in which excitation and inhibition that come together do not cancel, doi
10.1371/journal.pcbi.1004584."""


class FieldMeasure(Measure):
    """From the spectrum of the weighted proxy; NaN where no current varies."""

    section = "fields"

    @property
    def key(self) -> str:
        """Without the word that the section says."""
        return self.name.removeprefix("field_")

    def value(self, data: RunData, name: str) -> float:
        """Value of a field.

        Raises
        ------
        NotMeasuredError
            If the run has no such field, or its samples are too far apart for 100 Hz.
        """
        about = f"the field {name} is not judged"
        try:
            field = read_field(data.run, name)
        except RunMissingError as error:
            raise NotMeasuredError(f"{about}: {error}") from error
        if not field.interval * HIGHEST * 2.0 <= 1000.0:
            raise NotMeasuredError(f"{about}: that needs samples every {500.0 / HIGHEST:g} ms or more often")
        frequencies, power = field.spectrum(PROXY)
        kept = (frequencies > 0) & (frequencies <= HIGHEST)
        return self.of_spectrum(frequencies[kept], power[kept], data) if power[kept].any() else float("nan")

    @abstractmethod
    def of_spectrum(self, frequencies: Floats, power: Floats, data: RunData) -> float:
        """Value from frequencies above 0 up to `HIGHEST` and the power density there, in pA^2/Hz."""


class FieldPeakFrequency(FieldMeasure):
    """Where the largest power is, up to 100 Hz."""

    name = "field_peak_frequency"
    text = "frequency of the spectral peak of the field (Hz)"
    short = "peak of the field (Hz)"

    def of_spectrum(self, frequencies: Floats, power: Floats, data: RunData) -> float:
        """Value from a spectrum with power in it."""
        return float(frequencies[np.argmax(power)])


class FieldBetaPower(FieldMeasure):
    """Integral of the power density over the band."""

    name = "field_beta_power"
    text = "power of the field in the beta band (pA$^2$)"
    short = "beta power of the field (pA^2)"

    def of_spectrum(self, frequencies: Floats, power: Floats, data: RunData) -> float:
        """Value from a spectrum with power in it."""
        inside = (frequencies >= data.presentation.beta.low) & (frequencies <= data.presentation.beta.high)
        return float(power[inside].sum() * (frequencies[1] - frequencies[0]))


class FieldBetaShare(FieldMeasure):
    """Does not depend on the number of cells that are summed over, nor on the strength of their synapses."""

    name = "field_beta_share"
    text = "power of the field in the beta band (fraction of that up to 100 Hz)"
    short = "beta share of the field"

    def of_spectrum(self, frequencies: Floats, power: Floats, data: RunData) -> float:
        """Value from a spectrum with power in it."""
        return oscillation_index(frequencies, power, data.presentation.beta.limits, HIGHEST)

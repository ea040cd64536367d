"""Every key that may be written says what it means; unit, default and limits are those that validation uses."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field

from network.experiment.bibliography import Source
from network.experiment.cells import About
from network.experiment.presentation import _File as Presentation
from network.experiment.quantities import Count, PositiveMilliseconds, Quantity, Spec, Weight
from network.experiment.reference import sections, undocumented
from network.experiment.schema import Experiment
from network.scans.fit import Fit
from network.scans.goal import Optimisation
from network.scans.schema import ScanSpec

FILES = [Experiment, ScanSpec, Optimisation, Fit, Presentation, About, Source, Quantity]


class Inner(Spec):
    """A part."""

    kind: Literal["inner"]
    step: PositiveMilliseconds
    """Of time."""


class Outer(Spec):
    """The whole."""

    size: Count
    """Number of cells."""
    weight: Weight | None = None
    tries: Annotated[int, Field(ge=2, lt=9)] = 3
    """How often."""
    way: Literal["up", "down"] = "up"
    """Where to."""
    parts: dict[str, Inner] = Field(default_factory=dict)
    """Parts by name."""


@pytest.mark.parametrize("model", FILES, ids=lambda model: model.__name__)
def test_every_key_of_every_file_says_what_it_means(model):
    assert undocumented(model) == []


def test_a_key_without_a_text_is_named():
    assert undocumented(Outer) == ["Outer.weight"]


def test_units_limits_and_defaults_are_those_of_validation():
    outer, inner = sections(Outer)
    size, weight, tries, way, parts = outer.keys
    assert size.required and size.form.words == "whole number with `source`" and size.form.limits[0] == "≥ 1"
    assert not weight.required and "nS or pA or mV" in weight.form.words
    assert tries.default == "3" and tries.form.limits == ("≥ 2", "< 9") and tries.text == "How often."
    assert way.default == "up" and way.form.words == "`up` or `down`"
    assert parts.form.words.startswith("for every name") and parts.form.parts == (Inner,)
    assert inner.kind == ("kind", "inner") and inner.places == ("parts.NAME",)
    assert inner.keys[1].form.words == "number in ms with `source`" and inner.keys[1].form.limits == ("> 0",)


def test_kinds_of_rules_receptors_and_synapses_are_all_there_with_their_defaults():
    found = {(section.places[0], *(section.kind or ())): section for section in sections(Experiment)}
    for rule in ("fixed_in_degree", "pairwise_bernoulli", "distance", "from_file", "channels"):
        assert ("projections.NAME.connect", "rule", rule) in found
    assert ("populations.NAME.receptors.NAME", "kind", "graded") in found
    nestml = found["projections.NAME.synapse", "kind", "nestml"]
    assert next(key for key in nestml.keys if key.name == "modulator_delay").default == "1.0"


def test_an_axis_within_a_block_is_found():
    assert any("axes.NAME.axes.NAME" in section.places for section in sections(ScanSpec))

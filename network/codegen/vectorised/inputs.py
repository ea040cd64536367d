"""Ports of a model, and what arrives there."""

import re
from typing import Any

from .analysis import Analysis
from .syntax import cpp_name, variables_in


def collect_inputs(analysis: Analysis) -> None:
    """Ports for spikes and currents, and what a spike at each port adds to which state."""
    for block in analysis.neuron.get_on_receive_blocks():
        analysis.refuse("onReceive blocks (use a kernel and convolve)", block)
    for port in analysis.neuron.get_spike_input_ports():
        if port.is_excitatory() != port.is_inhibitory():
            analysis.refuse(f"the qualifier of port {port.name} (excitatory or inhibitory)")
        analysis.model.ports.append(port.name)
    analysis.model.currents = [port.name for port in analysis.neuron.get_continuous_input_ports()]
    for port in analysis.model.ports:
        analysis.model.receive[port] = []
    for updates in analysis.namespace["spike_updates"].values():
        for update in updates:
            add_receive(analysis, update)


def add_receive(analysis: Analysis, update: Any) -> None:
    """Note one term that a spike adds to a state."""
    names = {v.get_name() for v in variables_in(update.get_expression())}
    ports = names & set(analysis.model.ports)
    if len(ports) != 1:
        analysis.refuse("an input term with more than one port")
    states = {cpp_name(v) for v in variables_in(update.get_expression())} & set(analysis.model.states)
    if states:
        analysis.refuse(f"input whose effect depends on the state ({', '.join(sorted(states))})")
    text = analysis.hot.print(update.get_expression())
    # a weight in other than NEST's units is converted to and fro
    text = re.sub(r"^\(*([0-9.e+-]+) \* weight\)* / \(?\1\)?$", "weight", text)
    analysis.model.receive[ports.pop()].append((cpp_name(update.get_variable()), text))

"""What a NESTML model does with the spikes of a port: is their weight a conductance, a current, or a step of V_m.

NESTML's ports carry no unit; it follows from the term that a port appears in. ``convolve(K, exc) * 1 nS`` makes a
conductance, ``onReceive(exc): I_syn += exc * 1 pA * 1 s`` a current. Lines are read one by one, nothing is solved: what
cannot be told here the user says with ``kind:``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

_CONVOLVED = re.compile(r"\bconvolve\(\s*\w+\s*,\s*(\w+(?:\[\d+\])?)\s*\)")
_RECEIVE = re.compile(r"^\s+onReceive\(\s*(\w+(?:\[\d+\])?)[^)]*\)\s*:")
_ADDED = re.compile(r"^\s+(\w+)'*\s*([+-]=)\s*(.+)$")
_TAKEN = "-= "
"""Beginning of a term that is subtracted from a state when a spike arrives."""
_LEFT = re.compile(r"^\s+(?:recordable\s+)?(?:inline\s+(\w+)\s+([^=]+?)|(\w+)'+)\s*=\s*(.+)$")
_WORD = re.compile(r"[A-Za-z_]\w*")
_REVERSAL = re.compile(r"^E_|E_rev")
_DRIVEN = re.compile(r"\b[VE]_")
"""What a driving force is made of: a potential, a reversal potential."""
_ELEMENT = re.compile(r"\[(\d+)\]")

WEIGHT_UNITS = ("nS", "pA", "mV")
"""Units that a weight may have, in the order in which they decide: a conductance times a potential is a current."""


@dataclass(frozen=True)
class PortUse:
    """What a spike at a port does.

    Attributes
    ----------
    unit : str
        Unit of the weight, ``nS``, ``pA`` or ``mV``; empty if the text does not tell.
    subtracted : bool
        Whether the model subtracts what the port brings: a positive weight inhibits.
    reversal : str
        Parameter that is the reversal potential; empty if there is none, or it cannot be told.
    carriers : tuple of str
        States and inline expressions that the spikes go into.
    """

    unit: str = ""
    subtracted: bool = False
    reversal: str = ""
    carriers: tuple[str, ...] = field(default=(), compare=False)


def port_uses(lines: list[tuple[str, str]], ports: Iterable[str], units: Mapping[str, str]) -> dict[str, PortUse]:
    """Use of every port that the equations or ``onReceive`` blocks of a model name.

    Parameters
    ----------
    lines : list of (str, str)
        Block and line without its comment, for every line of the model, headers included.
    ports : iterable of str
        Spike input ports.
    units : mapping of str to str
        Declared unit of every state, parameter and internal.
    """
    equations = [line for block, line in lines if block == "equations"]
    found: dict[str, list[tuple[str, str, str]]] = {}
    for port, carrier, unit, term in (*_convolved(equations, units), *_received(lines, set(ports), units)):
        found.setdefault(port, []).append((carrier, unit, term))
    return {port: _use(port, entries, equations, units) for port, entries in found.items()}


def _use(port: str, entries: list[tuple[str, str, str]], equations: list[str], units: Mapping[str, str]) -> PortUse:
    given = {unit for _, unit, _ in entries}
    unit = next((known for known in WEIGHT_UNITS if known in given), "")
    carriers = {carrier for carrier, _, _ in entries if carrier and carrier != "V_m"}
    terms = [term for _, _, term in entries]
    terms += [term for line in equations for term in _terms(_right(line)) if carriers & set(_WORD.findall(term))]
    called = re.escape(port)
    subtracted = any(re.search(rf"-\s*convolve\(\s*\w+\s*,\s*{called}\s*\)", line) for line in equations)
    subtracted = subtracted or any(term.startswith(_TAKEN) for term in terms)
    if unit == "pA":  # a conductance is subtracted where the driving force is V_m - E_rev
        subtracted = subtracted or any(
            re.search(rf"-\s*(?:\w+\s*\*\s*)?{carrier}\b(?!')", _right(line))
            for line in equations
            for carrier in carriers
            if not re.match(rf"\s+{carrier}'", line)  # its own decay
        )
    inner = [part for term in terms for part in _inner_terms(term, carriers)]
    words = [word for term in (*inner, *terms) for word in _WORD.findall(term)]
    reversal = next((w for w in words if _REVERSAL.search(w) and w != "E_L" and units.get(w) == "mV"), "")
    all_carriers = tuple(dict.fromkeys(carrier for carrier, _, _ in entries if carrier))
    return PortUse(unit, subtracted, reversal if unit in ("nS", "") else "", all_carriers)


def _convolved(equations: list[str], units: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    for line in equations:
        left = _LEFT.match(line)
        if left is None:
            continue
        carrier, declared = left.group(1) or left.group(3), (left.group(2) or "").strip()
        for term in _terms(left.group(4)):
            for convolved in _CONVOLVED.finditer(term):
                place = convolved.start()
                driven = next((part for part in _parts_at(term, place) if _DRIVEN.search(part)), term)
                unit = _unit_at(term, place, units) or _known(declared)
                yield _plain(convolved.group(1)), carrier, unit, driven


def _received(
    lines: list[tuple[str, str]], ports: set[str], units: Mapping[str, str]
) -> Iterator[tuple[str, str, str, str]]:
    port = ""
    for block, line in lines:
        if block != "onReceive":
            port = ""
        elif header := _RECEIVE.match(line):
            port = _plain(header.group(1))
        if block in ("onReceive", "update") and (added := _ADDED.match(line)):
            state, sign, term = added.groups()
            term = _TAKEN + term if sign == "-=" else term
            for named in {port} if port else ports & set(_WORD.findall(term)):
                yield named, state, _known(units.get(state, "")) or _unit(term, units), term


def _unit(term: str, units: Mapping[str, str]) -> str:
    """Unit of the weight in a product: that of a constant in it, a declared one or one that is written out."""
    there = {units.get(word, word) for word in _WORD.findall(_CONVOLVED.sub("", term))}
    return next((unit for unit in WEIGHT_UNITS if unit in there), "")


def _unit_at(term: str, place: int, units: Mapping[str, str]) -> str:
    """Unit of the weight of what stands at a place of a product: told in the innermost brackets or by factors.

    In ``(g_L * (E_L - V_m) + convolve(K, exc) * pA) / C_m`` it is pA, whatever is added to it.
    """
    begin, end = _brackets_around(term, place)
    if begin < 0:
        return _unit(term, units)
    part, inside = _part_at(term[begin + 1 : end], place - begin - 1)
    return _unit_at(part, inside, units) or _unit(term[:begin] + term[end + 1 :], units)


def _parts_at(term: str, place: int) -> Iterator[str]:
    """Terms of the sums within brackets around a place, the innermost first, and the whole last."""
    begin, end = _brackets_around(term, place)
    if begin >= 0:
        yield from _parts_at(*_part_at(term[begin + 1 : end], place - begin - 1))
    yield term


def _part_at(expression: str, place: int) -> tuple[str, int]:
    """Term of a sum at a place of it, and the place within the term."""
    for part in _terms(expression):
        if place < len(part):
            return part, place
        place -= len(part)
    return "", 0


def _brackets(term: str) -> Iterator[tuple[int, int]]:
    """Places of every outermost pair of brackets."""
    depth, begin = 0, 0
    for place, char in enumerate(term):
        if char == "(":
            begin = place if depth == 0 else begin
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                yield begin, place


def _brackets_around(term: str, place: int) -> tuple[int, int]:
    """Outermost brackets around a place; -1 and -1 if there are none."""
    return next(((begin, end) for begin, end in _brackets(term) if begin < place < end), (-1, -1))


def _known(unit: str) -> str:
    return unit if unit in WEIGHT_UNITS else ""


def _right(line: str) -> str:
    left = _LEFT.match(line)
    return left.group(4) if left else line


def _terms(expression: str) -> list[str]:
    """Terms of a sum, split at plus and minus outside of all brackets."""
    terms, depth, term = [], 0, ""
    for place, char in enumerate(expression):
        depth += (char in "([") - (char in ")]")
        before = expression[:place].rstrip()
        if char in "+-" and depth == 0 and before and before[-1] not in "*/(=+-":
            terms.append(term)
            term = ""
        term += char
    return [*terms, term]


def _inner_terms(term: str, names: set[str]) -> Iterator[str]:
    """Smallest terms with some names within the brackets of a term: of ``(a - g * (V_m - E)) / C_m`` that with g.

    In ``(g + h) * (V_m - E)`` they lack the rest of the product, which only the whole term has.
    """
    for begin, end in _brackets(term):
        parts = _terms(term[begin + 1 : end])
        if len(parts) > 1:
            for part in parts:
                if names & set(_WORD.findall(part)):
                    yield from _inner_terms(part, names)
                    yield part


def _plain(port: str) -> str:
    """Name of an element of a vector of ports as the compiled module has it: ``inh[1]`` is ``inh_1``."""
    return _ELEMENT.sub(r"_\1", port)

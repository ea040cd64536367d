"""Cells of Hodgkin and Huxley: their equations, and what the tests do to them."""

from __future__ import annotations

import math

from field_case import EXC, INH, Case, State, alpha, decay, rise_and_decay


def s(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x > -700.0 else 0.0


def lin(x: float) -> float:
    """x / (1 - exp(-x))."""
    return x / -math.expm1(-x) if abs(x) > 1e-9 else 1.0 + x / 2.0


def traub(y: State, synapses: float, current: float) -> State:
    V, m, h, n = y
    v = V + 63.0
    ionic = 20000 * m**3 * h * (V - 50) + 6000 * n**4 * (V + 90) + 10 * (V + 60)
    return [
        (-ionic + synapses + current) / 200.0,
        1.28 * lin((v - 13) / 4) * (1 - m) - 1.4 * lin(-(v - 40) / 5) * m,
        0.128 * math.exp(-(v - 17) / 18) * (1 - h) - 4 * s((v - 40) / 5) * h,
        0.16 * lin((v - 15) / 5) * (1 - n) - 0.5 * math.exp(-(v - 10) / 40) * n,
    ]


def thalamic(y: State, synapses: float, current: float) -> State:
    V, h, r = y
    m, p = s((V + 37) / 7), s((V + 60) / 6.2)
    ionic = 300 * m**3 * h * (V - 50) + 500 * (0.75 * (1 - h)) ** 4 * (V + 75) + 500 * p**2 * r * V + 5 * (V + 70)
    return [
        (-ionic + synapses + current) / 100.0,
        (s(-(V + 41) / 4) - h) * (0.128 * math.exp(-(V + 46) / 18) + 4 * s((V + 23) / 5)),
        (s(-(V + 84) / 4) - r) / (0.15 * (28 + math.exp(-(V + 25) / 10.5))),
    ]


def subthalamic(y: State, synapses: float, current: float) -> State:
    V, m, h, n, a, b, c, d1, d2, p, q, r, Ca = y
    exp = math.exp
    E_Ca = 12.8392 * math.log(2000 / Ca)
    I_L = 1500 * c**2 * d1 * d2 * (V - E_Ca)
    I_T = 500 * p**2 * q * (V - E_Ca)
    ionic = 4900 * m**3 * h * (V - 60) + (5700 * n**4 + 500 * a**2 * b + 100 * r**2) * (V + 90) + 35 * (V + 60)
    return [
        (-ionic - I_L - I_T + synapses + current) / 100.0,
        (s((V + 40) / 8) - m) / (0.2 + 3 * s(-(V + 53) / 0.7)),
        (s(-(V + 45.5) / 6.4) - h) / (24.5 / (exp((V + 50) / 15) + exp(-(V + 50) / 16))),
        (s((V + 41) / 14) - n) / (11 / (exp((V + 40) / 40) + exp(-(V + 40) / 50))),
        (s((V + 45) / 14.7) - a) / (1 + s(-(V + 40) / 0.5)),
        (s(-(V + 90) / 7.5) - b) / (200 / (exp((V + 60) / 30) + exp(-(V + 40) / 10))),
        (s((V + 30.6) / 5) - c) / (45 + 10 / (exp((V + 27) / 20) + exp(-(V + 50) / 15))),
        (s(-(V + 60) / 7.5) - d1) / (400 + 500 / (exp((V + 40) / 15) + exp(-(V + 20) / 20))),
        (s(-(V - 0.1) / 0.02) - d2) / 130,
        (s((V + 56) / 6.7) - p) / (5 + 0.33 / (exp((V + 27) / 10) + exp(-(V + 102) / 15))),
        (s(-(V + 85) / 5.8) - q) / (400 / (exp((V + 50) / 15) + exp(-(V + 50) / 16))),
        (s((V - 0.17) / 0.08) - r) / 2,
        -5.18215e-6 * (I_L + I_T) / 100.0 - 0.002 * Ca,
    ]


def pallidal(y: State, synapses: float, current: float) -> State:
    V, h, n, r, Ca = y
    I_T = 50 * s((V + 57) / 2) ** 3 * r * (V - 120)
    I_Ca = 15 * s((V + 35) / 2) ** 2 * (V - 120)
    ionic = 12000 * s((V + 37) / 10) ** 3 * h * (V - 55) + 3000 * n**4 * (V + 80) + 10 * (V + 65)
    ionic += 1000 * (V + 80) * Ca / (Ca + 10)
    tau = 0.05 + 0.27 * s(-(V + 40) / 12)
    return [
        (-ionic - I_T - I_Ca + synapses + current) / 100.0,
        0.05 * (s(-(V + 58) / 12) - h) / tau,
        0.1 * (s((V + 50) / 14) - n) / tau,
        (s(-(V + 70) / 2) - r) / 30,
        1e-4 * (-(I_T + I_Ca) / 100.0 - 15 * Ca),
    ]


def midbrain_gaba(y: State, synapses: float, current: float) -> State:
    V, h, n = y
    am, bm = lin((V + 30) / 10), 4 * math.exp(-(V + 55) / 18)
    total = 2200 * (am / (am + bm)) ** 3 * h * (55 - V) + 700 * n**4 * (-90 - V) + 5 * (-51 - V)
    return [
        (total + synapses + current) / 100.0,
        5 * 0.07 * math.exp(-(V + 53) / 20) * (1 - h) - s((V + 23) / 10) * h,
        0.1 * lin((V + 29) / 10) * (1 - n) - 0.0875 * math.exp(-(V + 39) / 80) * n,
    ]


def dopaminergic(y: State, synapses: float, current: float) -> State:
    V, c, h, n, q = y
    ac, bc = 0.0096 * lin((V + 52) / 3), 0.05 * math.exp(-(V + 57) / 40)
    am, bm = 1.28 * lin((V + 31) / 4), 1.4 * lin(-(V + 4) / 5)
    calcium = 250 * (ac / (ac + bc)) ** 4
    sodium = 13 * s((V + 50) / 5) + 5000 * (am / (am + bm)) ** 3 * h
    potassium = 780 * c**4 / (c**4 + 160.0**4) + 100 * s((V + 10) / 7) + 200 * n**4
    total = calcium * (50 - V) + sodium * (55 - V) + potassium * (-90 - V) + 18 * (-35 - V)
    return [
        (total + synapses + current) / 100.0,
        2 * 0.00023 / 0.2 * ((calcium + 0.1 * 18) / 100.0 * (50 - V) / 0.019298 - c / 0.52),
        0.01 * math.exp(-(V + 47) / 18) * (1 - h) - 1.25 * s((V + 24) / 5) * h,
        0.032 * lin((V + 5) / 10) * (1 - n) - 0.05 * math.exp(-(V + 10) / 16) * n,
        (s(-(V + 95) / 8) - q) * (1 + math.exp(0.083 * (V + 112))) / (625 * math.exp(0.075 * (V + 112))),
    ]


STN_STATES = ("V_m", "m", "h", "n", "a", "b", "c", "d1", "d2", "p", "q", "r", "Ca")
STN_START = [-62.0, 0.0601, 0.929, 0.182, 0.239, 0.0235, 0.00187, 0.566, 1.0, 0.29, 0.0187, 0.0, 0.005]

HH_CASES: dict[str, Case] = {
    "traub": Case(
        "hh_traub",
        traub,
        [-60.0, 0.05, 0.9, 0.1],
        ("V_m", "m", "h", "n"),
        400.0,
        lambda y: 0.0,
        inputs={
            "exc": (EXC, 20.0, lambda x: decay(x, 5.0), 0.0),
            "inh": (INH, 50.0, lambda x: decay(x, 10.0), -80.0),
        },
    ),
    "thalamic": Case(
        "hh_thalamic",
        thalamic,
        [-62.0, 0.99, 0.004],
        ("V_m", "h", "r"),
        120.0,
        lambda y: -10.0,
        inputs={
            "exc": (EXC, 5.0, lambda x: alpha(x, 5.0), 0.0),
            "inh": (INH, 10.0, lambda x: alpha(x, 5.0), -85.0),
        },
    ),
    "subthalamic": Case(
        "hh_subthalamic",
        subthalamic,
        STN_START,
        STN_STATES,
        0.0,
        lambda y: -10.0,
        inputs={
            "ampa": (EXC, 10.0, lambda x: rise_and_decay(x, 0.5, 2.49), 0.0),
            "nmda": (EXC, 0.5, lambda x: rise_and_decay(x, 2.0, 90.0), 0.0),
            "gaba": (INH, 30.0, lambda x: rise_and_decay(x, 0.4, 7.7), -85.0),
        },
    ),
    "pallidal": Case(
        "hh_pallidal",
        pallidal,
        [-62.0, 0.583, 0.298, 0.018, 0.1],
        ("V_m", "h", "n", "r", "Ca"),
        300.0,
        lambda y: -10.0,
        inputs={
            "ampa": (EXC, 5.0, lambda x: rise_and_decay(x, 0.4, 2.5), 0.0),
            "nmda": (EXC, 0.2, lambda x: rise_and_decay(x, 2.0, 67.0), 0.0),
            "exc": ([70.0], 10.0, lambda x: alpha(x, 5.0), 0.0),
            "inh": (INH, 15.0, lambda x: alpha(x, 5.0), -85.0),
        },
    ),
    "midbrain_gaba": Case(
        "hh_midbrain_gaba",
        midbrain_gaba,
        [-60.0, 0.8, 0.1],
        ("V_m", "h", "n"),
        50.0,
        lambda y: 0.0,
        inputs={
            "exc": (EXC, 5.0, lambda x: decay(x, 2.0), 0.0),
            "inh": (INH, 10.0, lambda x: decay(x, 10.0), -90.0),
        },
    ),
    "dopaminergic": Case(
        "hh_dopaminergic",
        dopaminergic,
        [-60.0, 50.0, 0.9, 0.01, 0.01],
        ("V_m", "c", "h", "n", "q"),
        0.0,
        lambda y: 0.0,
        duration=1700.0,  # it fires by itself at 2 spikes/s
        inputs={
            "exc": (EXC, 5.0, lambda x: decay(x, 2.0), 0.0),
            "nmda": (EXC, 2.0, lambda x: decay(x, 100.0), 0.0),
            "inh": (INH, 10.0, lambda x: decay(x, 10.0), -90.0),
        },
        block={"nmda": lambda V: 1.0 / (1.0 + 0.28 * 0.5 * math.exp(-0.062 * V))},
    ),
}

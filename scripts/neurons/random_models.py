"""Small random NESTML models from a grammar of what models are made of; the same seed makes the same model.

Membranes (linear, quadratic, exponential), gating and adaptation, kernels of currents and conductances, thresholds that
move, resets that set or subtract, and four ways to be refractory. Numbers are such that cells fire and stay finite.

As a program: compile models with both code generators, simulate the protocol with each, and show where they differ.

    python scripts/neurons/random_models.py --seeds 1 20
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

SEEDS = (5, 8, 9)
"""Models of the tests: all membranes, three ways to be refractory, gating, adaptation, both ways to receive spikes."""


def model(seed: int) -> tuple[str, str]:
    """Name and text of a random model."""
    rng = random.Random(seed)
    name = f"random_{seed}"
    state, equations, parameters, update, conditions = ["V_m mV = -68 mV"], [], [], ["integrate_odes()"], []
    parameters += ["C_m pF = 200 pF", "g_L nS = 10 nS", "E_L mV = -68 mV", "I_e pA = 0 pA"]
    v_th, v_reset = "V_th", "V_reset"
    parameters += ["V_th mV = -52 mV", f"V_reset mV = {rng.choice((-60, -65, -72))} mV"]

    # synapses
    terms = []
    for port, sign in (("exc", 1), ("inh", -1)):
        tau = round(rng.uniform(0.8, 6.0), 2)
        parameters.append(f"tau_{port} ms = {tau} ms")
        kernel = {
            "exponential": f"exp(-t / tau_{port})",
            "alpha": f"(e / tau_{port}) * t * exp(-t / tau_{port})",
            "beta": f"exp(-t / tau_{port}) - exp(-t / late_{port})",
        }[rng.choice(("exponential", "exponential", "alpha", "beta"))]
        flip = "-" if kernel.count("exp") == 2 else ""
        if rng.random() < 0.3:
            state.append(f"s_{port} pA = 0 pA")
            equations.append(f"s_{port}' = -s_{port} / tau_{port}")
            conditions.append((f"onReceive({port})", [f"s_{port} += {port} * {30 * sign} pA * s"]))
            terms.append(f"s_{port}")
            continue
        if flip:
            parameters.append(f"late_{port} ms = {round(tau + 2.0, 2)} ms")
        equations.append(f"kernel K_{port} = {flip}({kernel})" if flip else f"kernel K_{port} = {kernel}")
        if rng.random() < 0.5:
            E = 0 if sign > 0 else -80
            parameters.append(f"E_{port} mV = {E} mV")
            equations.append(f"inline g_{port} nS = convolve(K_{port}, {port}) * 1 nS")
            terms.append(f"g_{port} * (E_{port} - V_m)")
        else:
            equations.append(f"inline I_{port} pA = convolve(K_{port}, {port}) * {'30' if sign > 0 else '-30'} pA")
            terms.append(f"I_{port}")

    # membrane
    kind = rng.choice(("linear", "linear", "quadratic", "exponential"))
    leak = {
        "linear": "g_L * (E_L - V_m)",
        "quadratic": "k * (V_m - E_L) * (V_m - V_t)",
        "exponential": "g_L * (E_L - V_m) + g_L * D * exp(min((V_m - V_t) / D, 8.0))",
    }[kind]
    if kind != "linear":
        parameters += ["V_t mV = -55 mV"] + (["k nS/mV = 0.7 nS/mV"] if kind == "quadratic" else ["D mV = 2 mV"])
        parameters = [p.replace("V_th mV = -52", "V_th mV = -30") for p in parameters]

    # adaptation, threshold
    reset = [f"V_m = {v_reset}" if rng.random() < 0.7 or kind != "linear" else "V_m -= 14 mV"]
    if rng.random() < 0.6:
        state.append("w pA = 0 pA")
        a = rng.choice((0.0, 0.5, 2.0))
        parameters += [f"a nS = {a} nS", "b pA = 25 pA", f"tau_w ms = {rng.choice((15, 60, 140))} ms"]
        equations.append("w' = (a * (V_m - E_L) - w) / tau_w")
        terms.append("-w")
        reset.append("w += b")
    if rng.random() < 0.35:
        state.append("theta mV = 0 mV")
        parameters.append("tau_theta ms = 25 ms")
        equations.append("theta' = -theta / tau_theta")
        reset.append("theta += 3 mV")
        v_th = "V_th + theta"
    if rng.random() < 0.3:
        state.append("n real = 0")
        parameters += ["V_n mV = -50 mV", "S_n mV = 6 mV", "tau_n ms = 4 ms", "g_n nS = 8 nS", "E_n mV = -85 mV"]
        equations.append("n' = (1 / (1 + exp((V_n - V_m) / S_n)) - n) / tau_n")
        terms.append("n * g_n * (E_n - V_m)")

    total = " + ".join([leak, *terms, "I_e"]).replace("+ -", "- ")
    equations.append(f"V_m' = ({total}) / C_m")

    # refractory periods
    idiom = rng.choice(("none", "clock", "held", "usual"))
    if kind != "linear" and idiom == "clock":
        idiom = "usual"  # a potential that may not fire yet would run away
    if idiom != "none":
        parameters.append(f"t_ref ms = {rng.choice((1.0, 2.0, 3.5))} ms")
    fires = f"V_m >= {v_th}"
    if idiom == "clock":
        state.append("since ms = 1000 ms")
        equations.append("since' = 1")
        fires, reset = f"since >= t_ref and {fires}", ["since = 0 ms", *reset]
    elif idiom in ("held", "usual"):
        state.append("refr_t ms = 0 ms")
        equations.append("refr_t' = -1")
        reset.append("refr_t = t_ref")
        others = ", ".join(line.split()[0] for line in state if line.split()[0] not in ("V_m", "refr_t"))
        others = f"{others}, " if others and idiom == "usual" else ""
        update = [
            "if refr_t > 0 ms:",
            f"    integrate_odes({others}refr_t)",
            "else:",
            f"    integrate_odes({others}V_m)" if idiom == "usual" or not others else "    integrate_odes(V_m)",
        ]
        if idiom == "held":
            rest = [line.split()[0] for line in state if line.split()[0] not in ("refr_t",)]
            update[-1] = f"    integrate_odes({', '.join(rest)})"
        fires = f"refr_t <= 0 ms and {fires}"
    if rng.random() < 0.3 and "w pA = 0 pA" in state:
        reset = [*reset[:1], "if w > 150 pA:", "    w -= 20 pA", *reset[1:]]
    conditions.append((f"onCondition({fires})", [*reset, "emit_spike()"]))

    def block(head: str, lines: list[str], indent: str = "        ") -> str:
        return f"    {head}:\n" + "".join(f"{indent}{line}\n" for line in lines)

    text = f"# Random model of seed {seed}: {kind} membrane, refractory: {idiom}.\nmodel {name}:\n"
    text += block("state", state) + block("equations", equations) + block("parameters", parameters)
    text += block("input", ["exc <- spike", "inh <- spike"]) + "    output:\n        spike\n" + block("update", update)
    for condition, lines in conditions:
        text += block(condition, lines)
    return name, text


def write(folder: Path, seeds: list[int] | tuple[int, ...]) -> list[Path]:
    """Write the models of some seeds into files."""
    paths = []
    for seed in seeds:
        name, text = model(seed)
        paths.append(folder / f"{name}.nestml")
        paths[-1].write_text(text, encoding="utf-8")
    return paths


def main() -> None:
    """Compare the code generators on random models."""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import compare

    from network.experiment.nestml import parse_nestml, read_nestml

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs=2, type=int, default=(1, 20), metavar=("FIRST", "LAST"))
    parser.add_argument("--show", action="store_true", help="print the models alone")
    parser.add_argument("--keep", type=Path, help="folder for the models")
    args = parser.parse_args()
    seeds = range(args.seeds[0], args.seeds[1] + 1)
    if args.show:
        print("\n".join(model(seed)[1] for seed in seeds))
        return
    with tempfile.TemporaryDirectory(prefix="random-models-") as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        paths = write(folder, list(seeds))
        results = {}
        refused: dict[str, str] = {}
        for target in ("vectorised", "plain"):
            module, reasons = compare.built(paths, target)
            refused |= reasons
            if module is None:
                continue
            good = [path for path in paths if path.stem not in reasons]
            interfaces = {path.stem: parse_nestml(read_nestml(path), str(path)) for path in good}
            results[target] = compare.run(compare.job_of(interfaces, module))
        wrong = 0
        for path in paths:
            if path.stem in refused:
                print(f"{path.stem}: not compared: {refused[path.stem]}")
                continue
            found = compare.difference(path.stem, results["vectorised"], results["plain"])
            fine = found.steps <= 1 and found.potential < 0.01
            wrong += not fine
            print(
                f"{path.stem}: {found.n_spikes} spikes, {found.steps:g} steps, {found.potential:.2g} mV"
                f"{'' if fine else '   DIFFERENT'}"
            )
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()

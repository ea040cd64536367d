"""Valid files and overrides changed at random, by structure: what scripts/fuzz_inputs.py and a test feed to bgnest.

Everything is drawn from a given ``random.Random``, so that the same state gives the same input.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent


def pool() -> dict[str, list[str]]:
    """Nasty values, keys, names and overrides from the file beside this one, and those too long for it."""
    found: dict[str, list[str]] = {}
    for line in (HERE / "pool.txt").read_text(encoding="utf-8").splitlines():
        if line in ("[values]", "[keys]", "[names]", "[overrides]"):
            entries = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            entries.append(line)
    found["values"] += ["", "9" * 401, "-" + "9" * 5000, "0x" + "f" * 500, f'"{"x" * 3000}"', f"'{'a/' * 300}'"]
    found["values"] += ["[" * 500 + "]" * 500, "{a: " * 60 + "1" + "}" * 60]
    found["keys"] += ["x" * 2000]
    found["names"] += ["", "x" * 300, "x" * 300 + ".yaml", "a\nb.yaml", "\udcff", "\udcff.yaml"]
    return found


POOL = pool()


def seeds(kind: str) -> list[str]:
    """Valid files of a kind from the file of seeds."""
    parts = (HERE / "seeds.yaml").read_text(encoding="utf-8").split("--- # ")[1:]
    return [text_ for name, _, text_ in (part.partition("\n") for part in parts) if name == kind]


EXPERIMENTS, SCANS, (SEARCH,) = seeds("experiment"), seeds("scan"), seeds("search")


class Pairs(list):  # type: ignore[type-arg]
    """Mapping that can have a key twice: [key, value] as text and node."""


def tree(node: Any) -> Any:
    """What the mutations work on, from PyYAML's nodes."""
    if isinstance(node, yaml.MappingNode):
        return Pairs([tree(key), tree(value)] for key, value in node.value)
    if isinstance(node, yaml.SequenceNode):
        return [tree(item) for item in node.value]
    return json.dumps(node.value) if node.style in ("'", '"') else node.value


def text(node: Any, depth: int = 0) -> str:
    """YAML text: blocks outside, so that lines differ, flow inside."""
    if isinstance(node, Pairs):
        if depth < 2 and node:
            return "\n" + "\n".join("  " * depth + f"{key}: {text(value, depth + 1)}" for key, value in node)
        return "{" + ", ".join(f"{key}: {text(value, 9)}" for key, value in node) + "}"
    return "[" + ", ".join(text(item, 9) for item in node) + "]" if isinstance(node, list) else str(node)


def places(node: Any) -> list[tuple[Any, int]]:
    """All mappings and lists with the index of each of their entries."""
    found: list[tuple[Any, int]] = []
    if isinstance(node, list):
        for k, item in enumerate(node):
            found.append((node, k))
            found += places(item[1] if isinstance(node, Pairs) else item)
    return found


def mutate(rng: random.Random, given: str, times: int = 1) -> str:
    """YAML text with some keys and values changed."""
    root = tree(yaml.compose(given))
    for _ in range(times):
        found = places(root)
        if not found:
            break
        parent, k = rng.choice(found)
        action = rng.choice(
            ["value", "value", "number", "number", "number", "key", "remove", "repeat", "insert", "swap"]
        )
        other = rng.choice(found)
        if action == "value":
            replace(parent, k, rng.choice(POOL["values"]))
        elif action == "number":
            numbers = [place for place in found if is_numeric(place[0][place[1]])]
            replace(*rng.choice(numbers or found), some_number(rng))
        elif action == "key" and isinstance(parent, Pairs):
            parent[k] = [rng.choice(POOL["keys"]), parent[k][1]]
        elif action == "remove":
            del parent[k]
        elif action == "repeat":
            parent.insert(k, parent[k])
        elif action == "insert":
            value = rng.choice(POOL["values"])
            parent.insert(k, [rng.choice(POOL["keys"]), value] if isinstance(parent, Pairs) else value)
        else:
            moved = other[0][other[1]] if other[1] < len(other[0]) else "x"
            moved = moved[1] if isinstance(other[0], Pairs) and isinstance(moved, list) else moved
            if not any(inner[0] is parent for inner in places(moved)) and moved is not parent:
                replace(parent, k, moved)
    return text(root).lstrip("\n") + "\n"


def is_numeric(entry: Any) -> bool:
    value = entry[1] if isinstance(entry, list) and len(entry) == 2 else entry
    return isinstance(value, str) and value.replace(".", "").replace("-", "").isdigit()


def some_number(rng: random.Random) -> str:
    """Number of any magnitude, so that what is valid by itself meets what does not fit it."""
    number = rng.choice([1, 1, 1, -1]) * 10.0 ** rng.uniform(-20, 20) if rng.randrange(3) else rng.uniform(0, 300)
    return str(int(number)) if rng.randrange(2) else f"{number:.6e}" if rng.randrange(2) else f"{number:.1f}"


def replace(parent: Any, k: int, value: Any) -> None:
    parent[k] = [parent[k][0], value] if isinstance(parent, Pairs) else value


def bomb(rng: random.Random) -> str:
    """Text of a file that is harmless to look at and large once it is read: alone, or within a valid experiment."""
    n, deep = rng.choice([3, 8, 20, 60]), rng.choice([30, 99, 101, 500, 5000])
    key = rng.choice(["meta", "network", "populations", "projections", "x", "recording", "simulation"])
    made = rng.choice(
        [
            # each line doubles or multiplies the one before
            "a0: &a0 [x]\n" + "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, n)),
            "a0: &a0 {x: 1}\n" + "".join(f"a{k}: &a{k} {{y: *a{k - 1}, z: *a{k - 1}}}\n" for k in range(1, n)),
            "a0: &a0 {x: 1}\n" + "".join(f"a{k}: &a{k} {{<<: [*a{k - 1}, *a{k - 1}], b{k}: 1}}\n" for k in range(1, n)),
            f"{key}: &me {{a: *me}}\n",
            f"{key}: &me [*me, *me]\n",
            f"{key}: {'[' * deep}{']' * deep}\n",
            f"{key}: {'{a: ' * deep}1{'}' * deep}\n",
            "".join(f"{' ' * k}a:\n" for k in range(min(deep, 600))),
            f"{key}: {'- ' * min(deep, 600)}x\n",
            f"{key}: {{{', '.join(f'k{i}: {i}' for i in range(deep))}}}\n",
            f"{key}: {'9' * 50 * deep}\n",
            f"{key}: !!int '{'9' * 20 * deep}'\n",
            f"{key}: 1e{'9' * deep}\n",
            f"{key}: '{'x' * 100 * deep}'\n",
            f"'{'k' * 20 * deep}': 1\n",
            f"{key}: 1\n" * deep,
            f"{key}: {{a: 1}}\n--- {{b: 2}}\n" * n,
            f"{key}: {{populations: {{range: [0, {'9' * n}]}}}}\n",
            f"{key}: 1:{':'.join(['59'] * deep)}\n",
            f"? {'[' * deep}{']' * deep}\n: 1\n",
            "%TAG ! tag:x,2000:\n---\n" + f"{key}: !{'a' * deep} 1\n",
        ]
    )
    return made if rng.randrange(2) else rng.choice(EXPERIMENTS) + "\n" + made


def damage(rng: random.Random, given: str) -> bytes:
    """Bytes of a file: now and then cut, re-encoded or with bytes changed."""
    raw = given.encode("utf-8", errors="surrogatepass")
    how = rng.randrange(24)
    if how == 0:
        return raw[: rng.randrange(len(raw) + 1)]
    if how == 1:
        return given.encode(rng.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig"]), errors="replace")
    if how == 2:
        at = rng.randrange(len(raw) + 1)
        return raw[:at] + rng.choice([b"\0", b"\xe4", b"\xff\xfe", b"\t", b"\n---\n", b"\r", b"%YAML 9.9\n"]) + raw[at:]
    if how == 3:
        changed = bytearray(raw)
        for _ in range(rng.randrange(1, 5)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        return bytes(changed)
    return raw


def override(rng: random.Random) -> str:
    """One KEY=VALUE, valid or not."""
    key, _, value = rng.choice(POOL["overrides"]).partition("=")
    how = rng.randrange(5)
    if how == 0:
        keys = key.split(".")
        keys[rng.randrange(len(keys))] = rng.choice([*POOL["keys"], "", "*"])
        key = ".".join(keys)
    elif how < 4:
        value = rng.choice(POOL["values"])
    return f"{key}={value}" if rng.randrange(30) else rng.choice(["", "=", "x", f"{key}", f"={value}", "." * 50 + "=1"])

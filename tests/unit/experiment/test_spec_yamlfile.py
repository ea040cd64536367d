"""Files that no experiment needs are refused with their line and key, and read in little time and memory."""

import pytest

from network.analysis.targets.windows import load_targets
from network.errors import SpecError
from network.experiment import list_variants, load_experiment, yamlfile
from network.experiment.limits import MAX_DEPTH
from network.experiment.yamlfile import read_yaml
from network.plans import make_plan

BASE = "overlay_of: tiny/base\n"

REFUSED = {
    "two sources": ("projections: {P_to_Q: {source: [P, Q]}}", "mine.yaml:2: projections.P_to_Q.source: must be text"),
    "source that is a mapping": ("projections: {P_to_Q: {source: {P: Q}}}", "mine.yaml:2: projections.P_to_Q.source"),
    "target that is a list": ("inputs: {X_to_P: {target: [P]}}", "mine.yaml:2: inputs.X_to_P.target: must be text"),
    "list in a group": ("groups: {g: [[P]]}", "mine.yaml:2: groups.g.0: must be text"),
    "list in the variables": (
        "recording: {traces: {P: {variables: [[V_m]]}}}",
        "recording.traces.P.variables.0: must be text",
    ),
    "parameter that is a list": (
        "populations: {P: {initial: {V_m: {relative_to: [V_th]}}}}",
        "mine.yaml:2: populations.P.initial.V_m.relative_to: must be text",
    ),
    "kind that is a list": (
        "network: {dopamine_schedule: {kind: [pulse]}}",
        "mine.yaml:2: network.dopamine_schedule: kind must be one of: steps, pulse, ramp, piecewise",
    ),
    "date that is none": ("meta: {title: 2024-13-01}", "mine.yaml:2: meta.title: 2024-13-01 is a date for YAML; put"),
    "date": (
        "meta: {title: 2024-01-01}",
        "mine.yaml:2: meta.title: 2024-01-01 is a date for YAML; put text into quotes",
    ),
    "whole number without digits": (
        "simulation: {t_sim: !!int ''}",
        "mine.yaml:2: simulation.t_sim: '' is not a whole",
    ),
    "number that is text": ("simulation: {t_sim: !!float x}", "mine.yaml:2: simulation.t_sim: 'x' is not a number"),
    "maybe": ("meta: {title: !!bool maybe}", "mine.yaml:2: meta.title: 'maybe' is not true or false"),
    "object": ("meta: {title: !!python/name:os.system x}", "mine.yaml:2: meta.title: the tag !!python/name:os.system"),
    "bytes": ("meta: {title: !!binary '%'}", "mine.yaml:2: meta.title: the tag !!binary is not known here"),
    "set": ("groups: !!set {P, Q}", "mine.yaml:2: groups: the tag !!set is not known here"),
    "factor of 400 digits": (
        f"projections: {{P_to_Q: {{weight: {{scale: 1{'0' * 400}}}}}}}",
        "mine.yaml:2: projections.P_to_Q.weight.scale: a number of 401 characters is too long",
    ),
    "large factor": (
        "projections: {P_to_Q: {weight: {scale: 1.0e+30}}}",
        "mine.yaml:2: projections.P_to_Q.weight.scale: 1e+30 is too large; numbers go up to 1e+18",
    ),
    "large product": (
        "projections: {P_to_Q: {weight: {scale: 1.0e+18}}}",
        "mine.yaml:2: projections.P_to_Q.weight: scale gives a value that cannot be: 2e+18 is too large",
    ),
    "large number in a small unit": (
        "simulation: {t_sim: 1.0e+17 s}",
        "mine.yaml:2: simulation.t_sim: 1e+20 is too large",
    ),
    "time without end": ("simulation: {t_presim: 1.0e+308}", "mine.yaml:2: simulation.t_presim: 1e+308 is too large"),
    "thousand years": ("simulation: {t_sim: 3.0e+13}", "mine.yaml:2: simulation.t_sim: 3e+13 ms must be at most 1e+12"),
    "more cells than a brain": (
        "network: {n_neurons: 1.0e+12}",
        "mine.yaml:2: network.n_neurons: 1e+12 must be at most 1e+11",
    ),
    "in-degree of millions": (
        "network: {small_network: multapses}\nprojections: {P_to_Q: {in_degree: 1.0e+17}}",
        "mine.yaml:3: projections.P_to_Q.in_degree: 1e+17 must be at most 1e+11",
    ),
    "delay that fills memory": (
        "inputs: {X_to_P: {delay: 1.0e+9}}",
        "mine.yaml:2: inputs.X_to_P.delay: 1e+09 ms must be at",
    ),
    "cells to record": ("recording: {traces: {P: {cells: 10000000000}}}", "recording.traces.P.cells"),
    "interval that is nothing": (
        "recording: {traces: {P: {interval: 1.0e-9}}}",
        "mine.yaml:2: recording.traces.P.interval: 1e-09 ms is not a multiple of the resolution",
    ),
    "actions": ("network: {actions: {n: 1.0e+9, populations: [P]}}", "network.actions.n: 1e+09 must be at most 10000"),
    "ramp in tiny steps": (
        "network: {dopamine_schedule: {kind: ramp, start: 0, duration: 100, level: 0.1, interval: 1.0e-9}}",
        "mine.yaml:2: network.dopamine_schedule: 1e+11 changes during the run; 10,000 are possible",
    ),
    "pulses without end": (
        "network: {dopamine_schedule: {kind: pulse, start: 0, duration: 1.0e-10, level: 0.1, period: 1.0e-9}}",
        "mine.yaml:2: network.dopamine_schedule: 6e+11 changes during the run; 10,000 are possible",
    ),
    "sine within a step": (
        "inputs: {X_to_P: {modulation: {kind: sine, frequency: 1.0e+9, amplitude: 0.1}}}",
        "mine.yaml:2: inputs.X_to_P.modulation.frequency: repeats every 1e-06 ms, within the resolution of 0.1 ms",
    ),
    "zero in front": ("simulation: {seed: 010}", "mine.yaml:2: simulation.seed: 010 is 8 for YAML"),
    "minutes": ("simulation: {seed: 1:30}", "mine.yaml:2: simulation.seed: 1:30 is 90 for YAML"),
    "key that is a list": ("meta: {[a]: 1}", "mine.yaml:2: meta: a key must be a name, not a mapping or a list"),
    "key that is a mapping": ("{a: 1}: 2", "mine.yaml:2: a key must be a name"),
    "tab": ("meta:\n\ttitle: a", "(the line has a tab; YAML is indented with blanks)"),
    "key twice": ("meta: {title: a, title: b}", "mine.yaml:2: meta.title: the key is given twice"),
    "merged twice": (
        "meta: {a: &a {title: a}, b: &b {title: b}, c: {<<: *a, <<: *b}}",
        "mine.yaml:2: meta.c.<<: the key is given twice; write <<: [*one, *other]",
    ),
    "merging text": ("meta: {<<: text}", "mine.yaml:2: meta.<<: only mappings can be merged"),
    "numbers as keys": ("1: 2", "mine.yaml:2: 1: unknown key"),
    "key with a line break": ('"a\\nb": 1', "mine.yaml:2: a\\nb: unknown key"),
    "look-alike": ("populations: {'Р': {label: x}}", "mine.yaml:2: populations.Р: 'Р' is not a name"),
    "alias of itself": ("meta: {title: &a [*a]}", "mine.yaml:2: meta.title.0: *a stands for a value that contains it"),
    "alias of nothing": ("meta: {title: *a}", "mine.yaml:2: meta.title: *a: no value before is called &a"),
    "terminal sequence": ('meta: {title: "\\e[31m"}', "mine.yaml:2: meta.title: a control character in the text"),
    "second document": ("---\nmeta: {title: x}", "mine.yaml:2: a second document starts here"),
    "variants that are a list": ("variants: [a]", "mine.yaml:2: variants: must be a mapping of variants, not ['a']"),
    "variant that is text": (
        "variants: {a: text}",
        "mine.yaml:2: variants.a: must be a mapping with title and changes",
    ),
    "changes that are text": (
        "variants: {a: {changes: text}}",
        "mine.yaml:2: variants.a.changes: must be a mapping, not",
    ),
    "key of a variant": ("variants: {a: {change: {}}}", "variants.a.change: unknown key; did you mean 'changes'?"),
    "include that is a number": ("include: 5", "mine.yaml:2: include: must be the name of a file, not 5"),
    "include that is no file": (f"include: [{'x' * 300}]", "mine.yaml:2: include: no file"),
    "quantity that is a mapping": (
        "network: {n_neurons: {value: {value: 1}}}",
        "mine.yaml:2: network.n_neurons.value: must be a number",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_odd_value_is_refused_with_its_line_and_key(tiny_params, tmp_path, case):
    text, message = REFUSED[case]
    (tmp_path / "mine.yaml").write_text(BASE + text + "\n")
    with pytest.raises(SpecError) as caught:
        make_plan(load_experiment(tmp_path / "mine.yaml"))
    assert any(message in problem for problem in caught.value.problems), caught.value.problems
    assert all("\n" not in problem for problem in caught.value.problems)


@pytest.mark.parametrize("opening", ["[", "{a: "])
@pytest.mark.parametrize("depth", [500, 5000])
def test_deep_nesting_is_refused(tmp_path, opening, depth):
    (tmp_path / "deep.yaml").write_text(f"note: {opening * depth}")
    with pytest.raises(
        SpecError, match=rf"deep.yaml:1: note.*: more than {MAX_DEPTH} mappings and lists inside one another"
    ):
        read_yaml(tmp_path / "deep.yaml", "deep.yaml")


def test_deep_blocks_are_refused(tmp_path):
    (tmp_path / "deep.yaml").write_text("\n".join(" " * n + "a:" for n in range(1000)))
    with pytest.raises(SpecError, match=rf"deep.yaml:{MAX_DEPTH + 1}: a.a.a.*inside one another"):
        read_yaml(tmp_path / "deep.yaml", "deep.yaml")


@pytest.mark.parametrize("line", ["x{n}: &x{n} [{names}]", "x{n}: &x{n} {{<<: [{names}]}}"])
def test_aliases_of_aliases_are_counted_before_they_fill_memory(tmp_path, monkeypatch, line):
    monkeypatch.setattr(yamlfile, "MAX_VALUES", 20_000)
    lines = ["x0: &x0 {a: 1, b: 2}"]
    lines += [line.format(n=n, names=", ".join([f"*x{n - 1}"] * 9)) for n in range(1, 12)]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines))
    with pytest.raises(SpecError, match=r"bomb.yaml:\d+: x\d+.*more than 20,000 values up to here"):
        read_yaml(tmp_path / "bomb.yaml", "bomb.yaml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("meta: {title: ä}".encode("latin-1"), "odd.yaml: is not a text file (UTF-8): byte 0xe4 in line 1"),
        (b"a: 1\nb: \xff\n", "byte 0xff in line 2"),
        ("meta: {title: x}".encode("utf-16"), "odd.yaml: is not a text file (UTF-8): it starts as UTF-16 does"),
        (b"a: 1\nb: x\0y\n", "odd.yaml:2: not YAML: a control character, '\\x00'"),
        (b"just text", "odd.yaml: the file must be a mapping of sections, not a str"),
        (b"a: [1\n", "odd.yaml:2: not YAML: "),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, content, message):
    (tmp_path / "odd.yaml").write_bytes(content)
    with pytest.raises(SpecError) as caught:
        read_yaml(tmp_path / "odd.yaml", "odd.yaml")
    assert message in str(caught.value)


def test_a_folder_and_a_file_of_100_megabytes_are_refused_unread(tmp_path):
    with pytest.raises(SpecError, match=r"^folder: is a folder$"):
        read_yaml(tmp_path, "folder")
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(SpecError, match=r"^large\.yaml: has 100 MB; a file of parameters has 10 at most"):
        read_yaml(tmp_path / "large.yaml", "large.yaml")


def test_what_is_written_is_what_is_read(tmp_path):
    text = (
        "\ufeffcell: &cell {C_m: 1.5, note: 'é', on: yes}\nother: {<<: *cell, C_m: 2}\nlist: [*cell, ~, 1e-3, .inf]\n"
    )
    (tmp_path / "good.yaml").write_text(text, encoding="utf-8")
    data, lines = read_yaml(tmp_path / "good.yaml", "good.yaml")
    cell = {"C_m": 1.5, "note": "é", "on": True}
    assert data == {"cell": cell, "other": {**cell, "C_m": 2}, "list": [cell, None, "1e-3", float("inf")]}
    assert lines["cell", "on"] == 1 and lines["other", "C_m"] == 2 and lines["other", "note"] == 1


OVERRIDES = {
    "meta.title=2024-13-01": "command line (meta.title=2024-13-01): meta.title: 2024-13-01 is a date for YAML",
    "simulation.seed=": "command line: 'simulation.seed=' has no value; null takes an entry away",
    "meta.title=!!bool maybe": "meta.title: 'maybe' is not true or false",
    "meta.title=&a [*a]": "meta.title.0: *a stands for a value that contains it",
    f"meta.title={'[' * 500}": "more than 40 mappings and lists inside one another",
    f"network.n_neurons={'9' * 400}": "network.n_neurons: a number of 400 digits is too large",
    "network.n_neurons=1e30": "network.n_neurons: 1e+30 is too large",
    "projections.P_to_Q.source=[P]": "projections.P_to_Q.source: must be text",
    "simulation.t_sim=1e308": "simulation.t_sim: 1e+308 is too large",
    "simulation.t_sim={scale: []}": "simulation.t_sim: scale must be a number, not []",
    "meta.title=\udcff": "a control character, '\\udcff'",
    "a\nb=1": "'a\\nb' is not KEY.PATH=VALUE",
    f"{'a.' * 100}b=1": "is not KEY.PATH=VALUE",
}


@pytest.mark.parametrize("text", OVERRIDES)
def test_the_same_holds_for_the_command_line(tiny_params, text):
    with pytest.raises(SpecError) as caught:
        load_experiment("tiny", (), [text])
    assert any(OVERRIDES[text] in problem for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize("name", ["x" * 300, f"{'x' * 300}.yaml", "~nobody-there/x.yaml", "a\0b.yaml", "..", ""])
def test_names_that_are_no_files_are_refused(tiny_params, name, tmp_path, monkeypatch):
    (tmp_path / "nothing" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "nothing" / "here")
    with pytest.raises(SpecError, match=r"no (file|experiment)"):
        load_experiment(name)
    with pytest.raises(SpecError, match="no overlay"):
        load_experiment("tiny", [name])


def test_an_unreadable_neighbour_does_not_hide_the_overlays(tiny_params):
    (tiny_params / "tiny" / "folder.yaml").mkdir()
    (tiny_params / "tiny" / "latin.yaml").write_bytes(b"# \xe4\n")
    (tiny_params / "tiny" / "overlays" / "less.yaml").write_text(
        "overlay_of: tiny/base\nnetwork: {dopamine: {value: 0.1, unit: 1, source: book}}\n"
    )
    assert load_experiment("tiny", ["less"]).network.dopamine.value == 0.1


def test_a_number_beyond_its_limit_is_not_called_a_missing_list(tiny_params):
    with pytest.raises(SpecError, match=r"cells: 1000000000 must be at most 1000000\n"):
        load_experiment("tiny", (), ["recording.traces.P.cells=1000000000"])


def test_variants_without_changes_or_title_are_valid(tiny_params, tmp_path):
    (tmp_path / "mine.yaml").write_text(f"{BASE}variants: {{a: ~, b: {{changes: ~}}, c: {{title: see}}}}\n")
    assert list_variants(tmp_path / "mine.yaml") == {"a": "", "b": "", "c": "see"}
    assert load_experiment(f"{tmp_path}/mine.yaml@a").name == "mine-a"


TARGETS = (
    "report_order: [P]\nstates:\n  rest:\n    acceptance: {assumed: x, n_neurons: 9, populations: {P: {low: LOW}}}\n"
)


def test_targets_and_sources_are_refused_with_their_lines(tiny_params):
    (tiny_params / "tiny" / "targets.yaml").write_text(TARGETS.replace("LOW", "few"))
    with pytest.raises(SpecError) as caught:
        load_targets("tiny", "rest")
    assert caught.value.problems == (
        "tiny/targets.yaml:4: states.rest.acceptance.populations.P.low: must be a number, not 'few'",
        "tiny/targets.yaml:4: states.rest.acceptance.populations.P.high: is missing",
    )
    (tiny_params / "sources.yaml").write_text("book:\n  what: a book\n  dio: 10.1\n")
    with pytest.raises(SpecError, match=r"sources.yaml:3: book.dio: unknown key; did you mean .doi."):
        load_experiment("tiny")


@pytest.mark.parametrize("folder", ["nosuch", "~nobody-there", "a file", "x" * 300])
def test_folders_of_parameters_that_are_none_are_passed_over(tiny_params, tmp_path, monkeypatch, folder):
    (tmp_path / "a file").touch()
    monkeypatch.setenv("BGNEST_PARAMS", folder if folder.startswith("~") else str(tmp_path / folder))
    assert load_experiment("tiny").name == "tiny-base"
    with pytest.raises(SpecError, match="no experiment"):
        load_experiment("nosuch")


def test_many_changes_are_made_in_little_time(tiny_params, tmp_path):
    times = ", ".join(f"{n}.0" for n in range(1, 9001))
    levels = ", ".join(["0.2", "0.4"] * 4500)
    (tmp_path / "mine.yaml").write_text(
        f"{BASE}simulation: {{t_sim: 10000}}\nnetwork: {{dopamine_schedule: {{kind: steps, "
        f"times: {{value: [{times}], unit: ms}}, levels: {{value: [{levels}], unit: 1}}}}}}\n"
    )
    segments = make_plan(load_experiment(tmp_path / "mine.yaml")).segments
    assert len(segments) == 9000 and segments[-1].time == 9000.0 and segments[-1].dopamine == 0.4

"""Whatever is written into a parameter file: it is valid, or SpecError says what is wrong, soon."""

import importlib.util
import json
import signal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from network.errors import SpecError
from network.experiment import load_experiment
from network.plans import make_plan
from network.plans.codec import plan_from_dict

FILE = Path(__file__).parents[3] / "scripts" / "fuzz" / "mutate.py"
SECONDS = 10

spec = importlib.util.spec_from_file_location("fuzz_mutate", FILE)
fuzz = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fuzz)

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
randoms = st.randoms(use_true_random=False)


def is_valid(name, overlays=(), overrides=()):
    """Whether an experiment can be planned; anything but SpecError is an error, a minute is one, too."""

    def give_up(*_):
        raise TimeoutError(f"no answer within {SECONDS} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    try:
        plan = make_plan(load_experiment(name, overlays, overrides))
        assert plan_from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    except SpecError as error:
        assert error.problems and all(problem.isprintable() for problem in error.problems)
        return False
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return True


def test_the_files_that_are_changed_are_valid(tiny_params, tmp_path):
    for text in fuzz.EXPERIMENTS:
        (tmp_path / "mine.yaml").write_text(text)
        assert is_valid(tmp_path / "mine.yaml")


@quick
@given(rng=randoms, text=st.sampled_from(fuzz.EXPERIMENTS), times=st.integers(1, 3))
def test_a_changed_file_is_valid_or_refused(tiny_params, tmp_path, rng, text, times):
    (tmp_path / "mine.yaml").write_bytes(fuzz.damage(rng, fuzz.mutate(rng, text, times)))
    is_valid(tmp_path / "mine.yaml")


@quick
@given(rng=randoms)
def test_a_changed_override_is_valid_or_refused(tiny_params, rng):
    is_valid("tiny", (), [fuzz.override(rng), fuzz.override(rng)])


@settings(quick, max_examples=15)
@given(rng=randoms)
def test_what_grows_when_it_is_read_is_refused_soon(tiny_params, tmp_path, rng):
    (tmp_path / "mine.yaml").write_bytes(fuzz.bomb(rng).encode("utf-8", errors="surrogatepass"))
    assert not is_valid(tmp_path / "mine.yaml")

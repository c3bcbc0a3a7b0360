"""How many threads a training takes; a machine is a function from their number to the seconds of a step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from embedded_aws.sagemaker.containers.image_classification.threads import ThreadChooser, counts_to_try

Machine = Callable[[int], float]


def quiet(threads: int) -> float:
    return {1: 0.047, 2: 0.028}[threads]  # measured on two cores


def busy(threads: int) -> float:
    return {1: 0.082, 2: 0.337}[threads]  # measured on two cores, beside two processes that compute


def train(chooser: ThreadChooser, machine: Machine, seconds: float, images: int = 32) -> Counter[int]:
    """Train for a time; returns the seconds that each number of threads had."""
    spent: Counter[int] = Counter()
    while spent.total() < seconds:
        threads = chooser.threads
        spent[threads] += machine(threads)  # type: ignore[assignment]  # a counter of seconds
        chooser.took(machine(threads), images)
    return spent


def steps_a_second(chooser: ThreadChooser, machine: Machine, seconds: float) -> float:
    spent = train(chooser, machine, seconds)
    return sum(time / machine(threads) for threads, time in spent.items()) / spent.total()


@pytest.mark.parametrize(("machine", "fastest"), [(quiet, 2), (busy, 1)])
def test_the_faster_number_has_nearly_all_the_time(machine: Machine, fastest: int) -> None:
    chooser = ThreadChooser((2, 1))
    assert steps_a_second(chooser, machine, 60) > 0.9 / machine(fastest)


def test_timing_costs_little_where_nothing_else_runs() -> None:
    assert steps_a_second(ThreadChooser((2, 1)), quiet, 60) > 0.97 / quiet(2)


def test_where_a_step_takes_seconds_few_are_spent_on_the_slower_number() -> None:
    def overloaded(threads: int) -> float:
        return {1: 0.5, 2: 8.0}[threads]

    spent = train(ThreadChooser((2, 1)), overloaded, 60)
    assert spent[2] == 2 * 8.0  # one step after the change, and one that is timed


def test_it_follows_what_the_machine_does() -> None:
    chooser = ThreadChooser((2, 1))
    for machine, fastest in ((quiet, 2), (busy, 1), (quiet, 2), (busy, 1)):
        train(chooser, machine, 30)
        assert steps_a_second(chooser, machine, 60) > 0.9 / machine(fastest)


def test_of_many_cores_it_takes_as_many_as_help() -> None:
    def small_images(threads: int) -> float:
        return 0.1 / threads + 0.002 * threads**2  # least with 3

    chooser = ThreadChooser((32, 16, 8, 4, 2, 1))
    train(chooser, small_images, 30)
    spent = train(chooser, small_images, 60)
    assert spent[4] > 0.8 * spent.total()


def test_a_slow_step_now_and_then_changes_nothing() -> None:
    chooser, steps = ThreadChooser((2, 1)), iter(range(10_000))
    spent = train(chooser, lambda threads: quiet(threads) * (20 if next(steps) % 17 == 0 else 1), 100)
    assert spent[2] > 0.9 * spent.total()


def test_a_smaller_last_batch_is_not_taken_for_a_faster_one() -> None:
    chooser = ThreadChooser((2, 1))
    for step in range(2_000):
        images = 2 if step % 3 else 32
        chooser.took(quiet(chooser.threads) * images / 32, images)
    assert train(chooser, quiet, 60)[2] > 50


@pytest.mark.parametrize(
    ("variables", "most", "counts"),
    [
        ({}, 1, (1,)),
        ({}, 2, (2, 1)),
        ({}, 12, (12, 6, 3, 1)),
        ({"OMP_NUM_THREADS": "2"}, 2, (2,)),
    ],
)
def test_the_numbers_are_halves_of_what_the_machine_has(
    variables: dict[str, str], most: int, counts: tuple[int, ...]
) -> None:
    assert counts_to_try(variables, most) == counts


def test_a_number_that_a_person_set_stays() -> None:
    chooser = ThreadChooser((2,))
    assert set(train(chooser, busy, 100)) == {2}

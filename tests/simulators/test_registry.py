"""Simulators are found by their folder."""

from __future__ import annotations

import pytest

from conjunct.simulators import InvalidOption, SimulatorOptions, UnknownSimulator, create, names


def test_hubspot_is_discovered():
    assert "hubspot" in names()


def test_every_discovered_simulator_can_be_created_and_ends_with_a_catch_all_route():
    for name in names():
        routes = create(name, SimulatorOptions(records=10)).routes()
        assert (routes[-1].method, routes[-1].path) == ("*", "/{path:.*}")


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(UnknownSimulator, match=r"there are: .*hubspot"):
        create("butterflies", SimulatorOptions())


@pytest.mark.parametrize(
    "options",
    [
        {"records": -1},
        {"latency": -0.1},
        {"rate_limit": 0},
        {"token_lifetime": 0},
        {"fail": ("500:2",)},
        {"fail": ("sometimes",)},
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(InvalidOption):
        SimulatorOptions(**options)

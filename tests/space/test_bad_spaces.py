"""A malformed space: one message, all faults, the nearest known key."""

from copy import deepcopy
from pathlib import Path

import pytest

from autocompress.errors import SpaceError
from autocompress.space import parse_space, read_space, resolve

GOOD = {
    "schema_version": 1,
    "name": "tiny",
    "choice": [
        {"name": "gpt.keep.{layer}", "kind": "flag", "role": "layer", "each": {"layer": "gpt.layers"}},
        {"name": "gpt.ffn", "kind": "width", "role": "ffn", "of": "gpt.ffn", "ratios": [0.5]},
    ],
    "protect": {"ffn": {"choices": ["gpt.ffn"], "floor": 0.5, "reason": "since"}},
    "cost": [{"choices": ["gpt.ffn"]}],
}
DIMENSIONS = {"gpt.layers": 2, "gpt.ffn": 64}


def spoiled(change) -> dict:
    fields = deepcopy(GOOD)
    change(fields)
    return fields


def parse_and_resolve(fields: dict) -> None:
    resolve(parse_space(fields, "tiny.toml"), DIMENSIONS)


def test_the_good_space_is_accepted() -> None:
    parse_and_resolve(GOOD)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.update(chioce=[]), r"unknown key 'chioce'; nearest known: 'choice'"),
        (lambda f: f["choice"][1].update(ratio=[1]), r"choice gpt\.ffn.*'ratio'; nearest known: 'ratios'"),
        (lambda f: f["choice"][1].update(ratios=[]), r"choice gpt\.ffn: ratios are empty"),
        (lambda f: f["choice"][1].update(kind="categorical", options=[]), "options are empty"),
        (lambda f: f["choice"][1].update(kind="int", low=5, high=3), "low 5 lies above high 3"),
        (lambda f: f["choice"][1].pop("of"), "kind 'width' needs of"),
        (
            lambda f: f["choice"][1].update(of="gpt.fnn"),
            r"no dimension 'gpt\.fnn'; nearest known: 'gpt\.ffn'",
        ),
        (lambda f: f["choice"][1].update(when={"gpt.kep": [True]}), "not an earlier choice"),
        (lambda f: f["choice"][1].update(when={"gpt.keep.0": ["yes"]}), "never has 'yes'"),
        (lambda f: f["choice"].append(deepcopy(f["choice"][1])), "named twice"),
        (
            lambda f: f["choice"][1].update(kind="ordinal", options=["a"], only_with={"b": "gpt.layers"}),
            "only_with names b, not among its options",
        ),
        (lambda f: f["protect"]["ffn"].update(floor=0.9, ceiling=0.5), "floor 0.9 lies above ceiling 0.5"),
        (lambda f: f["protect"]["ffn"].update(reason=""), r"protect\.ffn\.reason"),
        (
            lambda f: f["protect"]["ffn"].update(choices=["gpt.fnn"]),
            r"matches no choice; nearest: 'gpt\.ffn'",
        ),
        (lambda f: f["protect"]["ffn"].update(floor=None, ceiling=0.1), "closes every option"),
        (lambda f: f["protect"]["ffn"].update(unless={"gpt.nothing": [1]}), "unless names"),
        (lambda f: f["cost"][0].update(choices=["gpt.fnn"]), "cost: 'gpt.fnn' matches no choice"),
    ],
)
def test_a_bad_space_is_refused_by_name_and_reason(change, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        parse_and_resolve(spoiled(change))


def test_all_faults_are_listed_together() -> None:
    def change(fields: dict) -> None:
        fields["choise"] = 1
        fields["choice"][1]["ratios"] = []
        fields["protect"]["ffn"]["reason"] = ""

    with pytest.raises(SpaceError, match=r"3 fault\(s\)"):
        parse_and_resolve(spoiled(change))


def test_an_unknown_key_hides_no_other_fault_of_its_table() -> None:
    def change(fields: dict) -> None:
        fields["choice"][1].update(ratios=[], multipleof=8)
        fields["protect"]["ffn"].update(floor=0.9, ceiling=0.5, keeep=1)

    with pytest.raises(SpaceError) as found:
        parse_and_resolve(spoiled(change))
    for words in ("4 fault(s)", "'multipleof'", "ratios are empty", "'keeep'", "floor 0.9 lies above"):
        assert words in str(found.value)


def test_tables_that_are_no_tables_are_refused_together() -> None:
    def change(fields: dict) -> None:
        fields["choice"][0] = "gpt.keep"
        fields["protect"] = {"ffn": 3}

    with pytest.raises(SpaceError, match=r"2 fault\(s\)"):
        parse_and_resolve(spoiled(change))


def test_an_unknown_override_is_refused_with_the_nearest() -> None:
    with pytest.raises(SpaceError, match="no protection is named 'fnn'; nearest: 'ffn'"):
        resolve(parse_space(GOOD, "tiny.toml"), DIMENSIONS, override=["fnn"])


def test_an_unknown_space_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SpaceError, match="Did you mean 'quick'"):
        read_space("quik")


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("name = ")
    with pytest.raises(SpaceError, match="cannot read the search space"):
        read_space(path)

import dataclasses

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.errors import WirelessFMError
from wirelessfm.tasks import CASES, LosTask, SitePaths, case_data, get_task

CITIES = {name: LosTask().build([make_site(200, seed=i, scene=name, area_m=300.0)]) for i, name in enumerate("abc")}


def domains(split_part, data):
    return set(data.truth.domain[split_part].tolist())


def test_every_case_is_tested_on_the_same_users_of_the_target():
    datas = {case: case_data(CITIES, case, "b") for case in CASES}
    splits = {case: data.split(3) for case, data in datas.items()}
    for case, split in splits.items():
        assert torch.equal(split.test, splits["1"].test) and domains(split.test, datas[case]) == {1}
        assert datas[case].scenes == ("b",) and datas[case].case == case
        assert not set(split.train.tolist()) & set(split.test.tolist())
    assert domains(splits["1"].train, datas["1"]) == {1}
    assert domains(splits["2"].train, datas["2"]) == {0, 2}
    assert domains(splits["3"].train, datas["3"]) == {0, 1, 2}
    little = datas["2A"].truth.domain[splits["2A"].train] == 1
    assert 0 < int(little.sum()) <= 3 and bool(little[: int(little.sum())].all())
    assert len({split.fingerprint for split in splits.values()}) == 4


def test_case_1_has_the_users_of_the_city_alone():
    alone, case = CITIES["b"].split(5), case_data(CITIES, "1", "b").split(5)
    assert torch.equal(alone.test + 200, case.test) and torch.equal(alone.train + 200, case.train)


def test_scores_and_sites_follow_the_samples():
    data = case_data(CITIES, "2", "c")
    split = data.split(0)
    perfect = torch.nn.functional.one_hot(data.truth.labels, 2).float()[split.test]
    assert data.score(perfect, split.test)["accuracy"] == 1
    assert {data.sites[i] for i in data.truth.site[split.test].tolist()} == {"c/bs0"}
    assert data.notes["domain"] == "c" and data.notes["others"] == ["a", "b"]


def test_where_carriers_differ_none_is_that_of_the_answer():
    site, task = make_site(60), get_task("partial-beam-8")
    low, high = task.build([SitePaths(site.sub6)]), task.build([SitePaths(site.mmwave)])
    assert (low.inputs.target_carrier_hz, high.inputs.target_carrier_hz) == (3.5e9, 28e9)
    both = case_data({"low": low, "high": high}, "2", "high", "carrier")
    assert both.inputs.target_carrier_hz is None and both.inputs.meta.carrier_hz is None
    assert case_data({"low": low, "again": low}, "2", "again").inputs.target_carrier_hz == 3.5e9


def test_carriers_may_differ_and_arrays_may_not():
    site = make_site(200)
    high = SitePaths(site.mmwave)
    both = {"3.5 GHz": LosTask().build([SitePaths(site.sub6)]), "28 GHz": LosTask().build([high])}
    data = case_data(both, "2", "28 GHz", "carrier")
    assert data.inputs.meta.carrier_hz is None and data.notes["factor"] == "carrier"
    other = dataclasses.replace(CITIES["a"], inputs=CITIES["a"].inputs.isel(antenna=slice(0, 8)))
    with pytest.raises(WirelessFMError, match="sizes differ"):
        case_data({"a": CITIES["b"], "b": other}, "2", "a")


def test_wrong_cases_are_explained():
    with pytest.raises(WirelessFMError, match="2A"):
        case_data(CITIES, "4", "a")
    with pytest.raises(WirelessFMError, match="domain"):
        case_data(CITIES, "2", "rome")
    with pytest.raises(WirelessFMError, match="at least two"):
        case_data({"a": CITIES["a"]}, "2", "a")
    beam = get_task("beam-64-antennas-8").build([make_site(50)])
    with pytest.raises(WirelessFMError, match="same task"):
        case_data({"a": CITIES["a"], "b": beam}, "2", "a")

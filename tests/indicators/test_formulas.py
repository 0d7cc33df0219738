"""Formulas against numbers worked out by hand (METHODS, test cases M9 to M15 and M18 to M20)."""

from __future__ import annotations

import pytest

from viewer.indicators import formulas as f


def test_m9_plot_of_1400_square_metres():
    floor_area = 420.0 * 4
    assert float(f.site_coverage(420, 1400)) == pytest.approx(0.300)
    assert floor_area == 1680.0
    assert float(f.floor_area_ratio(floor_area, 1400)) == pytest.approx(1.200)
    assert float(f.building_mass_ratio(420 * 12.8, 1400)) == pytest.approx(3.840)


@pytest.mark.parametrize(("limit", "with_outbuildings"), [(0.4, 0.60), (0.6, 0.80), (1.0, 1.0)])
def test_m10_outbuildings_may_exceed_by_half_up_to_a_cap(limit: float, with_outbuildings: float):
    assert f.site_coverage_limit_with_outbuildings(limit) == pytest.approx(with_outbuildings)


def test_m11_two_storeys_on_top_of_300_square_metres():
    added = f.added_homes(300, 2, usable_share=1.0, living_share=0.8, dwelling_m2=85, persons_per_dwelling=2.0)
    assert added.floor_area_m2 == pytest.approx(480.0)
    assert added.dwellings == pytest.approx(5.6471, abs=1e-4)
    assert added.residents == pytest.approx(11.2941, abs=1e-4)


def test_m12_biotope_area_factor_of_the_official_example():
    areas = {
        "partly_sealed": 32.0,
        "half_open": 48.0,
        "greened_paving": 80.0,
        "soil": 230.0,
        "roof_infiltration": 320.0,
    }
    assert f.biotope_area_factor(areas, 750) == pytest.approx(338.8 / 750)


def test_m13_biotope_area_factor_of_a_sealed_yard():
    areas = {"sealed": 262.0, "partly_sealed": 142.0, "soil": 16.0}
    assert f.biotope_area_factor(areas, 750) == pytest.approx(0.04027, abs=1e-5)


def test_m14_green_volume_of_wood_and_meadow():
    volume = f.green_volume_m3([100, 100], [8.0, 0.1])
    assert volume == pytest.approx(810.0)
    assert f.green_volume_number(volume, 1000) == pytest.approx(0.810)


def test_m15_sealing_in_full_and_in_part():
    assert f.sealing_degree(2100, 1500, 900, 9000, partly_share=0.0) == pytest.approx(0.40)
    assert f.sealing_degree(2100, 1500, 900, 9000) == pytest.approx(0.44)
    assert f.green_share(9000 - 2100 - 1500 - 900, 9000) == pytest.approx(0.50)


def test_m18_runoff_of_roof_paving_and_lawn():
    areas, coefficients = [600, 400, 1000], [1.0, 0.9, 0.1]
    assert f.peak_runoff_l_s(areas, coefficients, 200) == pytest.approx(21.2)
    assert f.mean_runoff_coefficient(areas, coefficients) == pytest.approx(0.530)


def test_m19_green_roof_takes_a_third_of_the_runoff():
    before = f.peak_runoff_l_s([600, 400, 1000], [1.0, 0.9, 0.1], 200)
    after = f.peak_runoff_l_s([600, 400, 1000], [0.4, 0.9, 0.1], 200)
    assert after == pytest.approx(14.0)
    assert after / before - 1 == pytest.approx(-0.340, abs=5e-4)


def test_m20_rain_as_litres_per_second_and_hectare():
    assert f.rain_intensity_l_s_ha([15, 32.4], [15, 60]).tolist() == pytest.approx([166.667, 90.0], abs=1e-3)


def test_a_plot_without_area_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="area greater than 0"):
        f.site_coverage([100.0, 50.0], [200.0, 0.0])

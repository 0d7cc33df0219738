from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from viewer.errors import GraphicsError
from viewer.indicators.record import Status
from viewer.scenario import Area, Scenario, Setting, Where
from viewer.ui import i18n
from viewer.ui.export import CSV_COLUMNS, all_scenarios, image_from_array, indicators_csv, indicators_json
from viewer.ui.export_dialog import ExportDialog, save_csv, save_json, save_pdf
from viewer.ui.picture_dialog import file_name
from viewer.ui.planning_sample import SampleWorkspace
from viewer.ui.report_pdf import Report, assumptions_of, report_pdf, sources_of

needs_pdftotext = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")


@pytest.fixture
def workspace(qapp):
    return SampleWorkspace()


@pytest.fixture
def german():
    i18n.set_language("de")
    yield
    i18n.set_language("en")


def rows_of(content: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def text_of(path) -> str:
    done = subprocess.run(["pdftotext", "-raw", str(path), "-"], capture_output=True, check=True)
    return " ".join(done.stdout.decode("utf-8").split())


def test_csv_holds_every_record_of_every_scenario_unrounded(workspace):
    entries = all_scenarios(workspace)
    rows = rows_of(indicators_csv(entries))
    records = [(e.name, r) for e in entries for r in e.records]
    assert len(rows) == len(records) == 4 * 12
    for row, (name, record) in zip(rows, records, strict=True):
        assert tuple(row) == CSV_COLUMNS
        assert (row["scenario"], row["id"], row["status"]) == (name, record.id, record.status.value)
        for column in ("value", "baseline", "difference", "low", "high"):
            number = getattr(record, column)
            assert row[column] == ("" if number is None else repr(number))


def test_csv_cites_formula_parameters_and_unverified_assumptions(workspace):
    rows = rows_of(indicators_csv(all_scenarios(workspace)))
    dwellings = next(r for r in rows if r["id"] == "dwellings")
    assert dwellings["formula"] == "living area / living area per dwelling"
    assert "storey height 3 m (planning value; assumption, unverified)" in dwellings["parameters"]
    assert "92.2 m² (Destatis, end of 2022)" in dwellings["parameters"]


def test_german_csv_opens_in_a_german_spreadsheet(workspace, german):
    entries = all_scenarios(workspace)
    rows = rows_of(indicators_csv(entries), ";")
    value = entries[1].records[2].value
    row = rows[len(entries[0].records) + 2]
    assert row["value"] == repr(value).replace(".", ",")
    assert float(row["value"].replace(",", ".")) == value
    assert row["scenario"] == "Grow upwards"


def test_a_scenario_name_cannot_be_a_formula_in_a_spreadsheet(workspace):
    entry = replace(all_scenarios(workspace)[1], scenario=Scenario('=HYPERLINK("http://x")'))
    assert rows_of(indicators_csv((entry,)))[0]["scenario"].startswith("'=")


def test_json_equals_the_records_and_the_settings(workspace):
    entries = all_scenarios(workspace)
    made = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
    data = json.loads(indicators_json(entries, title="Mill", crs="EPSG:25832", attributions=("A",), created=made))
    assert (data["schema"], data["schema_version"]) == ("stadtforum-indicators", 1)
    assert data["created"] == "2026-05-04T10:00:00+00:00"
    assert [s["baseline"] for s in data["scenarios"]] == [True, False, False, False]
    for told, entry in zip(data["scenarios"], entries, strict=True):
        for one, record in zip(told["indicators"], entry.records, strict=True):
            for key in ("id", "value", "baseline", "difference", "low", "high", "formula", "fallback_share"):
                assert one[key] == getattr(record, key)
            assert one["parameters"] == [
                {"name": p.name, "value": p.value, "unit": p.unit, "source": p.source, "unverified": p.unverified}
                for p in record.parameters
            ]
    settings = data["scenarios"][1]["settings"]
    assert settings[0]["parameter"] == "storeys_added" and settings[0]["target"] == {"kind": "city"}
    assert len(settings[1]["target"]["ids"]) == 12


def test_json_tells_areas_and_filters_as_data(workspace):
    area = Area("Yard", ((1.0, 2.0), (3.0, 2.0), (3.0, 4.0)))
    where = Where("yearOfConstruction", "<", "1950")
    scenario = Scenario("S", (Setting("storeys_added", 1.0, area), Setting("height_percent", 120.0, where)))
    data = json.loads(indicators_json((replace(all_scenarios(workspace)[0], scenario=scenario),)))
    first, second = (s["target"] for s in data["scenarios"][0]["settings"])
    assert first == {"kind": "area", "name": "Yard", "ring_crs": [[1.0, 2.0], [3.0, 2.0], [3.0, 4.0]]}
    assert second == {"kind": "where", "attribute": "yearOfConstruction", "operator": "<", "value": "1950"}


@needs_pdftotext
def test_the_page_holds_numbers_baseline_difference_assumptions_sources_and_credits(workspace, tmp_path):
    path = tmp_path / "page.pdf"
    picture = np.full((90, 160, 3), 200, np.uint8)
    save_pdf(workspace, path, "Green yards", picture, datetime(2026, 5, 4, tzinfo=UTC))
    text = text_of(path)
    for expected in ("Mill Quarter", "Green yards", "Green share", "35", "48", "New trees: 350", "Sample data of this"):
        assert expected in text
    assert "No vacancy, no mixed use" in text
    assert "Destatis, end of 2022" in text
    assert "4 May 2026" in text
    assert "Parking spaces" not in text  # a figure that is missing is not printed


@needs_pdftotext
def test_the_page_speaks_german(workspace, tmp_path, german):
    path = tmp_path / "seite.pdf"
    save_pdf(workspace, path)
    text = text_of(path)
    assert "Unterschied" in text and "Änderungen" in text
    assert "142.080" in text  # gross floor area of today, thousands as Germans write them


def test_a_report_with_very_many_words_stays_on_one_page(workspace):
    records = tuple(
        replace(r, assumptions=tuple(f"Assumption {n} of {r.id}, rather long, takes a line." for n in range(9)))
        for r in workspace.indicators()
    )  # fmt: skip
    content = report_pdf(Report(workspace.session.document.scenario, records * 2, "Many", credits=("C",) * 40))
    assert content.startswith(b"%PDF") and content.count(b"/Type /Page\n") == 1


def test_assumptions_and_sources_are_named_once_and_not_for_missing_figures(workspace):
    records = workspace.indicators()
    assumed = assumptions_of(records)
    assert len(assumed) == len(set(assumed)) == 2
    assert any("unverified" in line for line in assumed)
    off = tuple(replace(r, status=Status.OFF) for r in records)
    assert assumptions_of(off) == () and sources_of(off) == ()


def test_saving_writes_the_files_whole(workspace, tmp_path):
    save_csv(workspace, tmp_path / "a.csv")
    save_json(workspace, tmp_path / "a.json")
    assert (tmp_path / "a.csv").read_bytes() == indicators_csv(all_scenarios(workspace))
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["title"] == "Mill Quarter"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "a.json"]


def test_the_dialog_tells_why_a_file_could_not_be_written(workspace, qtbot, tmp_path):
    dialog = ExportDialog(workspace)
    qtbot.addWidget(dialog)
    assert dialog.save("csv", tmp_path / "ok.csv") and "ok.csv" in dialog.message.text()
    assert not dialog.save("csv", tmp_path / "missing" / "a.csv")
    assert not dialog.message.isHidden() and dialog.message.property("role") == "error"


def test_the_dialog_asks_for_a_picture_of_the_chosen_scenario(workspace, qtbot, tmp_path):
    asked = []

    def picture(name, size):
        asked.append((name, size))
        raise GraphicsError("No picture can be drawn on this computer.")

    dialog = ExportDialog(workspace, picture=picture)
    qtbot.addWidget(dialog)
    dialog.scenario.setCurrentIndex(1)
    assert not dialog.save("pdf", tmp_path / "a.pdf")
    assert asked == [("Green yards", (2048, 1152))]
    assert not (tmp_path / "a.pdf").exists()


def test_image_owns_its_pixels():
    pixels = np.zeros((2, 3, 3), np.uint8)
    image = image_from_array(pixels)
    pixels[:] = 255
    assert image.pixelColor(0, 0).red() == 0 and (image.width(), image.height()) == (3, 2)
    with pytest.raises(ValueError):
        image_from_array(np.zeros((2, 2, 2), np.uint8))


@pytest.mark.parametrize(
    ("text", "name"), [("Köln: Süd/West?", "Köln_ Süd_West"), ("..", "stadtforum"), ("a" * 99, "a" * 80)]
)
def test_file_names_hold_on_every_system(text, name):
    assert file_name(text) == name


def test_sentences_carry_their_numbers(workspace):
    entries = all_scenarios(workspace)
    rows = rows_of(indicators_csv(entries))
    told = json.loads(indicators_json(entries))
    assert not [row["sentence"] for row in rows if "{" in row["sentence"]]
    assert not [r["sentence"] for s in told["scenarios"] for r in s["indicators"] if "{" in r["sentence"]]

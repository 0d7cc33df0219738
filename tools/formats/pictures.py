"""One picture per format, drawn through the command line from real data."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZE = "960x600"


@dataclass(frozen=True, slots=True)
class Case:
    """A picture: what it shows, the files (cities first), and further options of ``snapshot``."""

    name: str
    title: str
    files: tuple[str, ...]
    options: tuple[str, ...] = ()


CASES = (
    Case("citygml-lod2", "CityGML 2.0, LoD2: an official tile of Berlin", ("berlin-lod2-tiles/3900_5820.gml",)),
    Case("citygml-textures", "CityGML with textures: Berlin-Schöneberg", ("berlin-gasometer-textured/Gasometer.gml",)),
    Case("citygml-gauss-krueger", "CityGML in Gauß-Krüger: Bavaria", ("bavaria-lod2-gausskrueger/LOD2_4424_5482_solid.gml",)),
    Case("citygml-degrees", "CityGML in degrees: Karlsruhe", ("karlsruhe-lod2-wgs84/innenstadt_ost_4326_lod2.gml",)),
    Case("citygml-templates", "CityGML with templates, relief and textures", ("geores-textured-templates/geoRES_testdata_v1.0.0.xml",)),
    Case("citygml-glass", "CityGML LoD3 with glass: Ingolstadt", ("ingolstadt-lod3-textured/4018106/4018106.xml",), ("--heading", "235", "--tilt", "12")),
    Case("citygml3", "CityGML 3.0: opera of Lyon", ("citygml3/Opera-Lyon_CityGML3.0_LOD2_with_xAL3_FreeText.gml",)),
    Case("cityjson", "CityJSON 2.0 with terrain: The Hague", ("den-haag/DenHaag_01.city.json",)),
    Case("cityjson-textures", "CityJSON with textures: Rotterdam", ("rotterdam-delfshaven-textured/msurface_buildings_all.json",)),
    Case("cityjson-photographs", "CityJSON LoD3 with photographs: Hamburg", ("hamburg-lod3-textured/hamburg-lod3-showcase.city.json",)),
    Case("cityjson-lods", "CityJSON 1.1, four LoDs: campus of Delft", ("tudelft-3dbag-multilod/tudelft.city.json",)),
    Case("cityjsonseq", "CityJSON sequences: Hamburg, buildings and roads",
         ("hamburg-centre/hamburg-center-alkis.city.jsonl", "hamburg-centre/roads/hh-road-e565-n5933.city.jsonl.gz")),
    Case("tiles3d-1.0", "3D Tiles 1.0: Lyon", ("lyon-3dtiles-1.0/tileset.json",)),
    Case("tiles3d-implicit", "3D Tiles 1.1, implicit: Delaware", ("delaware-3dtiles-1.1-implicit/tileset.json",)),
    Case("tiles3d-metadata", "3D Tiles 1.1 with metadata", ("cesium-3dtiles-1.1-metadata/tileset.json",)),
    Case("tiles3d-draco", "A b3dm tile packed with Draco", ("draco-b3dm-samples/3.b3dm",)),
    Case("gltf", "glTF: a building", ("gltf-building/building.glb",)),
    Case("footprints", "GeoPackage footprints with trees: Athens", ("athens-umep/bldgs_clip.gpkg", "athens-umep/trees_clip.gpkg")),
    Case("shapefile", "Shapefile: a French commune", ("bdtopo-12174-shapefiles/BATI_INDIFFERENCIE.shp", "bdtopo-12174-shapefiles/ZONE_VEGETATION.shp")),
    Case("osm", "OpenStreetMap: Helsinki", ("osm-helsinki/Helsinki.osm.pbf",)),
    Case("terrain", "Terrain: heights of Munich at one metre", ("munich-terrain-and-buildings/691_5336.tif",)),
    Case("pointcloud", "Point cloud: Delft", ("delft-3dfier/delft.json", "delft-3dfier/ahn3_cropped_1.laz")),
    Case("xplanung", "XPlanung 6.0: Hamburg-Blankenese", ("hamburg-xplan/Blankenese29.gml",)),
    Case("gtfs", "GTFS: stops and lines, Rhine-Neckar", ("gtfs-rhein-neckar/vrn_gtfs_cut.zip",)),
)  # fmt: skip


def draw(data: Path, folder: Path, home: Path) -> list[tuple[str, Path]]:
    """Draw every case; title and file of those that could be drawn. What could not is said on standard error."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    made = []
    environment = {**os.environ, "STADTFORUM_HOME": str(home), "STADTFORUM_LANGUAGE": "en"}
    for case in CASES:
        files = [str(data / name) for name in case.files]
        raw = home / f"{case.name}.png"
        command = [sys.executable, "main.py", "snapshot", *files, "-o", str(raw), "--size", SIZE, *case.options]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{case.name}: {(done.stderr.strip() or done.stdout.strip()).splitlines()[-1]}", file=sys.stderr)
            continue
        path = folder / f"{case.name}.jpg"
        Image.open(raw).convert("RGB").save(path, quality=82, optimize=True)
        made.append((case.title, path))
        print(path.name, flush=True)
    return made


def there(folder: Path) -> list[tuple[str, Path]]:
    """Title and file of the pictures that were drawn before."""
    return [(case.title, folder / f"{case.name}.jpg") for case in CASES if (folder / f"{case.name}.jpg").exists()]

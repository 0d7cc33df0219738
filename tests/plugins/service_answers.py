"""Answers of services as tests need them: capabilities, pictures that say where they lie, features."""

from __future__ import annotations

import io
import json

import numpy as np
from PIL import Image

from tests.loopback import Asked, Said


def png(rgba: np.ndarray) -> Said:
    """A picture."""
    file = io.BytesIO()
    Image.fromarray(rgba, "RGBA").save(file, "PNG")
    return Said(file.getvalue(), "image/png")


def plain(width: int, height: int, colour: tuple[int, int, int], alpha: int = 255) -> np.ndarray:
    """(height, width, 4) uint8 of one colour."""
    return np.broadcast_to(np.array([*colour, alpha], np.uint8), (height, width, 4)).copy()


def wms_capabilities(version: str = "1.3.0", systems: tuple[str, ...] = ("EPSG:25832",), extra: str = "") -> Said:
    """Two layers below a group that hands down systems and credit."""
    tag, root = ("CRS", "WMS_Capabilities") if version == "1.3.0" else ("SRS", "WMT_MS_Capabilities")
    names = "".join(f"<{tag}>{name}</{tag}>" for name in systems)
    doctype = "" if version == "1.3.0" else '<!DOCTYPE WMT_MS_Capabilities SYSTEM "http://example.org/wms.dtd">'
    return Said(
        f"""<?xml version="1.0"?>{doctype}<{root} version="{version}">
<Service><Name>WMS</Name><Title>Plan</Title><Fees>dl-de/by-2-0</Fees><AccessConstraints>none</AccessConstraints>{extra}
</Service><Capability><Request><GetMap><Format>image/jpeg</Format><Format>image/png</Format></GetMap></Request>
<Layer><Title>All</Title>{names}<Attribution><Title>Amt für Karten</Title></Attribution>
<Layer><Name>streets</Name><Title>Straßen</Title><Abstract>All streets</Abstract></Layer>
<Layer><Name>houses</Name><Title>Häuser</Title></Layer></Layer></Capability></{root}>""",
        "text/xml",
    )


def wmts_capabilities(template: str = "") -> Said:
    """A layer in two pyramids: EPSG:25832 with three levels of one, two and four tiles, and the web's."""
    resource = f'<ResourceURL format="image/png" resourceType="tile" template="{template}"/>' if template else ""
    levels = "".join(
        f"<TileMatrix><ows:Identifier>{n:02d}</ows:Identifier>"
        f"<ScaleDenominator>{8.0 / 2**n / 0.00028}</ScaleDenominator>"
        f"<TopLeftCorner>564000 5935500</TopLeftCorner><TileWidth>256</TileWidth><TileHeight>256</TileHeight>"
        f"<MatrixWidth>{2 * 2**n}</MatrixWidth><MatrixHeight>{2 * 2**n}</MatrixHeight></TileMatrix>"
        for n in range(5)
    )
    return Said(
        f"""<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1">
<ows:ServiceIdentification><ows:Title>Tiles</ows:Title><ows:Fees>cc0</ows:Fees></ows:ServiceIdentification>
<ows:ServiceProvider><ows:ProviderName>Amt</ows:ProviderName></ows:ServiceProvider>
<Contents><Layer><ows:Title>Luftbild</ows:Title><ows:Identifier>dop</ows:Identifier>
<Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style><Format>image/png</Format>
<TileMatrixSetLink><TileMatrixSet>WEB</TileMatrixSet></TileMatrixSetLink>
<TileMatrixSetLink><TileMatrixSet>UTM</TileMatrixSet></TileMatrixSetLink>{resource}</Layer>
<TileMatrixSet><ows:Identifier>WEB</ows:Identifier>
<ows:SupportedCRS>urn:ogc:def:crs:EPSG::3857</ows:SupportedCRS></TileMatrixSet>
<TileMatrixSet><ows:Identifier>UTM</ows:Identifier>
<ows:SupportedCRS>urn:ogc:def:crs:EPSG::25832</ows:SupportedCRS>{levels}</TileMatrixSet></Contents></Capabilities>""",
        "application/xml",
    )


def wfs_capabilities(
    version: str = "2.0.0", systems: tuple[str, ...] = ("urn:ogc:def:crs:EPSG::25832",), formats: tuple[str, ...] = (),
    page: int = 0, paging: str = "",
) -> Said:  # fmt: skip
    """One feature type."""
    tags = ("DefaultCRS", "OtherCRS") if version == "2.0.0" else ("DefaultSRS", "OtherSRS")
    names = "".join(f"<{tags[min(n, 1)]}>{name}</{tags[min(n, 1)]}>" for n, name in enumerate(systems))
    values = "".join(f"<ows:Value>{name}</ows:Value>" for name in formats)
    limits = f'<ows:Constraint name="CountDefault"><ows:DefaultValue>{page}</ows:DefaultValue></ows:Constraint>'
    limits += (
        f'<ows:Constraint name="ImplementsResultPaging"><ows:DefaultValue>{paging}</ows:DefaultValue></ows:Constraint>'
    )
    return Said(
        f"""<WFS_Capabilities version="{version}" xmlns:ows="http://www.opengis.net/ows/1.1">
<ows:ServiceIdentification><ows:Fees>{{"id":"dl-by-de/2.0","quelle":"Freie Stadt"}}</ows:Fees>
<ows:AccessConstraints>Datenlizenz Deutschland Namensnennung 2.0</ows:AccessConstraints></ows:ServiceIdentification>
<ows:OperationsMetadata><ows:Operation name="GetFeature"><ows:Parameter name="outputFormat">{values}</ows:Parameter>
</ows:Operation>{limits if page else ""}</ows:OperationsMetadata>
<FeatureTypeList><FeatureType><Name>app:trees</Name><Title>Bäume</Title>{names}</FeatureType></FeatureTypeList>
</WFS_Capabilities>""",
        "application/xml",
    )


def point(number: int, x: float, y: float) -> dict:
    """A GeoJSON feature."""
    return {
        "type": "Feature", "id": f"t{number}", "geometry": {"type": "Point", "coordinates": [x, y]},
        "properties": {"art": "Linde" if number % 2 else "Ahorn", "hoehe": 5.0 + number, "nr": f"00{number}"},
    }  # fmt: skip


def collection(features: list, **more: object) -> Said:
    """A GeoJSON feature collection."""
    return Said(json.dumps({"type": "FeatureCollection", "features": features, **more}), "application/geo+json")


def gml_trees(places: list[tuple[float, float]], srs: str = "urn:ogc:def:crs:EPSG::25832", first: int = 0) -> Said:
    """A WFS 2.0 collection of points."""
    members = "".join(
        f'<wfs:member><app:trees gml:id="t{first + n}"><app:art>Linde</app:art><app:hoehe>{5 + n}.5</app:hoehe>'
        f'<app:geom><gml:Point srsName="{srs}"><gml:pos>{x} {y}</gml:pos></gml:Point></app:geom></app:trees>'
        "</wfs:member>"
        for n, (x, y) in enumerate(places)
    )
    return Said(
        '<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:app="app"'
        f' xmlns:gml="http://www.opengis.net/gml/3.2">{members}</wfs:FeatureCollection>',
        "application/gml+xml; version=3.2",
    )


def box_of(asked: Asked) -> list[float]:
    """The four numbers of a BBOX."""
    return [float(word) for word in asked.query["bbox"].split(",")[:4]]

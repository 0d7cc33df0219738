"""Web Feature Service 1.1.0 and 2.0.0: features as GeoJSON where it is offered, else as GML, page after page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from viewer.plugin_api import (
    Answer,
    Layer,
    NetworkError,
    ReadContext,
    ReadError,
    Request,
    SourceFile,
    VectorTable,
    area_in,
    credited,
    geojson_table,
    json_object,
    table_layers,
    wanted_area,
    with_query,
    xml_root,
)

from . import gml, ows

PAGE, MAX_FEATURES, MAX_PAGES = 2000, 200_000, 400
_XML = ("text/xml", "application/xml", "application/gml", "application/vnd.ogc", "text/plain")
_JSON = (
    "application/json",
    "application/geo+json",
    "application/vnd.geo+json",
    "text/plain",
    "text/json",
    "text/javascript",
)


@dataclass(frozen=True)
class Service:
    """What capabilities tell: version, formats, features of one answer, whether pages can be asked for."""

    version: str
    formats: tuple[str, ...]
    page: int
    paging: bool
    offers: tuple[ows.Offer, ...]

    @property
    def json_format(self) -> str:
        """The name of its GeoJSON, "" for none."""
        plain = [name for name in self.formats if "json" in name.lower() and not _packed(name)]
        return next((name for name in plain if "esri" not in name.lower() and "jsonp" not in name.lower()), "")


def read(source: SourceFile, context: ReadContext) -> list[Layer]:
    """Every named feature type as layers."""
    area = wanted_area(context)
    service = describe(ows.capabilities(source, context, "WFS", 0.1))
    known = {offer.name: offer for offer in service.offers}
    names = source.layers or tuple(known)[:1]
    layers: list[Layer] = []
    for number, name in enumerate(names):
        offer = known.get(name) or next((o for key, o in known.items() if key.rpartition(":")[2] == name), None)
        if offer is None:
            raise ows.not_offered(source, name, known)
        start = 0.1 + 0.8 * number / len(names)
        table = _fetched(source, service, offer, area, context, start, start + 0.8 / len(names))
        title = source.title if source.title and len(names) == 1 else offer.title
        credit = ows.credit(source, offer.attribution, offer.licence)
        layers += credited(table_layers(title, table, context), context, credit)
    if not layers:
        raise ReadError("There are no features around the city.")
    return layers


def describe(root: Any) -> Service:
    """A service from the root of its capabilities.

    Raises
    ------
    ReadError
        These are no capabilities of a feature service.
    """
    types = ows.child(root, "FeatureTypeList")
    if types is None:
        raise ReadError("This is no answer of a feature service.")
    identification = ows.child(root, "ServiceIdentification")
    wording = () if identification is None else ("Fees", "AccessConstraints")
    texts = [ows.text(each) for name in wording for each in ows.children(identification, name)]
    credit = ows.credit_of(*texts) or ows.text(root, "ServiceProvider", "ProviderName")
    licence = ows.licence_of(*texts)
    offers = []
    for kind in ows.children(types, "FeatureType"):
        tags = ("DefaultCRS", "DefaultSRS", "OtherCRS", "OtherSRS", "SRS")
        systems = tuple(ows.text(each) for tag in tags for each in ows.children(kind, tag))
        name = ows.text(kind, "Name")
        if name:
            offers.append(
                ows.Offer(name, ows.text(kind, "Title") or name, ows.text(kind, "Abstract"), systems, credit, licence)
            )
    formats, page, paging = _operations(root)
    version = root.get("version", "2.0.0")
    return Service("2.0.0" if version.startswith("2") else "1.1.0", formats, page, paging, tuple(offers))


def _operations(root: Any) -> tuple[tuple[str, ...], int, bool]:
    metadata = ows.child(root, "OperationsMetadata")
    formats: dict[str, None] = {}
    page, paging = PAGE, True
    if metadata is None:
        return (), page, paging
    for operation in ows.children(metadata, "Operation"):
        if operation.get("name") == "GetFeature":
            for parameter in ows.children(operation, "Parameter"):
                if parameter.get("name") == "outputFormat":
                    formats |= dict.fromkeys(ows.text(v) for v in parameter.iter("{*}Value"))
    for constraint in ows.children(metadata, "Constraint"):
        value = next((ows.text(v) for v in constraint.iter("{*}DefaultValue", "{*}Value")), "")
        if constraint.get("name") == "CountDefault" and value.isdigit() and int(value) > 0:
            page = min(PAGE, int(value))
        if constraint.get("name") == "ImplementsResultPaging":
            paging = value.upper() != "FALSE"
    return tuple(formats), page, paging


def _fetched(
    source: SourceFile,
    service: Service,
    offer: ows.Offer,
    area: np.ndarray,
    context: ReadContext,
    start: float,
    end: float,
) -> VectorTable:
    """The features of one type, as GeoJSON if that works, else as GML."""
    crs = ows.best_crs(offer.crs, context.frame.crs) or context.frame.crs  # one that names none may well know it
    written = ows.spelling(offer.crs, crs)
    url = _address(source, service, offer, written, area, context)
    wanted = source.settings.get("format", "") or service.json_format
    if "json" in wanted.lower():
        try:
            return _as_json(url, wanted, offer, crs, service, context, start, end)
        except NetworkError:
            if source.settings.get("format"):
                raise
            context.info("GeoJSON is offered but not delivered; GML was read instead.")
            wanted = ""
    return _as_gml(url, wanted, offer, written, service, context, start, end)


def _address(
    source: SourceFile, service: Service, offer: ows.Offer, crs: str, area: np.ndarray, context: ReadContext
) -> str:
    """The request for the first page; the box is written in the order of the system's spelling."""
    code = ows.epsg(crs)
    box = area_in(context, area, f"EPSG:{code}")
    if crs.lower().startswith(("urn:", "http")) and ows.north_first(code) and "CRS84" not in crs.upper():
        box = (box[1], box[0], box[3], box[2])
    numbers = [repr(round(value, 9)) for value in box]
    later = service.version == "2.0.0"
    values = {
        "SERVICE": "WFS", "VERSION": service.version, "REQUEST": "GetFeature",
        "TYPENAMES" if later else "TYPENAME": offer.name, "SRSNAME": crs, "BBOX": ",".join([*numbers, crs]),
    }  # fmt: skip
    return with_query(source.url, values)


def _pages(url: str, service: Service) -> list[str]:
    """Addresses of the pages, in order; a service without pages is asked once for all it may send."""
    if service.version != "2.0.0":
        return [with_query(url, {"MAXFEATURES": MAX_FEATURES})]
    if not service.paging:
        return [with_query(url, {"COUNT": MAX_FEATURES})]
    count = min(MAX_PAGES, MAX_FEATURES // service.page)
    return [with_query(url, {"COUNT": service.page, "STARTINDEX": at * service.page}) for at in range(count)]


def _as_json(
    url: str, wanted: str, offer: ows.Offer, crs: str, service: Service, context: ReadContext, start: float, end: float
) -> VectorTable:
    features: list[Any] = []
    named = ""
    addresses = _pages(with_query(url, {"OUTPUTFORMAT": wanted}), service)
    for number, address in enumerate(addresses):
        share = start + (end - start) * number / (number + 4)
        answer = context.fetch(Request(address, "application/json", _JSON), share, share)
        try:
            page = json_object(answer)
        except ReadError as error:
            raise NetworkError(error.text, **error.values) from error
        found = page.get("features")
        if not isinstance(found, list):
            raise NetworkError("This is no answer of a feature service.")
        named = named or _named_crs(page)
        if not found or (features and found[0] == features[0]):
            break
        features += found
        if len(found) < service.page or len(features) == _number(page.get("numberMatched", page.get("totalFeatures"))):
            break
    else:
        _warn_of_more(features, addresses, service, context)
    table = geojson_table(offer.name, features, f"EPSG:{ows.epsg(named)}" if ows.epsg(named) else "")
    return table if table.crs else replace(table, crs="EPSG:4326" if _degrees(table) else crs)


def _as_gml(
    url: str, wanted: str, offer: ows.Offer, crs: str, service: Service, context: ReadContext, start: float, end: float
) -> VectorTable:
    features: list[Any] = []
    if wanted:
        url = with_query(url, {"OUTPUTFORMAT": wanted})
    addresses = _pages(url, service)
    first = b""
    for number, address in enumerate(addresses):
        share = start + (end - start) * number / (number + 4)
        answer = context.fetch(Request(address, "application/gml+xml, text/xml", _XML), share, share)
        root = _collection(answer)
        found = gml.features_of(root)
        beginning = _identity(found)
        if not found or (features and beginning == first):
            break
        first = first or beginning
        features += found
        if len(found) < service.page or len(features) == _number(root.get("numberMatched")):
            break
    else:
        _warn_of_more(features, addresses, service, context)
    return gml.gml_table(offer.name, features, crs, context)


def _warn_of_more(features: list[Any], addresses: list[str], service: Service, context: ReadContext) -> None:
    """Every page was full: probably there is more."""
    if len(addresses) > 1 or len(features) >= MAX_FEATURES:
        context.warn("Only the first {limit} features were fetched; there are more.", limit=len(features))


def _collection(answer: Answer) -> Any:
    root = xml_root(answer)
    ows.refuse_exception(answer, root)
    if ows.local(root) != "FeatureCollection":
        raise ReadError("This is no answer of a feature service.")
    return root


def _identity(features: list[Any]) -> bytes:
    from lxml import etree

    return bytes(etree.tostring(features[0])) if features else b""


def _named_crs(page: dict[str, Any]) -> str:
    crs = page.get("crs")
    properties = crs.get("properties") if isinstance(crs, dict) else None
    return str(properties.get("name", "")) if isinstance(properties, dict) else ""


def _degrees(table: VectorTable) -> bool:
    """Whether the numbers can be longitude and latitude."""
    import shapely

    bounds = shapely.total_bounds(table.geometry)
    return bool(
        np.isfinite(bounds).all() and np.abs(bounds[[0, 2]]).max() <= 180 and np.abs(bounds[[1, 3]]).max() <= 90
    )


def _number(value: object) -> int:
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else -1


def _packed(name: str) -> bool:
    return "zip" in name.lower()

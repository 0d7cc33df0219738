"""The pictures on a city's faces: made ready by whoever reads a city, so that showing it costs nothing."""

from __future__ import annotations

from dataclasses import replace

from viewer.city import CityModel, Issue, Severity
from viewer.plugin_api import Progress
from viewer.readers.pictures import MISSING
from viewer.scene.atlas import atlas_of, is_known


def ready(city: CityModel) -> bool:
    """Whether the pictures of a city can be shown at once; true for one without."""
    return is_known(city)


def make_ready(city: CityModel, progress: Progress | None = None) -> tuple[str, ...]:
    """Read all pictures; in a worker. Returns the names of those that turned out to be damaged."""
    atlas = atlas_of(city, progress)
    return () if atlas is None else atlas.lost


def with_damaged(issues: tuple[Issue, ...], damaged: tuple[str, ...]) -> tuple[Issue, ...]:
    """The findings of a reading with these pictures added to the one message about unusable ones."""
    if not damaged:
        return issues
    known = next((issue for issue in issues if issue.text == MISSING), None)
    if known is None:
        values: dict[str, object] = {"example": damaged[0]}
        return (*issues, Issue(Severity.WARNING, MISSING, len(damaged), damaged[:20], values))
    more = replace(known, count=known.count + len(damaged), where=(known.where + damaged)[:20])
    return tuple(more if issue is known else issue for issue in issues)

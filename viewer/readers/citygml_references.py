"""Surfaces that are used again by ``xlink:href``: each face is drawn once per level of detail.

A solid mostly repeats the roofs and walls of its building; those are known already. What is borrowed from another
level of detail, or from elsewhere, is copied.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from viewer.city.kinds import SurfaceType
from viewer.readers.citygml_arrays import Reference, gml_id
from viewer.readers.citygml_names import GEOMETRIES, SURFACES, local_name
from viewer.readers.citygml_objects import ObjectCollector

Element = Any

_GEOMETRY_TAGS = tuple(f"{{*}}{name}" for name in sorted(GEOMETRIES))
_LOD = re.compile(r"^lod([0-4])")


class ReferenceSettler:
    """Settles the references of each member, and keeps those whose target is elsewhere in ``pending``."""

    def __init__(self, objects: ObjectCollector) -> None:
        self._objects = objects
        self.pending: list[Reference] = []

    def settle(self, member: Element, whole: Callable[[Element], Element] = lambda member: member) -> None:
        """Settle the references met in ``member``, right after it was gathered.

        whole : gives the member with all that was taken out of its text, if something was.
        """
        faces = self._objects.faces
        done: set[tuple[str, int, int, int]] = set()
        targets: dict[str, Element] | None = None
        while True:
            open_references = faces.open_references()
            if not open_references:
                return
            if targets is None:
                targets = {gml_id(element): element for element in whole(member).iter(*_GEOMETRY_TAGS)}
            for reference in open_references:
                key = (reference.target, reference.lod, reference.owner, reference.shell)
                if key in done:
                    continue
                done.add(key)
                target = targets.get(reference.target)
                if target is None:
                    self.pending.append(reference)
                else:
                    self._copy(reference, target)

    def settle_from(self, member: Element) -> None:
        """Settle what is pending with the targets in ``member``, on the second way through the file."""
        wanted: dict[str, list[Reference]] = {}
        for reference in self.pending:
            wanted.setdefault(reference.target, []).append(reference)
        found: set[str] = set()
        self._objects.faces.new_member()
        for element in member.iter(*_GEOMETRY_TAGS):
            name = gml_id(element)
            if name in wanted and name not in found:
                found.add(name)
                for reference in wanted[name]:
                    self._copy(reference, element)
        if found:
            self.pending = [r for r in self.pending if r.target not in found]

    def _copy(self, reference: Reference, target: Element) -> None:
        """Gather the target for the one who refers to it, unless it is drawn in that level of detail anyway."""
        surface, faces = reference.surface, self._objects.faces
        lod = self._objects.lods[reference.lod]
        for above in target.iterancestors():
            name = local_name(above.tag)
            level = _LOD.match(name)
            if level and level[1] == lod:
                if not reference.shell:
                    return
                surface = reference.surface  # as part of its solid; ``drop_repeats`` finds the surface it repeats
                break
            if surface == SurfaceType.UNKNOWN and name in SURFACES:
                surface = int(SURFACES[name])
        first = len(faces)
        faces.collect(target, reference.owner, reference.lod, surface, backwards=reference.backwards)
        if reference.shell:
            faces.note_shell(first, reference.shell)

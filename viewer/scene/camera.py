"""The camera: orbit, pan, zoom, walk and fly as plain arithmetic; never upside down, underground or lost.

Knows no VTK. Positions are local metres, screen positions device pixels from the top left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.city.ground import Ground

Vector = NDArray[np.float64]
EYE_HEIGHT_M = 1.7
#: Tilt above the horizon while orbiting, degrees.
TILT_RANGE = (2.0, 89.9)
WALK_TILT_RANGE = (-70.0, 60.0)
HOME_HEADING, HOME_TILT = 28.0, 36.0
#: Height of the picture as an angle, degrees: from above, and at eye level.
VIEW_ANGLE, WALK_VIEW_ANGLE = 30.0, 60.0


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the camera is: it looks at ``target`` from ``distance`` metres away.

    heading_deg : compass direction it looks towards (0 = grid north, 90 = east).
    tilt_deg : how steeply it looks down (90 = straight down; negative = up, only when walking).
    """

    target: tuple[float, float, float]
    distance: float
    heading_deg: float
    tilt_deg: float
    view_angle_deg: float = VIEW_ANGLE

    @property
    def forward(self) -> Vector:
        """Unit vector of the view."""
        h, t = np.radians(self.heading_deg), np.radians(self.tilt_deg)
        return np.array([np.sin(h) * np.cos(t), np.cos(h) * np.cos(t), -np.sin(t)])

    @property
    def right(self) -> Vector:
        """Unit vector to the right of the picture."""
        h = np.radians(self.heading_deg)
        return np.array([np.cos(h), -np.sin(h), 0.0])

    @property
    def up(self) -> Vector:
        """Unit vector towards the top of the picture."""
        return np.asarray(np.cross(self.right, self.forward))

    @property
    def position(self) -> Vector:
        """Where the eye is."""
        return np.asarray(self.target) - self.forward * self.distance


def pose_between(position: ArrayLike, target: ArrayLike, view_angle_deg: float = 30.0) -> Pose:
    """The pose of an eye at ``position`` looking at ``target``."""
    eye, aim = np.asarray(position, np.float64), np.asarray(target, np.float64)
    d = aim - eye
    distance = float(np.linalg.norm(d))
    if not np.isfinite(distance) or distance < 1e-6:
        return Pose((float(aim[0]), float(aim[1]), float(aim[2])), 1.0, 0.0, 45.0, view_angle_deg)
    heading = float(np.degrees(np.arctan2(d[0], d[1]))) % 360.0
    tilt = float(np.degrees(np.arcsin(np.clip(-d[2] / distance, -1, 1))))
    return Pose((float(aim[0]), float(aim[1]), float(aim[2])), distance, heading, tilt, view_angle_deg)


class CameraController:
    """Moves a pose. Every movement ends in an allowed pose."""

    def __init__(self) -> None:
        self.size = (1280, 800)
        self.pose = Pose((0.0, 0.0, 0.0), 1000.0, HOME_HEADING, HOME_TILT)
        self.walking = False
        self.reduced_motion = False
        self._low, self._high = np.zeros(3), np.full(3, 100.0)
        self._rim = _corners(self._low, self._high)
        self._ground: Ground | None = None
        self._flight: tuple[Pose, Pose, float, float] | None = None
        self._before_walk: Pose | None = None

    # -- the world -----------------------------------------------------------------------------------

    def set_world(
        self, low: ArrayLike, high: ArrayLike, ground: Ground | None = None, outline: ArrayLike | None = None
    ) -> None:
        """Tell the extent of the city (corners, local metres), its ground, and points (n, 3) round its rim that
        the whole city lies within; without them its box is taken."""
        self._low, self._high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        self._ground = ground
        self._rim = _corners(self._low, self._high) if outline is None else np.asarray(outline, np.float64)

    @property
    def span(self) -> float:
        """Diagonal of the city on the ground, metres, at least 30."""
        return float(max(np.hypot(*(self._high - self._low)[:2]), 30.0))

    def ground_at(self, x: float, y: float) -> float:
        """Height of the ground."""
        if self._ground is None:
            return float(self._low[2])
        return float(self._ground.height_at((x, y)))

    # -- ready-made views ------------------------------------------------------------------------------

    def home_pose(self, heading_deg: float = HOME_HEADING, tilt_deg: float = HOME_TILT) -> Pose:
        """The whole city from the south-west, from the front, or from elsewhere."""
        return self._fit(self._rim, heading_deg % 360.0, float(np.clip(tilt_deg, *TILT_RANGE)), 0.88)

    def home(self) -> None:
        """Show the whole city; always works."""
        self.walking = False
        self.fly_to_pose(self.home_pose())

    def top(self) -> None:
        """Look straight down on what is in the middle now."""
        self.walking = False
        self.fly_to_pose(
            replace(
                self.pose,
                tilt_deg=TILT_RANGE[1],
                heading_deg=0.0,
                distance=max(self.pose.distance, 60.0),
                view_angle_deg=VIEW_ANGLE,
            )
        )

    def top_pose(self) -> Pose:
        """The whole city from above, north up."""
        return self._fit(self._rim, 0.0, TILT_RANGE[1], 0.92)

    def north(self) -> None:
        """Turn north up, keep the rest."""
        self.fly_to_pose(replace(self.pose, heading_deg=0.0))

    def fly_to(self, low: ArrayLike, high: ArrayLike) -> None:
        """Show a box (two corners), keeping the direction."""
        self.walking = False
        low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        pad = max(float(np.linalg.norm(high - low)) * 0.25, 12.0)
        tilt = float(np.clip(self.pose.tilt_deg, 25.0, 60.0))
        self.fly_to_pose(self._fit(_corners(low - pad, high + pad), self.pose.heading_deg, tilt, 0.9))

    def _fit(self, points: Vector, heading: float, tilt: float, fill: float) -> Pose:
        """The pose that fills the picture with some points (n, 3)."""
        low, high = points.min(axis=0), points.max(axis=0)
        centre = (low + high) / 2
        centre[2] = low[2] + (high[2] - low[2]) * 0.25
        pose = Pose(_triple(centre), 1.0, heading, tilt)
        half = np.tan(np.radians(pose.view_angle_deg) / 2)
        reach = np.array([half * self.size[0] / max(self.size[1], 1), half])
        distance = 1.0
        for _ in range(12):  # move the middle of the box's outline into the middle of the picture
            d = points - centre
            plane = np.column_stack([d @ pose.right, d @ pose.up])
            deep = d @ pose.forward
            distance = float(max((np.abs(plane) / (reach * fill) - deep[:, None]).max(), 15.0))
            seen = plane / (distance + deep)[:, None]
            off = (seen.max(axis=0) + seen.min(axis=0)) / 2 * distance
            centre = centre + pose.right * off[0] + pose.up * off[1]
        # the same eye, looking at the ground: a target in the air or below it would not be allowed
        along = (self.ground_at(float(centre[0]), float(centre[1])) - centre[2]) / min(float(pose.forward[2]), -1e-3)
        if distance + along > 1.0:
            centre, distance = centre + pose.forward * along, distance + float(along)
        made = self._allowed(replace(pose, target=_triple(centre), distance=distance))
        for _ in range(10):  # a target beside the city was moved into it, as with a mast: step back until all is seen
            d = points - made.position
            deep = d @ made.forward
            plane = np.column_stack([d @ made.right, d @ made.up])
            if (np.abs(plane) <= reach * deep[:, None]).all():
                break
            made = self._allowed(replace(made, distance=made.distance * 1.15))
        return made

    # -- flights ---------------------------------------------------------------------------------------

    def set_pose(self, pose: Pose) -> None:
        """Jump to a pose."""
        self._flight = None
        self.pose = self._allowed(pose)

    def fly_to_pose(self, pose: Pose, seconds: float = 0.9) -> None:
        """Fly to a pose; with reduced motion jump there. Call ``step`` until it says it has arrived."""
        pose = self._allowed(pose)
        if self.reduced_motion or seconds <= 0:
            self.set_pose(pose)
            return
        self._flight = (self.pose, pose, 0.0, seconds)

    @property
    def flying(self) -> bool:
        """Whether a flight is on."""
        return self._flight is not None

    def step(self, seconds: float) -> bool:
        """Go on with a flight by this much time; true while it goes on."""
        if self._flight is None:
            return False
        start, end, gone, whole = self._flight
        gone += max(seconds, 0.0)
        share = min(gone / whole, 1.0)
        eased = share * share * (3 - 2 * share)
        self.pose = end if share >= 1 else self._allowed(_between(start, end, eased), flying=True)
        self._flight = None if share >= 1 else (start, end, gone, whole)
        return self._flight is not None

    def finish(self) -> None:
        """End a flight at its goal at once."""
        if self._flight is not None:
            self.set_pose(self._flight[1])

    # -- hands -------------------------------------------------------------------------------------------

    def orbit(self, heading_deg: float, tilt_deg: float, about: ArrayLike | None = None) -> None:
        """Turn about a point (the target by default); the point stays where it is in the picture."""
        self._flight = None
        old = self.pose
        low, high = TILT_RANGE
        tilt = float(np.clip(old.tilt_deg + tilt_deg, low, high))
        new = replace(old, heading_deg=(old.heading_deg + heading_deg) % 360.0, tilt_deg=tilt)
        pivot = np.asarray(old.target if about is None else about, np.float64)
        arm = np.asarray(old.target) - pivot
        parts = (arm @ old.right, arm @ old.up, arm @ old.forward)
        target = pivot + parts[0] * new.right + parts[1] * new.up + parts[2] * new.forward
        self.pose = self._allowed(replace(new, target=_triple(target)))

    def pan(self, dx_px: float, dy_px: float, at: ArrayLike | None = None) -> None:
        """Move sideways and along the ground so that the grabbed point follows the pointer."""
        self._flight = None
        pose = self.pose
        depth = pose.distance
        if at is not None:
            depth = max(float((np.asarray(at) - pose.position) @ pose.forward), 1.0)
        metre = 2 * depth * np.tan(np.radians(pose.view_angle_deg) / 2) / max(self.size[1], 1)
        h = np.radians(pose.heading_deg)
        ahead = np.array([np.sin(h), np.cos(h), 0.0])
        steep = max(np.sin(np.radians(max(pose.tilt_deg, 0.0))), 0.22)
        target = np.asarray(pose.target) - pose.right * dx_px * metre + ahead * dy_px * metre / steep
        self.pose = self._allowed(replace(pose, target=_triple(target)))

    def zoom(self, factor: float, at: ArrayLike | None = None) -> None:
        """Come ``factor`` times closer (below 1: go away); the point under the pointer stays there."""
        self._flight = None
        pose = self.pose
        shrink = 1.0 / float(np.clip(factor, 0.05, 20.0))
        low, high = self._distance_range()
        distance = float(np.clip(pose.distance * shrink, low, high))
        shrink = distance / pose.distance
        target = np.asarray(pose.target)
        if at is not None:
            target = np.asarray(at) + (target - np.asarray(at)) * shrink
        self.pose = self._allowed(replace(pose, distance=distance, target=_triple(target)))

    def set_walking(self, on: bool, at: ArrayLike | None = None) -> None:
        """Step down to eye level at a point (the target by default), or back up to where one came from."""
        if on == self.walking:
            return
        self.walking = on
        if not on:
            back = self._before_walk or self.home_pose()
            self.fly_to_pose(back)
            return
        self._before_walk = self.pose
        spot = np.asarray(self.pose.target if at is None else at, np.float64)
        heading = np.radians(self.pose.heading_deg)
        target = spot + 10 * np.array([np.sin(heading), np.cos(heading), 0.0])
        target[2] = self.ground_at(spot[0], spot[1]) + EYE_HEIGHT_M
        self.fly_to_pose(Pose(_triple(target), 10.0, self.pose.heading_deg, 0.0, WALK_VIEW_ANGLE))

    def walk_by(self, forward_m: float, right_m: float) -> None:
        """Walk; the eye stays at its height above the ground."""
        self._flight = None
        h = np.radians(self.pose.heading_deg)
        step = forward_m * np.array([np.sin(h), np.cos(h), 0.0]) + right_m * self.pose.right
        self.pose = self._allowed(replace(self.pose, target=_triple(np.asarray(self.pose.target) + step)))

    def look(self, heading_deg: float, tilt_deg: float) -> None:
        """Turn the head; the eye stays."""
        self._flight = None
        eye = self.pose.position
        low, high = WALK_TILT_RANGE if self.walking else TILT_RANGE
        tilt = float(np.clip(self.pose.tilt_deg + tilt_deg, low, high))
        turned = replace(self.pose, heading_deg=(self.pose.heading_deg + heading_deg) % 360.0, tilt_deg=tilt)
        self.pose = self._allowed(replace(turned, target=_triple(eye + turned.forward * turned.distance)))

    # -- screen and world --------------------------------------------------------------------------------

    def ray(self, x: float, y: float) -> tuple[Vector, Vector]:
        """Origin and unit direction of the view ray through a pixel."""
        pose = self.pose
        half = np.tan(np.radians(pose.view_angle_deg) / 2)
        w, h = self.size
        u = (2 * (x + 0.5) / max(w, 1) - 1) * half * w / max(h, 1)
        v = (1 - 2 * (y + 0.5) / max(h, 1)) * half
        direction = pose.forward + u * pose.right + v * pose.up
        return pose.position, direction / np.linalg.norm(direction)

    def project(self, points: ArrayLike) -> Vector:
        """(n, 2) pixels of points (n, 3); NaN for points behind the eye."""
        pose = self.pose
        d = np.asarray(points, np.float64).reshape(-1, 3) - pose.position
        depth = d @ pose.forward
        half = np.tan(np.radians(pose.view_angle_deg) / 2)
        w, h = self.size
        safe = np.where(depth > 1e-6, depth, np.nan)
        x = (d @ pose.right / (safe * half * w / max(h, 1)) + 1) / 2 * w
        y = (1 - d @ pose.up / (safe * half)) / 2 * h
        return np.column_stack([x, y])

    def metres_per_pixel(self) -> float:
        """Size of a pixel in the middle of the picture, metres."""
        return float(2 * self.pose.distance * np.tan(np.radians(self.pose.view_angle_deg) / 2) / max(self.size[1], 1))

    def ground_under(self, x: float, y: float) -> Vector | None:
        """Where the view ray through a pixel meets the ground; None in the sky."""
        origin, direction = self.ray(x, y)
        if direction[2] > -1e-3:
            return None
        z = self._ground_level()
        point = origin
        for _ in range(6):
            point = origin + direction * max((z - origin[2]) / direction[2], 0.0)
            z = self.ground_at(point[0], point[1])
        return point if np.linalg.norm(point - origin) < 40 * self.span else None

    def clipping_range(self) -> tuple[float, float]:
        """Near and far plane, metres, for the pose now."""
        eye = self.pose.position
        margin = 30.0
        reach = np.maximum(np.maximum(self._low - eye, eye - self._high), 0.0)
        nearest = float(np.linalg.norm(np.maximum(reach - margin, 0.0)))
        above = max(float(eye[2] - self._high[2]), 0.0)
        near = max(nearest * 0.6, above * 0.6, 0.15 if self.walking else 0.6)
        farthest = float(np.linalg.norm(np.maximum(np.abs(eye - self._low), np.abs(eye - self._high))))
        return near, max(farthest + 9.0 * self.span, near * 10)

    # -- limits --------------------------------------------------------------------------------------------

    def _ground_level(self) -> float:
        return self.ground_at(float(self.pose.target[0]), float(self.pose.target[1]))

    def _distance_range(self) -> tuple[float, float]:
        """Nearest and farthest; the farthest lets the whole city fit into narrow windows too."""
        size = max(self.span, float(self._high[2] - self._low[2]))
        narrow = float(np.clip(self.size[0] / max(self.size[1], 1), 0.02, 1.0))
        return 4.0, 6.0 * size / narrow + 500.0

    def _allowed(self, pose: Pose, *, flying: bool = False) -> Pose:
        """The nearest allowed pose: finite, near the city, upright, above the ground. On a flight the eye may
        be anywhere between the sky and eye level, walking or not."""
        numbers = np.array([*pose.target, pose.distance, pose.heading_deg, pose.tilt_deg, pose.view_angle_deg])
        if not np.isfinite(numbers).all():
            return self.pose
        walk = self.walking
        if not walk and not flying:
            pose = self._slid(pose)
        centre, reach = (self._low + self._high) / 2, self._reach
        x, y = (
            np.clip(pose.target[0], centre[0] - reach, centre[0] + reach),
            np.clip(pose.target[1], centre[1] - reach, centre[1] + reach),
        )
        ground = self.ground_at(float(x), float(y))
        tilt_low, tilt_high = WALK_TILT_RANGE if walk else TILT_RANGE
        if flying:
            tilt_low, tilt_high = WALK_TILT_RANGE[0], TILT_RANGE[1]
        low, high = self._distance_range()
        free = walk or flying
        pose = replace(
            pose,
            target=(
                float(x),
                float(y),
                float(np.clip(pose.target[2], ground - 1e4 * free, self._ceiling(ground) + 1e4 * free)),
            ),
            distance=float(np.clip(pose.distance, low, high)),
            heading_deg=float(pose.heading_deg % 360.0),
            tilt_deg=float(np.clip(pose.tilt_deg, tilt_low, tilt_high)),
            view_angle_deg=float(np.clip(pose.view_angle_deg, 10.0, 90.0)),
        )
        eye = pose.position
        floor = self.ground_at(float(eye[0]), float(eye[1])) + EYE_HEIGHT_M
        if walk and not flying:
            rise = floor - eye[2]
        else:
            rise = max(floor - float(eye[2]), 0.0)
        if rise:
            pose = replace(pose, target=(pose.target[0], pose.target[1], pose.target[2] + float(rise)))
        return pose

    @property
    def _reach(self) -> float:
        """How far from the middle of the city a target may lie along each axis, metres."""
        return self.span * 1.2 + 100.0

    def _ceiling(self, ground: float) -> float:
        return max(float(self._high[2]), ground) + 50.0

    def _slid(self, pose: Pose) -> Pose:
        """The same view, its target moved along the line of sight out of the ground or down from the sky, so
        that it need not be pushed there, which would shift the picture. The pose itself where that cannot be."""
        forward, start = pose.forward, np.asarray(pose.target)
        if forward[2] > -np.sin(np.radians(TILT_RANGE[0])) * 0.99:
            return pose
        centre, (low, high) = (self._low + self._high) / 2, self._distance_range()
        along = 0.0
        for _ in range(4):  # the ground differs from place to place
            spot = start + forward * along
            if np.abs(spot[:2] - centre[:2]).max() > self._reach:
                return pose
            ground = self.ground_at(float(spot[0]), float(spot[1]))
            wanted = float(np.clip(start[2] + forward[2] * along, ground, self._ceiling(ground)))
            along = (wanted - float(start[2])) / float(forward[2])
        spot = start + forward * along
        if np.abs(spot[:2] - centre[:2]).max() > self._reach or not low <= pose.distance + along <= high:
            return pose
        return replace(pose, target=_triple(spot), distance=pose.distance + along) if along else pose


def _corners(low: Vector, high: Vector) -> Vector:
    """(8, 3) corners of a box."""
    return np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])


def _triple(point: ArrayLike) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in np.asarray(point))
    return x, y, z


def _between(start: Pose, end: Pose, share: float) -> Pose:
    """A pose on the way; turns the short way round, zooms evenly."""
    turn = (end.heading_deg - start.heading_deg + 180.0) % 360.0 - 180.0
    a, b = np.asarray(start.target), np.asarray(end.target)
    return Pose(
        _triple(a + (b - a) * share),
        float(start.distance * (end.distance / start.distance) ** share),
        start.heading_deg + turn * share,
        start.tilt_deg + (end.tilt_deg - start.tilt_deg) * share,
        start.view_angle_deg + (end.view_angle_deg - start.view_angle_deg) * share,
    )

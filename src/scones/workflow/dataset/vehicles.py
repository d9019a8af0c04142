"""Bicycles and motorcycles as random vector shapes, seen from the side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]
Random = np.random.Generator

TURN = np.linspace(0, 2 * np.pi, 33)
RUBBER: Colour = (28, 28, 30)


@dataclass(frozen=True)
class Pen:
    """A pen that draws in vehicle units: a wheel has radius 1, and y points down.

    `matrix` (2 by 3) maps these to pixels; it combines pose, size, mirroring and foreshortening.
    """

    image: ImageDraw.ImageDraw
    matrix: npt.NDArray[np.float64]

    def line(self, colour: Colour, width: float, *points: Point) -> None:
        """Draw an open line with a width and round joints."""
        self.image.line(self._pixels(points), colour, self._width(width), joint="curve")

    def area(self, colour: Colour, *points: Point) -> None:
        """Draw a filled polygon."""
        self.image.polygon(self._pixels(points), colour)

    def disc(self, colour: Colour, centre: Point, radius: float, flat: float = 1.0) -> None:
        """Draw a filled circle, or an ellipse if `flat`, its height over its width, is not 1."""
        self.area(colour, *_circle(centre, radius, flat))

    def ring(self, colour: Colour, width: float, centre: Point, radius: float, start: int = 0, end: int = 33) -> None:
        """Draw a circle's line, or the arc between two of its 32 steps."""
        self.line(colour, width, *_circle(centre, radius)[start:end])

    def _pixels(self, points: tuple[Point, ...]) -> list[Point]:
        mapped = np.array(points) @ self.matrix[:, :2].T + self.matrix[:, 2]
        return [(x, y) for x, y in mapped.tolist()]

    def _width(self, width: float) -> int:
        return max(1, round(width * float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))))


def _circle(centre: Point, radius: float, flat: float = 1.0) -> tuple[Point, ...]:
    x, y = centre
    return tuple(zip((x + radius * np.cos(TURN)).tolist(), (y + radius * flat * np.sin(TURN)).tolist(), strict=True))


def _paint(rng: Random) -> Colour:
    """Return a random vehicle colour: black, white, silver, or any other."""
    if rng.random() < 0.35:
        grey = int(rng.choice([25, 60, 150, 230]))
        return grey, grey, grey
    red, green, blue = rng.integers(10, 245, 3).tolist()
    return red, green, blue


def _metal(rng: Random) -> Colour:
    grey = int(rng.integers(90, 210))
    return grey, grey, min(255, grey + 6)


def _between(rng: Random, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _along(start: Point, end: Point, part: float) -> Point:
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def _spokes(pen: Pen, rng: Random, colour: Colour, hub: Point, *, radius: float, number: int, width: float) -> None:
    for angle in np.arange(number) * np.pi / number + rng.uniform(0, np.pi):
        x, y = radius * float(np.cos(angle)), radius * float(np.sin(angle))
        pen.line(colour, width, (hub[0] - x, hub[1] - y), (hub[0] + x, hub[1] + y))


def bicycle(pen: Pen, rng: Random) -> None:
    """Draw a road, city, mountain or electric bicycle, with or without mudguards, rack, bag and basket."""
    rear, front = (0.0, 0.0), (_between(rng, 2.55, 3.1), 0.0)
    crank = (_between(rng, 1.15, 1.35), _between(rng, 0.05, 0.25))
    seat = (_between(rng, 0.65, 0.95), _between(rng, -1.75, -1.25))
    head = (front[0] - _between(rng, 0.4, 0.6), _between(rng, -1.75, -1.4))
    fork = _along(head, front, 0.25)
    paint, thick = _paint(rng), _between(rng, 0.09, 0.22)
    tyre = _between(rng, 0.07, 0.2)
    metal = _metal(rng)
    for hub in (rear, front):
        _spokes(pen, rng, metal, hub, radius=0.95, number=int(rng.integers(5, 10)), width=0.02)
        pen.ring(RUBBER if rng.random() < 0.85 else _paint(rng), tyre, hub, 1.0)
        pen.disc(metal, hub, 0.1)
        if rng.random() < 0.3:
            pen.ring(paint, 0.07, hub, 1.17, 17, 31)
    step_through = rng.random() < 0.3
    joint = _along(seat, crank, 0.55 if step_through else _between(rng, 0.05, 0.2))
    pen.line(paint, thick * 0.7, seat, rear, crank)
    pen.line(paint, thick, crank, fork, head)
    pen.line(paint, thick, joint, fork)
    pen.line(paint, thick, crank, seat)
    pen.line(paint, thick * 0.8, head, front)
    if rng.random() < 0.2:
        pen.line(RUBBER, 0.32, _along(crank, fork, 0.25), _along(crank, fork, 0.75))  # an electric bicycle's battery
    _pedals(pen, rng, crank, metal)
    top = (seat[0] - 0.07, seat[1] - _between(rng, 0.15, 0.45))
    pen.line(metal, 0.08, seat, top)
    pen.area(RUBBER, (top[0] - 0.4, top[1] - 0.08), (top[0] + 0.4, top[1] - 0.04), (top[0] - 0.25, top[1] + 0.14))
    _bicycle_bars(pen, rng, head, metal)
    _luggage(pen, rng, rear, seat, head)


def _pedals(pen: Pen, rng: Random, crank: Point, metal: Colour) -> None:
    angle = _between(rng, 0, 2 * np.pi)
    x, y = 0.45 * float(np.cos(angle)), 0.45 * float(np.sin(angle))
    pen.ring(metal, 0.07, crank, 0.26)
    pen.line(metal, 0.03, (crank[0], crank[1] - 0.25), (0.0, -0.1))
    pen.line(RUBBER, 0.08, (crank[0] - x, crank[1] - y), (crank[0] + x, crank[1] + y))
    for sign in (-1, 1):
        pen.line(
            RUBBER,
            0.1,
            (crank[0] + sign * x - 0.15, crank[1] + sign * y),
            (crank[0] + sign * x + 0.15, crank[1] + sign * y),
        )


def _bicycle_bars(pen: Pen, rng: Random, head: Point, metal: Colour) -> None:
    x, y = head[0] - 0.08, head[1] - _between(rng, 0.1, 0.4)
    pen.line(metal, 0.09, head, (x, y))
    if rng.random() < 0.45:  # a racer's drop bars
        pen.line(RUBBER, 0.1, (x, y), (x + 0.4, y - 0.05), (x + 0.52, y + 0.2), (x + 0.35, y + 0.4), (x + 0.1, y + 0.4))
    else:
        pen.line(
            RUBBER, 0.1, (x + _between(rng, 0.0, 0.3), y), (x - _between(rng, 0.3, 0.6), y - _between(rng, 0.0, 0.15))
        )


def _luggage(pen: Pen, rng: Random, rear: Point, seat: Point, head: Point) -> None:
    if rng.random() < 0.25:
        pen.line(RUBBER, 0.06, (rear[0] - 0.7, -1.25), (seat[0], -1.22), rear)
        if rng.random() < 0.6:
            bag = _paint(rng)
            pen.area(bag, (-0.65, -1.2), (0.35, -1.2), (0.3, -0.35), (-0.6, -0.35))
    if rng.random() < 0.2:
        x, y = head[0] + 0.2, head[1] - 0.25
        pen.area(_paint(rng), (x, y), (x + 0.85, y), (x + 0.72, y + 0.55), (x + 0.12, y + 0.55))


def motorcycle(pen: Pen, rng: Random) -> None:
    """Draw a cruiser, sport, touring or dirt motorcycle."""
    front = (_between(rng, 2.9, 3.7), 0.0)
    paint, metal, tyre = _paint(rng), _metal(rng), _between(rng, 0.18, 0.42)
    dirt = rng.random() < 0.25
    for hub, width in (((0.0, 0.0), tyre), (front, tyre * _between(rng, 0.65, 1.0))):
        _motorcycle_wheel(pen, rng, hub, width, metal)
    head = (front[0] - _between(rng, 0.75, 1.1), _between(rng, -1.75, -1.35))
    seat = (_between(rng, 0.35, 0.75), _between(rng, -1.25, -0.95) - (0.25 if dirt else 0))
    tank = (seat[0] + _between(rng, 0.9, 1.15), seat[1] - _between(rng, 0.15, 0.35))
    dark = int(rng.integers(25, 80))
    pen.line((dark, dark, dark), 0.16, (0.0, 0.0), (1.1, 0.1), (2.0, 0.15), head, seat, (1.1, 0.1))
    _engine(pen, rng, metal, dirt)
    pen.line(metal, _between(rng, 0.1, 0.2), head, front)
    pen.area(RUBBER, *_saddle(rng, seat, tank))
    pen.area(
        paint,
        (seat[0] - 0.75, seat[1] - 0.05),
        (seat[0] + 0.3, seat[1] + 0.08),
        (seat[0] + 0.2, seat[1] + 0.4),
        (seat[0] - 0.6, seat[1] + 0.3),
    )
    pen.disc(paint, (tank[0], tank[1] + 0.08), _between(rng, 0.52, 0.72), _between(rng, 0.45, 0.7))
    pen.line(paint, 0.2, (tank[0], tank[1] - 0.02), (head[0], head[1] + 0.3))
    for hub, chance in (((0.0, 0.0), 0.5), (front, 0.75)):
        if rng.random() < chance:
            pen.ring(paint, 0.16, (hub[0], hub[1] - (0.3 if dirt else 0.05)), 1.1, 19, 30)
    if not dirt and rng.random() < 0.4:
        _fairing(pen, rng, paint, seat, head, front)
    _motorcycle_bars(pen, rng, head, metal)


def _motorcycle_wheel(pen: Pen, rng: Random, hub: Point, width: float, metal: Colour) -> None:
    if rng.random() < 0.3:
        pen.disc(metal, hub, 0.8)
    else:
        _spokes(pen, rng, metal, hub, radius=0.85, number=int(rng.integers(3, 9)), width=_between(rng, 0.03, 0.12))
    pen.ring(RUBBER, width, hub, 1.0 - width / 3)
    pen.disc(metal, hub, _between(rng, 0.18, 0.4))


def _engine(pen: Pen, rng: Random, metal: Colour, dirt: bool) -> None:
    x, bottom = _between(rng, 1.35, 1.6), _between(rng, 0.25, 0.5) - (0.2 if dirt else 0)
    shade = int(rng.integers(40, 130))
    pen.area(
        (shade, shade, shade),
        (x - 0.6, -0.35),
        (x + 0.1, -0.75),
        (x + 0.75, -0.3),
        (x + 0.65, bottom),
        (x - 0.55, bottom),
    )
    pen.disc(metal, (x + 0.05, bottom - 0.35), _between(rng, 0.22, 0.36))
    for step in range(3):
        pen.line(metal, 0.06, (x, -0.75 + step * 0.16), (x + 0.55, -0.85 + step * 0.16))
    rise = _between(rng, 0.0, 0.6)
    pipe = _metal(rng) if rng.random() < 0.7 else RUBBER
    pen.line(pipe, 0.13, (x + 0.6, -0.4), (x + 0.8, bottom - 0.1), (x, bottom), (0.7, bottom - 0.05))
    pen.line(pipe, _between(rng, 0.18, 0.32), (0.8, bottom - 0.05), (-0.6, bottom - 0.15 - rise))


def _saddle(rng: Random, seat: Point, tank: Point) -> tuple[Point, ...]:
    back = _between(rng, 0.6, 1.15)
    return (
        (seat[0] - back, seat[1] - _between(rng, 0.0, 0.4)),
        (seat[0], seat[1] - 0.18),
        (tank[0] - 0.2, tank[1] + 0.02),
        (tank[0] - 0.2, tank[1] + 0.35),
        (seat[0] - back + 0.15, seat[1] + 0.15),
    )


def _fairing(pen: Pen, rng: Random, paint: Colour, seat: Point, head: Point, front: Point) -> None:
    low = _between(rng, -0.4, 0.45)
    pen.area(
        paint,
        (head[0] - 0.3, head[1] + 0.1),
        (head[0] + 0.5, head[1] + 0.15),
        (front[0] - 0.75, -0.65),
        (front[0] - 1.15, low),
        (seat[0] + 1.0, low),
        (head[0] - 0.6, -0.8),
    )
    pen.area(
        (150, 165, 175),
        (head[0] - 0.1, head[1] - 0.45),
        (head[0] + 0.5, head[1] + 0.15),
        (head[0] - 0.15, head[1] + 0.1),
    )


def _motorcycle_bars(pen: Pen, rng: Random, head: Point, metal: Colour) -> None:
    x, y = head[0] - 0.05, head[1] - _between(rng, 0.05, 0.4)
    pen.line(metal, 0.1, head, (x, y))
    pen.line(RUBBER, 0.12, (x, y), (x - _between(rng, 0.35, 0.7), y + _between(rng, -0.1, 0.15)))
    pen.disc(
        (235, 230, 200) if rng.random() < 0.6 else metal, (head[0] + 0.3, head[1] + 0.2), _between(rng, 0.15, 0.28)
    )
    if rng.random() < 0.4:
        pen.line(metal, 0.04, (x, y), (x - 0.15, y - 0.35))
        pen.disc(RUBBER, (x - 0.15, y - 0.38), 0.13)


VEHICLES: dict[str, Callable[[Pen, Random], None]] = {"bicycle": bicycle, "motorcycle": motorcycle}

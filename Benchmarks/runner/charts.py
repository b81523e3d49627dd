"""Line charts in SVG, drawn here, which are readable in light and in dark."""
import math
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 76, 170, 54, 56
# For each series a colour in light and one in dark.
COLOURS = [
    ("#57606a", "#b1bac4"), ("#0969da", "#58a6ff"), ("#bc4c00", "#f0883e"), ("#9a6700", "#e3b341"),
    ("#1a7f37", "#56d364"), ("#8250df", "#bc8cff"), ("#bf3989", "#f778ba"), ("#116329", "#7ee787"),
    ("#0550ae", "#a5d6ff")]


def colours(mode):
    return "".join(f".c{i} .line{{stroke:{both[mode]}}}.c{i} .dot,.c{i} .name{{fill:{both[mode]}}}"
                   for i, both in enumerate(COLOURS))


STYLE = (
    "svg{background:#fff;font:13px system-ui,sans-serif}text{fill:#24292f}.soft{fill:#57606a}.grid{stroke:#d0d7de}"
    ".line{fill:none;stroke-width:2}" + colours(0)
    + "@media (prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.soft{fill:#9198a1}"
    ".grid{stroke:#30363d}"
    + colours(1) + "}")


class Axis:
    """From values to pixels, by their logarithms or as they are."""

    def __init__(self, values, start, end, log):
        low, high = min(values), max(values)
        self.log, self.start, self.end = log, start, end
        if log:
            low, high = math.log10(low), math.log10(high)
            if high - low < 0.3:
                low, high = low - 0.15, high + 0.15
        else:
            low, high = min(0, low), high * 1.05 or 1
        self.low, self.high = low, high

    def at(self, value):
        value = math.log10(value) if self.log else value
        share = (value - self.low) / ((self.high - self.low) or 1)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        if self.log:
            steps = (1, 2, 5) if self.high - self.low < 2.5 else (1,)
            exponents = range(math.floor(self.low), math.ceil(self.high) + 1)
            candidates = [step * 10.0 ** exponent for exponent in exponents for step in steps]
            return [one for one in candidates if self.low - 1e-9 <= math.log10(one) <= self.high + 1e-9]
        step = 10.0 ** math.floor(math.log10(self.high - self.low))
        while (self.high - self.low) / step < 4:
            step /= 2
        return [step * index for index in range(int(self.high / step) + 1)]


def short(value):
    for limit, unit in ((1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:g}{unit}"
    return f"{value:g}"


def line_chart(title, x_label, y_label, series, log_x=True, log_y=True, x_names=None):
    """The text of an SVG. `series` is a list of (name, [(x, y)]); `x_names` names the ticks of x."""
    series = [(name, [(x, y) for x, y in points if y is not None and (y > 0 or not log_y)]) for name, points in series]
    series = [(name, points) for name, points in series if points]
    if not series:
        return None
    points = [point for _, line in series for point in line]
    x_axis = Axis([x for x, _ in points], LEFT, WIDTH - RIGHT, log_x)
    y_axis = Axis([y for _, y in points], HEIGHT - BOTTOM, TOP, log_y)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><style>{STYLE}</style>',
        f"<title>{escape(title)}</title>",
        f'<text x="{LEFT}" y="22" font-size="16" font-weight="600">{escape(title)}</text>',
        f'<text class="soft" x="{LEFT}" y="42">{escape(y_label)}</text>',
        f'<text class="soft" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" '
        f'text-anchor="middle">{escape(x_label)}</text>',
    ]
    for value in y_axis.ticks():
        y = y_axis.at(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                     f'<text class="soft" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{short(value)}</text>')
    for value, name in (x_names or [(tick, short(tick)) for tick in x_axis.ticks()]):
        x = x_axis.at(value)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
                     f'<text class="soft" x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" '
                     f'text-anchor="middle">{escape(name)}</text>')
    parts += lines(series, x_axis, y_axis)
    return "".join(parts) + "</svg>\n"


def lines(series, x_axis, y_axis):
    """The lines, each with its name at its end; names that would overlap are moved apart."""
    parts, ends = [], []
    for index, (name, points) in enumerate(series):
        places = [(x_axis.at(x), y_axis.at(y)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<g class="c{index % len(COLOURS)}"><polyline class="line" points="{path}"/>')
        if len(places) <= 12:
            parts += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in places]
        parts.append("</g>")
        ends.append([places[-1][1], index, name])
    ends.sort()
    for before, end in zip(ends, ends[1:]):
        end[0] = max(end[0], before[0] + 16)
    over = max(0, (ends[-1][0] if ends else 0) - (HEIGHT - BOTTOM))
    for y, index, name in ends:
        parts.append(f'<g class="c{index % len(COLOURS)}"><text class="name" x="{WIDTH - RIGHT + 10}" '
                     f'y="{y - over + 4:.1f}">{escape(name)}</text></g>')
    return parts


# Where the quantiles stand on an axis of their own: each nine takes the same room.
QUANTILES = [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9")]


def quantile_chart(title, y_label, named_values):
    """How the values are distributed: a line for each list of values, by quantile."""
    series, top = [], 0
    for name, values in named_values:
        ordered = sorted(values)
        points = []
        for step in range(1, len(ordered) + 1):
            share = (step - 0.5) / len(ordered)
            points.append((-math.log10(1 - share), max(ordered[step - 1], 0.01)))
        # A chart does not need more points than it has pixels.
        keep = max(1, len(points) // 200)
        series.append((name, points[::keep] + ([points[-1]] if (len(points) - 1) % keep else [])))
        top = max(top, points[-1][0] if points else 0)
    names = [(-math.log10(1 - q), name) for q, name in QUANTILES if -math.log10(1 - q) <= top]
    return line_chart(title, "quantile", y_label, series, log_x=False, x_names=names)

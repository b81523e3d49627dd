"""Medians, quantiles and ratios."""
import statistics


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def quantile(values, q):
    """The value that a share `q` of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else None


def spread(values):
    """The largest by the smallest, less one: how far apart the rounds are."""
    values = [value for value in values if value]
    return max(values) / min(values) - 1 if values else None


def paired_ratio(values, base):
    """The median of the ratios within each round: what drifts from round to round cancels out."""
    return median([a / b for a, b in zip(values, base) if a is not None and b])


def number(value, digits=3):
    """With so many significant digits and separators of thousands."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"

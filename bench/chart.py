"""Bars as SVG: for each case one of each proxy, as long as its figure is beside the largest of the
case, with the figure itself behind it."""

from html import escape

WIDTH = 860
MARGIN = 16
LABELS_WIDTH = 150
BARS_WIDTH = 540
BAR, GAP = 14, 16
TITLE_HEIGHT = 56
COLOURS = ('#1a7f5a', '#7a8793', '#b4bcc4', '#d9a441', '#4a78b5', '#9b6bb0', '#c0604d')


def bars(title: str, groups: list[tuple[str, list[tuple[str, float, str]]]]) -> str:
    """Of each group: its label, and its bars' names, values and texts. A name has one colour."""
    names = list(dict.fromkeys(name for _, rows in groups for name, _, _ in rows))
    parts, y = [*legend(title, names)], TITLE_HEIGHT
    for label, rows in groups:
        middle = y + len(rows) * BAR / 2 + 4
        parts.append(text(MARGIN + LABELS_WIDTH - 10, middle, label, 'end'))
        largest = max(value for _, value, _ in rows)
        for name, value, told in rows:
            width = BARS_WIDTH * value / largest if largest else 0
            parts.append(f'<rect x="{MARGIN + LABELS_WIDTH}" y="{y}" width="{width:.1f}"'
                         f' height="{BAR - 2}" fill="{colour(names, name)}"/>')
            parts.append(text(MARGIN + LABELS_WIDTH + width + 6, y + BAR - 4, told, 'start', 11))
            y += BAR
        y += GAP
    return '\n'.join((f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}"'
                      f' viewBox="0 0 {WIDTH} {y}" font-family="sans-serif">',
                      f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>', *parts, '</svg>\n'))


def legend(title: str, names: list[str]) -> list[str]:
    parts = [text(MARGIN, 22, title, 'start', 15)]
    x = MARGIN + LABELS_WIDTH
    for name in names:
        parts.append(f'<rect x="{x}" y="33" width="10" height="10"'
                     f' fill="{colour(names, name)}"/>')
        parts.append(text(x + 15, 42, name, 'start'))
        x += 35 + 7 * len(name)
    return parts


def colour(names: list[str], name: str) -> str:
    return COLOURS[names.index(name) % len(COLOURS)]


def text(x: float, y: float, words: str, anchor: str, size: int = 12) -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
            f' fill="#24292f">{escape(words)}</text>')

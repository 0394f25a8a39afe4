"""A sheet to draw on in points from the top left, with fonts that may be given away (Bitstream Vera, DejaVu)."""
import io
from importlib.util import find_spec
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

A4, LETTER = (595.28, 841.89), (612.0, 792.0)


def _fonts():
    vera = Path(find_spec("reportlab").origin).parent / "fonts"
    dejavu = Path(find_spec("matplotlib").origin).parent / "mpl-data" / "fonts" / "ttf"
    for name, path in {
        "sans": vera / "Vera.ttf", "sans-bold": vera / "VeraBd.ttf",
        "wide": dejavu / "DejaVuSans.ttf", "wide-bold": dejavu / "DejaVuSans-Bold.ttf",
        "serif": dejavu / "DejaVuSerif.ttf", "serif-bold": dejavu / "DejaVuSerif-Bold.ttf",
        "mono": dejavu / "DejaVuSansMono.ttf", "mono-bold": dejavu / "DejaVuSansMono-Bold.ttf",
    }.items():
        pdfmetrics.registerFont(TTFont(name, str(path)))


_fonts()


class Paper:
    def __init__(self, size, font, title):
        self.size, self.font, self.page, self.out = size, font, 1, io.BytesIO()
        self.canvas = Canvas(self.out, pagesize=size, invariant=1)
        self.canvas.setTitle(title)

    def width(self, text, points, bold=False):
        return pdfmetrics.stringWidth(text, self.font + ("-bold" if bold else ""), points)

    def text(self, x, y, text, points=9.0, bold=False, anchor="left", grey=0.0):
        """`anchor` says which end of the text `x` is."""
        self.canvas.setFillGray(grey)
        self.canvas.setFont(self.font + ("-bold" if bold else ""), points)
        x -= {"left": 0.0, "right": 1.0, "middle": 0.5}[anchor] * self.width(text, points, bold)
        self.canvas.drawString(x, self.size[1] - y, text)

    def block(self, x, y, lines, points=9.0, step=1.35, anchor="left"):
        for line in lines:
            self.text(x, y, line, points, anchor=anchor)
            y += points * step
        return y

    def line(self, x0, y0, x1, y1, width=0.6):
        self.canvas.setLineWidth(width)
        self.canvas.line(x0, self.size[1] - y0, x1, self.size[1] - y1)

    def fill(self, x, y, width, height, grey):
        self.canvas.setFillGray(grey)
        self.canvas.rect(x, self.size[1] - y - height, width, height, stroke=0, fill=1)

    def wrapped(self, text, points, width):
        lines = [""]
        for word in text.split(" "):
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self.width(longer, points) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def new_page(self):
        self.canvas.showPage()
        self.page += 1

    def bytes(self):
        self.canvas.save()
        return self.out.getvalue()

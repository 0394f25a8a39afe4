"""From a clean PDF to the file somebody would send: rasters, scans, photographs, multi-page TIFF."""
import io
import zlib

import numpy
import pypdfium2
from PIL import Image, ImageFilter


def pages(pdf, dpi):
    document = pypdfium2.PdfDocument(pdf)
    return [page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in document]


def scanned(image, rng, skew=0.0, noise=6.0, blur=0.5):
    """A flatbed scan: a little turned, a little soft, grey instead of white, with grain."""
    turned = image.rotate(skew, resample=Image.Resampling.BICUBIC, fillcolor=255)
    soft = numpy.asarray(turned.filter(ImageFilter.GaussianBlur(blur)), dtype=numpy.float32)
    grain = rng.normal(0, noise, soft.shape)
    return Image.fromarray(numpy.clip(soft * 0.93 + 12 + grain, 0, 255).astype(numpy.uint8))


def photographed(image, rng, tilt=0.03, noise=4.0):
    """A photograph from above: the sheet on a darker table, in perspective, lit from one side."""
    width, height = image.size
    margin = int(0.05 * width)
    big = Image.new("L", (width + 2 * margin, height + 2 * margin), 92)
    big.paste(image, (margin, margin))
    w, h = big.size
    d = tilt * w
    # Where the corners of the result come from, clockwise from the top left as QUAD wants: NW, SW, SE, NE.
    quad = (-0.6 * d, -0.2 * d, 0.3 * d, h + 0.5 * d, w + 0.7 * d, h + 0.1 * d, w - 0.4 * d, 0.4 * d)
    bent = big.transform((w, h), Image.Transform.QUAD, quad, resample=Image.Resampling.BICUBIC, fillcolor=92)
    light = numpy.linspace(1.0, 0.78, w)[None, :] * numpy.linspace(0.94, 1.0, h)[:, None]
    pixels = numpy.asarray(bent.filter(ImageFilter.GaussianBlur(0.6)), dtype=numpy.float32) * light
    return Image.fromarray(numpy.clip(pixels + rng.normal(0, noise, pixels.shape), 0, 255).astype(numpy.uint8))


LOOKS = {
    "clean": lambda image, rng: image,
    "scan": lambda image, rng: scanned(image, rng, skew=0.6),
    "rough_scan": lambda image, rng: scanned(image, rng, skew=-1.1, noise=9.0, blur=0.7),
    "photo": photographed,
}


def encode(images, suffix):
    out = io.BytesIO()
    first, rest = images[0], images[1:]
    match suffix:
        case "png":
            first.quantize(16).save(out, "PNG", optimize=True)
        case "jpg":
            first.save(out, "JPEG", quality=58, optimize=True)
        case "webp":
            first.convert("RGB").save(out, "WEBP", quality=55, method=6)
        case "tiff":
            sheets = [i.point(lambda v: 255 if v > 150 else 0).convert("1") for i in images]
            sheets[0].save(out, "TIFF", save_all=True, append_images=sheets[1:], compression="tiff_adobe_deflate", dpi=(200, 200))
        case "pdf":
            return picture_pdf([first, *rest])
    return out.getvalue()


def picture_pdf(images, dpi=200):
    """A PDF that holds one JPEG per page and no text, as scanners make it. Written by hand, so that it carries no date."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", None]
    kids = []
    for image in images:
        jpeg = io.BytesIO()
        image.save(jpeg, "JPEG", quality=55, optimize=True)
        data, (w, h) = jpeg.getvalue(), image.size
        pw, ph = w * 72 / dpi, h * 72 / dpi
        content = zlib.compress(f"q {pw:.2f} 0 0 {ph:.2f} 0 0 cm /I Do Q".encode())
        at = len(objects) + 1
        kids.append(f"{at} 0 R")
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {pw:.2f} {ph:.2f}] /Resources << /XObject << /I {at + 1} 0 R >> >> /Contents {at + 2} 0 R >>".encode(),
            f"<< /Type /XObject /Subtype /Image /Width {w} /Height {h} /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream",
            f"<< /Filter /FlateDecode /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream",
        ]
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{o:010d} 00000 n \n".encode() for o in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def render(pdf, suffix, look, seed):
    """The bytes of the file. `look` is `text` (the PDF as drawn) or one of LOOKS, with `@DPI` behind it."""
    if look == "text":
        return pdf
    name, _, dpi = look.partition("@")
    rng = numpy.random.default_rng(zlib.crc32(seed.encode()))
    return encode([LOOKS[name](page, rng) for page in pages(pdf, int(dpi or 200))], suffix)

"""The photos of the tests, changed ones, and files that are no photos."""

import functools
import io
import os
import pathlib
import struct
import zlib

from PIL import Image, ImageEnhance, ImageFilter

CACHE = pathlib.Path(os.environ.get("LIKENESS_CACHE",
                                    pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "likeness"))
PHOTOS = CACHE / "photos"

# How many people look out of each.
PEOPLE = {"astronaut.png": 1, "sample1.jpg": 3, "sample3.jpg": 3, "sample5.jpg": 5, "sample6.jpg": 4}


@functools.lru_cache(maxsize=None)
def photo(name):
    return (PHOTOS / name).read_bytes()


def jpeg(image, quality=92, **options):
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=quality, **options)
    return out.getvalue()


@functools.lru_cache(maxsize=None)
def astronaut(quality=92, brightness=1.0, blur=0.0, width=512, mirrored=False):
    """The astronaut, changed: another photo of the same person as far as bytes go."""
    image = Image.open(io.BytesIO(photo("astronaut.png"))).convert("RGB")
    if mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if brightness != 1.0:
        image = ImageEnhance.Brightness(image).enhance(brightness)
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    if width != image.width:
        image = image.resize((width, round(image.height * width / image.width)))
    return jpeg(image, quality)


@functools.lru_cache(maxsize=None)
def person(name, number):
    """The head of one person of a group photo, by her place from the left."""
    left, top, right, bottom = HEADS[name][number]
    image = Image.open(io.BytesIO(photo(name)))
    width, height = image.size
    return jpeg(image.crop((int(left * width), int(top * height), int(right * width), int(bottom * height))))


# Ratios of the photo: left, top, right, bottom; one face in each.
HEADS = {"sample6.jpg": [(0.03, 0.22, 0.31, 0.60), (0.27, 0.10, 0.50, 0.52), (0.53, 0.06, 0.74, 0.45),
                         (0.74, 0.05, 0.97, 0.47)]}


def grey(width=200, height=200, value=128):
    """An evenly grey PNG: no face in it, and small whatever its size."""
    row = b"\0" + bytes([value]) * width
    packed = zlib.compressobj(9)
    data = b"".join(packed.compress(row) for _ in range(height)) + packed.flush()

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", data) + chunk(b"IEND", b""))

"""Turns the PP-OCRv6 networks of the rapidocr wheel into what the extractor loads.

    convert.py OUT

OUT/models: detector and recogniser as OpenVINO IR with 16-bit weights, and characters.txt: one line per
class after the blank, the last line being a space. OUT/lib: the part of the OpenVINO runtime that a CPU
needs. OUT/licences: the texts that travel with both.
"""

import hashlib
import shutil
import sys
import unicodedata
from importlib.metadata import distribution
from pathlib import Path

import numpy
import onnx
import openvino
from onnx import numpy_helper

NETWORKS = {
    "detector": ("PP-OCRv6_det_small.onnx", "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"),
    "recogniser": ("PP-OCRv6_rec_small.onnx", "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"),
}
LIBRARIES = ("libopenvino_c.so", "libopenvino.so", "libopenvino_intel_cpu_plugin.so", "libopenvino_ir_frontend.so", "libtbb.so")
MARKS = set("←↑→↓■□▪▲►▼◆○●☐☑☒✓✔✗✘")


def is_kept(character):
    """Letters of the European scripts, and the digits, punctuation and signs that stand beside them."""
    code, category = ord(character), unicodedata.category(character)
    if code < 0x250 or character in MARKS:
        return True
    if category[0] == "L":
        return unicodedata.name(character).startswith(("GREEK ", "CYRILLIC ", "LATIN ")) and not 0x250 <= code < 0x2B0
    return category == "Sc" or 0x2000 <= code < 0x20A0 or character in "℃℉№™"


def verified(name):
    file_name, digest = NETWORKS[name]
    path = Path(distribution("rapidocr").locate_file("rapidocr")) / "models" / file_name
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        sys.exit(f"{file_name} has SHA-256 {found}, not {digest}")
    return onnx.load(path)


def cut_classes(network):
    """Drops the rows of the output layer that spell other scripts, which is most of its arithmetic.

    Returns the kept characters. Class 0 is the blank of CTC; the space comes after the last character.
    """
    characters = next(p.value for p in network.metadata_props if p.key == "character").split("\n")
    kept = [0] + [i for i, c in enumerate(characters, 1) if is_kept(c)] + [len(characters) + 1]
    cut = 0
    for tensor in network.graph.initializer:
        if len(characters) + 2 in tensor.dims:
            values = numpy.take(numpy_helper.to_array(tensor), kept, axis=-1)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
            cut += 1
    if cut != 2:
        sys.exit(f"expected weights and bias of one output layer, found {cut} tensors")
    network.graph.output[0].type.tensor_type.shape.dim[2].dim_value = len(kept)
    return [characters[i - 1] for i in kept[1:-1]] + [" "]


def convert(network, path):
    # The frontend is used directly, without openvino's converter, which would report to its maker.
    model = openvino.Core().read_model(network.SerializeToString(), b"")
    openvino.save_model(model, path, compress_to_fp16=True)


def copy_libraries(target):
    source = Path(openvino.__file__).parent / "libs"
    for name in LIBRARIES:
        [found] = [p for p in source.iterdir() if p.name == name or p.name.startswith(name + ".")]
        shutil.copyfile(found, target / found.name)
    [versioned] = target.glob("libopenvino_c.so.*")
    (target / "libopenvino_c.so").symlink_to(versioned.name)


def copy_licences(target):
    for package in ("rapidocr", "openvino"):
        metadata = distribution(package)
        root = f"{package}-{metadata.version}.dist-info/licenses"
        shutil.copytree(metadata.locate_file(root), target / package)


def main(out):
    for folder in ("models", "lib", "licences"):
        (out / folder).mkdir(parents=True)
    detector, recogniser = verified("detector"), verified("recogniser")
    characters = cut_classes(recogniser)
    convert(detector, out / "models" / "detector.xml")
    convert(recogniser, out / "models" / "recogniser.xml")
    (out / "models" / "characters.txt").write_text("".join(c + "\n" for c in characters), encoding="utf-8")
    copy_libraries(out / "lib")
    copy_licences(out / "licences")
    print(f"{len(characters) + 1} classes kept")


main(Path(sys.argv[1]))

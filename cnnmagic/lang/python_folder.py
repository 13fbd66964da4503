"""The part of an exported script that reads a folder of images with Pillow."""

from __future__ import annotations

from collections.abc import Sequence

from cnnmagic.datasets import Folder
from cnnmagic.plans import Plan, Resize
from cnnmagic.wording import counted

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
READER = '''
def read_folder(folder, classes):
    """Images (count, height, width, channels) of a folder with a folder for each class, and the numbers of these."""
    kinds = {{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff"}}
    files = [path for name in classes for path in (folder / name).rglob("*") if path.suffix.lower() in kinds]
    files.sort(key=lambda path: path.relative_to(folder).as_posix())
{stacked}    return images, np.array([classes.index(path.relative_to(folder).parts[0]) for path in files])


def read_image(path):
    """One image upright, in {channels} of 8 bits."""
    image = Image.open(path)
    kind = image.format
    if image.mode == "F" or (image.mode == "I" and kind != "PNG"):
        raise ValueError(f"{{path}} holds numbers of 32 bits, and nothing tells which of them is white")
{draft}    image.load()
    if kind == "TIFF" or (kind in ("JPEG", "MPO", "WEBP") and "exif" in image.info):
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits
        image = Image.fromarray(np.rint(np.asarray(image) / 257).astype("uint8"))
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    image = image.convert("{mode}")
{resize}    return np.array(image).reshape(image.height, image.width, {count})
'''
SPLIT_FOLDER = '''
def split_folder(names):
    """The folder of a split, whatever of these it is called."""
    return next(path for path in sorted(folder.iterdir()) if path.name.lower() in names)
'''
STACKED = "    images = np.stack([read_image(path) for path in files])\n"
# Those that can't be read take part in the splits, as in a training, and are left out after them.
GATHERED = """    images = np.empty(len(files), object)
    for number, path in enumerate(files):
        try:
            images[number] = read_image(path)
        except Exception:
            print(f"left out: {path}")
"""
READABLE = '''
def readable(images, labels):
    """The images that could be read as one array, and their labels."""
    found = np.array([image is not None for image in images])
    return np.stack(list(images[found])), labels[found]
'''
NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val"),
    "test": ("test", "testing"),
}


def folder_imports(lines: Sequence[str]) -> list[str]:
    """The imports of a script with those that reading a folder takes."""
    standard = [line for line in lines if line.startswith("import math")]
    rest = [line for line in lines if line not in standard]
    told = [line.rstrip("\n") for line in standard]
    return [*told, "from pathlib import Path\n", *rest, "from PIL import Image, ImageOps"]


def folder_code(plan: Plan) -> list[str]:
    """Lines that read a folder of images into arrays for the splits that it comes in."""
    assert isinstance(plan.source, Folder) and plan.facts is not None  # the caller looked
    splits, channels = plan.facts.splits, plan.input_shape[-1] or 3
    reader = READER.format(
        channels=counted(channels, "channel"),
        mode=MODES[channels],
        count=channels,
        draft=_draft(plan.resize),
        resize=_resize(plan.resize),
        stacked=GATHERED if plan.bad == "skip" else STACKED,
    )
    functions = [reader, *[SPLIT_FOLDER] * bool(splits), *[READABLE] * (plan.bad == "skip")]
    lines = ["\n".join([*functions, ""]), f"folder, classes = Path({plan.source.path!r}), {list(plan.facts.classes)!r}"]
    for split in splits or ("train",):
        where = f"split_folder({NAMES[split]!r})" if splits else "folder"
        lines.append(f"x_{split}, y_{split} = read_folder({where}, classes)")
    return lines


def left_out(plan: Plan, splits: Sequence[str]) -> list[str]:
    """Lines that leave images which can't be read out of these splits; none where those are an error."""
    if plan.bad != "skip":
        return []
    return [f"x_{name}, y_{name} = readable(x_{name}, y_{name})" for name in splits]


def _draft(resize: Resize | None) -> str:
    if resize is None:
        return ""
    return (
        '    if image.format == "JPEG":  # decoded no larger than it must be\n'
        f"        image.draft(None, ({2 * resize.width}, {2 * resize.height}))\n"
    )


def _resize(resize: Resize | None) -> str:
    if resize is None:
        return ""
    size = f"({resize.width}, {resize.height}), Image.Resampling.BILINEAR"
    call = {"crop": f"ImageOps.fit(image, {size})", "pad": f"ImageOps.pad(image, {size})"}
    return f"    image = {call.get(resize.how, f'image.resize({size})')}\n"

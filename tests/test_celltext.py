"""Where lines end and comments begin."""

from pathlib import Path

import pytest
from PIL import Image

from cnnmagic import plan
from cnnmagic.celltext import before_comment, code_of, split_lines
from cnnmagic.lang.canonical import canonical


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("conv 8 3x3  # eight", "conv 8 3x3"),
        ("conv 8 3x3", "conv 8 3x3"),
        ("# all of it", ""),
        ("", ""),
        ('data images:"my #photos"  # of mine', 'data images:"my #photos"'),
        ("data images:'my #photos'", "data images:'my #photos'"),
        ("data {{frame['#x']}} {{y}} # z", "data {{frame['#x']}} {{y}}"),
        ("it's # never closed", "it's"),
        ('two "#" of "#" them # and a comment', 'two "#" of "#" them'),
    ],
)
def test_the_code_of_a_line(line: str, code: str) -> None:
    assert code_of(line) == code
    assert line.startswith(before_comment(line)) and before_comment(line).rstrip() == code


@pytest.mark.parametrize("text", ["a\nb\n", "a\r\nb\r\n", "a\rb\r"])
def test_lines_of_every_system(text: str) -> None:
    assert split_lines(text) == ["a", "b", ""]


def test_a_number_sign_in_quotes_is_of_the_word(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "my #1" / name).mkdir(parents=True)
        Image.new("L", (8, 8)).save(tmp_path / "my #1" / name / "1.png")
    line = f'data images:"{tmp_path}/my #1"'
    planned = plan(f"{line}  # mine\nconv 8 3x3\noutput")
    found = planned.place_of(1)
    assert found is not None and found.source[found.column - 1 : found.end_column - 1] == line
    assert canonical(planned.text).startswith(f'data images: "{tmp_path}/my #1"  # mine\n')

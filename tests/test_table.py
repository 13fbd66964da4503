"""The plan as a table: the golden files are what the user sees, and every row leads back to its step."""

import pytest

from cnnmagic import plan
from cnnmagic.table import HEADER, bytes_text, rows, short, totals
from tests.lang.cells import CELLS


@pytest.mark.parametrize("name", CELLS)
def test_the_user_sees(name, golden):
    golden(f"plans/{name}.txt", str(plan(CELLS[name])))


@pytest.mark.parametrize(
    ("text", "sees"),
    [
        ("AdaptiveAveragePooling2D(5)\nconv 2 3x3\nglobalavgpool", "? ? whole"),
        ("Resizing(20, 20)\nconv 2 3x3", "? ?"),
        ("conv 2 3x3\nPermute(2x1x3)\nconv 2 3x3", "3x3 ? ?"),
        ("conv 2 3x3 /3\nreshape 169x2\nConv1D(4, 3)\nLSTM(5, return_sequences=True)\nLSTM(5)", "3x3 3x3 ? ? whole"),
        ("conv 2 3x3\nreshape 1444x2\nGlobalAveragePooling1D()\ndense 3", "3x3 3x3 whole whole"),
        ("LeakyReLU()\nconv 2 3x3\nSoftmax(axis=1)", "1x1 3x3 ?"),
        ("conv 2 3x3\nSoftmax()\nGaussianNoise(0.1)\nconv 2 3x3", "3x3 3x3 3x3 5x5"),
        ("conv 2 3x3\nresidual:\n    Equalization()\nconv 2 3x3", "3x3 ? ? ?"),
        # The field of the third is as large as the image: that is not the whole image for every number of it.
        ("conv 2 11x11 same\nconv 2 21x21 same\nconv 2 10x10 same\nconv 2 5x5 same", "11x11 31x31 40x40 44x44"),
        ("conv 2 40x40 same\nglobalavgpool keepdims=yes\nconv 2 1x1", "40x40 whole whole"),
    ],
)
def test_what_a_layer_sees(text, sees):
    for size in ("40x40x1", *(() if "reshape" in text or "Adaptive" in text else ("?x?x1",))):
        planned = plan(f"input {size}\n{text}")
        assert [row[HEADER.index("sees")] for row in rows(planned)] == sees.split()
        assert [step.receptive_field is None for step in planned.steps] == [
            told == "?" or (told == "whole" and "?" in size) for told in sees.split()
        ]


SHORT = {
    None: "?",
    0: "0",
    999: "999",
    1000: "1 k",
    235_200: "235 k",
    999_499: "999 k",
    999_500: "1 M",
    999_999: "1 M",
    1_000_000: "1 M",
    15_500_000_000: "15.5 G",
    2 * 10**12: "2 T",
    10**16: "10,000 T",
}


@pytest.mark.parametrize("number", SHORT)
def test_short(number):
    assert short(number) == SHORT[number]


@pytest.mark.parametrize(
    "number, text", [(None, "?"), (0, "0 B"), (999, "999 B"), (1000, "1 kB"), (2_408_448, "2.41 MB")]
)
def test_bytes_text(number, text):
    assert bytes_text(number) == text


@pytest.mark.parametrize("name", CELLS)
def test_rows_lead_back_to_steps(name):
    planned = plan(CELLS[name])
    table = rows(planned)
    assert [int(row[0]) for row in table] == [step.line for step in planned.steps]
    assert {len(row) for row in (*table, totals(planned))} == {len(HEADER)}
    assert sum(int(row[3].replace(",", "")) for row in table if row[3] != "-") == planned.parameters


def test_columns_stand_under_their_heads():
    lines = str(plan(CELLS["lenet5"])).splitlines()
    table = lines[: lines[2:].index(lines[1]) + 4]
    assert len({len(line) for line in table}) == 1


@pytest.mark.parametrize(
    "text, told",
    [
        ("data digits\noutput\ntrain sgd momentum=0.9 weight_decay=1e-4", ["momentum 0.9", "weight decay 0.0001"]),
        ("data digits\noutput\ntrain sgd momentum=0.9 nesterov=yes clipnorm=2", ["nesterov, clipnorm 2"]),
        ("data digits\noutput\ntrain 9 muon nesterov=no warmup=1", ["no nesterov", "warm-up over 1 epoch,"]),
        ("data digits\noutput\ntrain beta_1=0.8 warmup=1.5", ["beta_1 0.8", "warm-up over 1.5 epochs"]),
        ("data digits\noutput\ntrain label_smoothing=0.1", ["label smoothing 0.1"]),
        ("data digits\noutput\ntrain ema=0.99", ["the mean of the weights with momentum 0.99"]),
        ("data digits\noutput\ntrain early_stop=3 bfloat16\nseed 7", ["3 epochs without", "bfloat16", "seed 7"]),
        ("data digits\nresize 12x12 crop\noutput\ntrain validation=0.25", ["12x12", "25% of the training images"]),
        ("data digits\noutput\ntrain validation=0", ["no validation"]),
        ("data digits\noutput\ntrain 1", ["train 1 epoch of"]),
        ("data digits\noutput\ntrain early_stop=1", ["train 10 epochs of", "stops after 1 epoch without"]),
        ("data digits test=0.125\noutput\ntrain validation=0.995", ["12.5% of them", "99.5% of the training images"]),
        (
            "data digits\noutput\ntrain batch=1000000000",
            ["batches of 1,294 images, all that there are to train on", "a batch of 1294 takes at least 1.06 MB"],
        ),
        ("input 8x8x1\nconv 2 3x3 stride=2", ["no output", "`stride` is Keras's `strides`"]),
        ("input 8x8x1\nconv {2, 4} 3x3\nsweep", ["line 2: filters is one of {2, 4}; planned with the first"]),
    ],
)
def test_nothing_is_silent(text, told):
    shown = str(plan(text))
    assert [word for word in told if word not in shown] == []

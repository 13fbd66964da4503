"""The six cells of the language's contract, word for word, and the numbers that they must come to."""

LENET5 = """\
%%cnn lenet5
data mnist
input 28x28x1
conv 6 5x5 same tanh
avgpool 2
conv 16 5x5 tanh
avgpool 2
flatten
dense 120 tanh
dense 84 tanh
output 10
train epochs=12 batch=128 optimizer=adam
"""

VGG8 = """\
%%cnn vgg8
data cifar10
input 32x32x3
augment flip crop=4

block vgg(filters, times):
    repeat times:
        conv filters 3x3 same bn relu
    maxpool 2

vgg 64 2
vgg 128 2
vgg 256 3
globalavgpool
dropout 0.5
output 10
train epochs=30 batch=128 optimizer=sgd lr=0.1 momentum=0.9 schedule=cosine
"""

RESNET20 = """\
%%cnn resnet20
data cifar10
input 32x32x3
conv 16 3x3 same bn relu

block basic(filters, stride=1):
    residual relu:                  # adds the block's own input, then relu
        conv filters 3x3 stride=stride same bn relu
        conv filters 3x3 same bn

repeat 3:
    basic 16
basic 32 2
repeat 2:
    basic 32
basic 64 2
repeat 2:
    basic 64
globalavgpool
output 10
"""

INCEPTION3A = """\
%%cnn inception3a
input 28x28x192
branches -> concat:
    branch one:
        conv 64 1x1 relu
    branch three:
        conv 96 1x1 relu
        conv 128 3x3 same relu
    branch five:
        conv 16 1x1 relu
        conv 32 5x5 same relu
    branch pool:
        maxpool 3 /1 same
        conv 32 1x1 relu
globalavgpool
output 1000
"""

ANYSIZE = """\
%%cnn anysize
data images:photos
input ?x?x3
conv 32 3x3 same relu
maxpool 2
conv 64 3x3 same relu
maxpool 2
conv 128 3x3 same relu
globalavgpool
output 5
"""

TUNED = """\
%%cnn tuned
data mnist
input 28x28x1
conv filters={16, 32, 64} kernel={3x3, 5x5} same relu
maxpool 2
conv 64 3x3 same relu
maxpool 2
flatten
dropout {0.25, 0.5}
output 10
train epochs=3 batch={64, 128} lr={1e-2, 1e-3, 1e-4}
sweep random trials=12 goal=val_accuracy seed=0
"""

CELLS = {
    "lenet5": LENET5,
    "vgg8": VGG8,
    "resnet20": RESNET20,
    "inception3a": INCEPTION3A,
    "anysize": ANYSIZE,
    "tuned": TUNED,
}
PARAMETERS = {"lenet5": 61_706, "vgg8": 1_741_514, "resnet20": 274_042, "inception3a": 420_696, "anysize": 93_893}

"""Every mistake is answered by a short, true text at the right place: the golden files are what the user sees."""

from pathlib import Path

import numpy as np
import pytest

from cnnmagic import CnnError, plan

IMAGES, LABELS = np.zeros((20, 28, 28, 1), np.uint8), np.arange(20) % 10
VARIABLES = {"images": IMAGES, "labels": LABELS, "width": 32, "table": {"a": 1}}

# Whole cells.
WHOLE = {
    "flatten_any_size": "input ?x?x3\nconv 8 3x3 relu\nmaxpool 2\n\nflatten\noutput 5\n",
    "classes_differ": "data mnist\nconv 8 3x3 relu\noutput 5\ntrain\n",
    "empty_cell": "",
    "only_comments": "# nothing yet\n\n# 아직 없음\n",
    "only_data": "data mnist\n",
    "only_train": "train epochs=3\n",
    "python_instead": "model = Sequential()\nmodel.add(Conv2D(32, 3))\n",
    "kernel_larger_than_image": "input 8x8x1\nconv 16 11x11 relu\noutput 10\n",
    "pool_larger_than_image": "input 4x4x1\nmaxpool 5\noutput 10\n",
    "groups_uneven": "input 28x28x3\nconv 8 3x3 groups=2\noutput 10\n",
    "cropped_away": "input 4x4x1\ncrop 2\noutput 10\n",
    "dense_any_size": "input ?x?x3\nconv 8 3x3\ndense 10\noutput 10\n",
    "output_any_size": "input ?x?x3\nconv 8 3x3\noutput 10\n",
    "data_and_further_layer": "data digit\nGRU 4 dropot=0.1\noutput 10\n",
    "input_missing": "conv 8 3x3\noutput 10\n",
    "input_without_size": "input\nconv 8 3x3\noutput 10\n",
    "input_of_one": "input 28\nconv 8 3x3\noutput 10\n",
    "input_of_four": "input 32x28x28x1\nconv 8 3x3\noutput 10\n",
    "input_zero": "input 0x28x1\nconv 8 3x3\noutput 10\n",
    "input_free_channels": "input 28x28x?\nconv 8 3x3\noutput 10\n",
    "input_word": "input mnist\nconv 8 3x3\noutput 10\n",
    "input_differs_from_data": "data mnist\ninput 32x32x3\nconv 8 3x3\noutput 10\n",
    "input_smaller_than_data": "data mnist\ninput 14x14x1\nconv 8 3x3\noutput 10\n",
    "train_without_output": "data mnist\nconv 8 3x3\nglobalavgpool\ntrain epochs=1\n",
    "output_not_last": "input 28x28x1\nconv 8 3x3\noutput 10\ndense 5\n",
    "output_without_number": "input 28x28x1\nconv 8 3x3\noutput\n",
    "output_zero": "input 28x28x1\nconv 8 3x3\noutput 0\n",
    "data_unknown": "data mnits\nconv 8 3x3\noutput 10\ntrain\n",
    "data_nothing": "data\nconv 8 3x3\noutput 10\ntrain\n",
    "data_nowhere": "data nowhere.npz\nconv 8 3x3\noutput 10\ntrain\n",
    "data_of_unknown_kind": "data photos.rar\nconv 8 3x3\noutput 10\ntrain\n",
    "data_without_labels": "data {{images}}\nconv 8 3x3\noutput 10\ntrain\n",
    "data_variable_misspelt": "data {{imges}} {{labels}}\nconv 8 3x3\noutput 10\ntrain\n",
    "data_two_names": "data mnist cifar10\nconv 8 3x3\noutput 10\ntrain\n",
    "train_without_data": "input 28x28x1\nconv 8 3x3\noutput 10\ntrain\n",
    "resize_without_size": "data mnist\nresize big\nconv 8 3x3\noutput 10\n",
    "augment_unknown": "data mnist\naugment flop\nconv 8 3x3\noutput 10\n",
    "augment_nothing": "data mnist\naugment\nconv 8 3x3\noutput 10\n",
    "train_in_block": "data mnist\nrepeat 2:\n    conv 8 3x3\n    train\noutput 10\n",
    "block_calls_itself": "input 28x28x1\nblock vgg(filters):\n    conv filters 3x3 same\n    vgg filters\nvgg 8\n",
    "several_at_once": "data mnist\nconv 32 3x3 rleu\nmaxpol 2\ndense 128 relu drop=0.5\noutput 5\ntrain epohcs=3\n",
    "more_than_are_shown": "input 28x28x1\n" + "conv 8 3x3 rleu\n" * 12 + "output 10\n",
    "keras_sequential": "model = keras.Sequential([\n  layers.Conv2D(32, 3, activation='relu'),\n])\n",
    "keras_functional": "input 28x28x1\nx = Conv2D(32, 3)(x)\nmodel.add(Conv2D(32, 3))\noutput 10\n",
    "keras_compile_and_fit": "data mnist\nconv 8 3x3\noutput\ncompile optimizer=adam\nfit epochs=3\n",
    "keras_arguments": "data mnist\nConv2D(32, 3, input_shape=(28, 28, 1), name='first')\noutput\n",
    "pytorch_module": "nn.Conv2d(1, 32, 3)\nnn.BatchNorm2d(32)\nnn.AdaptiveAvgPool2d(1)\nnn.Linear(128, 10)\n",
    "pytorch_words": "input 28x28x1\nconv2d in_channels=1 out_channels=32 kernel_size=3 padding=1\nlinear 10\n",
    "darknet_sections": "[convolutional]\nfilters=32\nsize=3\n",
    "darknet_section_alone": "input 28x28x1\n[maxpool]\nshortcut from=-2\n",
    "caffe_pooling": "input 28x28x1\nPooling pool=MAX kernel_size=2\n",
    "vgg_table": "input 224x224x3\nconv3-64\nmaxpool\nFC-4096\n",
    "paper_times": "input 224x224x3\n7x7 conv, 64, /2\n3x3 max pool, /2\n3x3 conv, 64 x2\n",
    "names_without_equals": "data mnist\nconv 32 kernel 3 filters 8\nconv 8 3x3 stride /2\noutput\ntrain 5 epochs\n",
    "unreadable_and_meaningless": "data mnist\nconv (((\nmaxpol 2\nconv 8 3x3 rleu\nadd stem\noutput\ntrain epohcs=3\n",
    "unreadable_block": "input 8x8x1\nblock b(f:\n    conv f 3x3\nb 3\noutput 10\n",
    "unreadable_input": "input = 28x28x1\nconv 8 3x3\noutput 10\n",
    "repeat_without_colon_and_more": "input 8x8x1\nrepeat 2\n    conv 3 rleu\noutput 10\n",
    "keras_class_misspelt": "input 8x8x1\nGausianNoise 0.1\nLambda 2\noutput 2\n",
    "rule_misspelt": "input 8x8x1\nconv 3 3 kernel_initializer=hee_normal kernel_regularizer=l3\noutput 2\n",
    "data_unknown_and_output_alone": "data mnit\nconv 8 3x3\noutput\ntrain\n",
    "residual_of_lists": "input 8x8x1\nflatten\nresidual:\n    dense 5\noutput 3\n",
    "free_paths_never_meet": "input ?x?x3\nstem <- conv 8 3x3 same\nconv 8 3x3\nadd stem\ngap\noutput 3\n",
    "free_block_shrinks": "input ?x?x8\nresidual:\n    conv 16 3x3 /2\ngap\noutput 3\n",
    "pytorch_order": "input 28x28x3\nConv2d(3, 6, 5)\nConv2d(6, 16, kernel_size=5)\noutput 3\n",
    "darknet_file": "[net]\nwidth=28\nheight=28\n[convolutional]\nfilters=32\nsize=3\n[maxpool]\n",
    "statement_assigned": "input 8x8x1\ndropout = 0.5\noutput 2\n",
    "block_default_unknown": "input 8x8x1\nblock own(f={{widht}}):\n    conv f 3x3\nown\noutput 2\n",
    "size_with_blanks": "input 28 x 28 x 1\nconv 8 3x3\noutput 10\n",
}
# Lines between `input 28x28x1` and `output 10`.
LAYERS = {
    "pooled_to_nothing": "conv 16 3x3 relu\n"
    "maxpool 2\n"
    "conv 32 3x3 relu\n"
    "maxpool 2\n"
    "conv 48 3x3 relu\n"
    "maxpool 3 /2 padding=valid\n"
    "conv 64 3x3 relu",
    "residual_without_projection": "conv 8 3x3 relu\n\nresidual project=no:\n    conv 16 3x3 same relu",
    "activation_misspelt": "conv 32 3x3 same rleu",
    "layer_unknown": "convolve 32 3x3",
    "layer_nonsense": "xyzzy",
    "class_misspelt": "Con2D(32, 3)",
    "quotes_instead": "Conv2D(32, (3, 3), activation='rleu')",
    "argument_unknown": "conv 32 3x3 filers=16",
    "argument_strange": "conv 32 3x3 wings=2",
    "argument_twice": "conv 32 3x3 filters=16",
    "argument_of_wrong_kind": "conv many 3x3",
    "argument_value_wrong": "conv filters=-3 kernel_size=3x3 padding=some",
    "argument_missing": "conv 32",
    "nothing_given": "conv",
    "activation_twice": "conv 32 3x3 relu tanh",
    "size_of_three": "conv 32 3x3x3",
    "stride_zero": "conv 32 3x3 /0",
    "filters_zero": "conv 0 3x3",
    "filters_fraction": "conv 0.5 3x3",
    "filters_huge": "conv 99999999999999999999 3x3",
    "dropout_one": "dropout 1.5",
    "dropout_percent": "dropout 150%",
    "flag_value_wrong": "conv 8 3x3 use_bias=perhaps",
    "pad_does_not_fit": "conv 8 3x3 pad=2",
    "flatten_with_word": "flatten 3",
    "relu_with_word": "conv 8 3x3\nrelu 6",
    "label_is_no_name": "8a <- conv 8 3x3",
    "conv_after_flatten": "flatten\nconv 8 3x3",
    "group_norm_uneven": "conv 20 3x3\ngn 8",
    "strides_and_dilation": "conv 8 3x3 /2 dilation_rate=2",
    "reshape_of_other_size": "reshape 10x10",
    "input_twice": "input 32x32x3\nconv 8 3x3",
    "two_outputs": "conv 8 3x3\noutput 10",
    "seed_word": "seed lucky\nconv 8 3x3",
    "bracket_unclosed": "Conv2D(32, 3, activation=relu\nmaxpool 2",
    "bracket_too_many": "Conv2D(32, 3))",
    "brace_unclosed": "conv {16, 32 3x3",
    "braces_empty": "conv {} 3x3",
    "quote_unclosed": "conv 8 3x3 activation='relu",
    "equals_without_value": "conv 8 3x3 strides=",
    "equals_without_name": "conv 8 3x3 =2",
    "indentation_without_block": "  conv 8 3x3",
    "indentation_uneven": "repeat 2:\n    conv 8 3x3 same\n  maxpool 2",
    "tabs_and_blanks": "repeat 2:\n\tconv 8 3x3 same\n        relu",
    "colon_without_block": "conv 8 3x3:\n    relu",
    "arrow_alone": "conv 8 3x3 ->",
    "block_without_colon": "block vgg(filters)\n    conv filters 3x3\nvgg 8",
    "block_without_name": "block (filters):\n    conv filters 3x3",
    "block_without_lines": "block vgg(filters):\nvgg 8",
    "block_named_as_a_layer": "block conv(filters):\n    dense filters",
    "block_parameter_twice": "block vgg(filters, filters):\n    conv filters 3x3",
    "block_argument_missing": "block vgg(filters, times):\n    repeat times:\n        conv filters 3x3\nvgg 8",
    "block_argument_too_many": "block vgg(filters):\n    conv filters 3x3\nvgg 8 2",
    "block_argument_unknown": "block vgg(filters):\n    conv filters 3x3\nvgg 8 times=2",
    "block_body_wrong": "block vgg(filters):\n    conv filtres 3x3\n    maxpool 2\nvgg 8\nvgg 16",
    "block_called_before": "vgg 8\nblock vgg(filters):\n    conv filters 3x3",
    "block_misspelt": "block bottleneck(filters):\n    conv filters 3x3\nbottelneck 8",
    "repeat_zero": "repeat 0:\n    conv 8 3x3 same",
    "repeat_huge": "repeat 1000000000:\n    conv 8 3x3 same",
    "repeat_nested_huge": "repeat 1000:\n    repeat 1000:\n        relu",
    "repeat_without_number": "repeat:\n    conv 8 3x3 same",
    "repeat_word": "repeat often:\n    conv 8 3x3 same",
    "residual_of_other_size": "conv 8 3x3\nresidual:\n    conv 8 3x3",
    "residual_empty": "conv 8 3x3\nresidual:\nrelu",
    "residual_word_wrong": "conv 8 3x3\nresidual rleu:\n    conv 8 3x3 same",
    "residual_argument_wrong": "conv 8 3x3\nresidual projekt=no:\n    conv 8 3x3 same",
    "branches_without_meeting": "branches:\n    branch:\n        conv 8 1x1\n    branch",
    "branches_meet_wrongly": "branches -> join:\n    branch:\n        conv 8 1x1\n    branch",
    "branches_of_one": "branches -> concat:\n    branch:\n        conv 8 1x1",
    "branches_with_a_layer": "branches -> concat:\n    conv 8 1x1\n    branch",
    "branches_of_other_sizes": "branches -> concat:\n    branch:\n        conv 8 3x3\n    branch",
    "branch_alone": "branch:\n    conv 8 3x3",
    "label_unknown": "stem <- conv 8 3x3 same\nconv 8 3x3 same\nadd stam",
    "label_of_other_shape": "stem <- conv 8 3x3 same\nconv 16 3x3 same\nadd stem",
    "label_left_unused": "stem <- conv 8 3x3 same\nconv 16 3x3 same\nfrom stem\nconv 4 1x1",
    "variable_unknown": "conv {{widht}} 3x3",
    "variable_call": "conv {{print(1)}} 3x3",
    "variable_dunder": "conv {{width.__class__}} 3x3",
    "variable_import": "conv {{__import__('os')}} 3x3",
    "variable_of_wrong_kind": "conv {{table}} 3x3",
    "variable_without_key": "conv {{table['b']}} 3x3",
    "several_unreadable": "conv 8 3x3 strides=\nrepeat 2\n    relu\ndense 8 =relu",
    "korean_words": "합성곱 32 3x3  # 첫 층",
    "volume_wanted_after_pooling": "globalavgpool\nconv 8 3x3",
    "add_without_label": "conv 8 3x3\nadd",
    "from_two_labels": "a <- conv 8 3x3\nb <- conv 8 1x1\nfrom a b",
    "label_of_the_output": "output <- conv 8 3x3 same",
    "use_nothing": "use",
    "use_with_equals": "use weights=imagenet",
    "se_with_word": "se many",
    "bn_where_none_goes": "maxpool 2 bn",
    "same_twice": "conv 8 3x3 same same",
    "choice_of_no_sense": "conv {16, many} 3x3",
    "interpolation_unknown": "upsample 2 interpolation=linear",
    "flip_unknown": "RandomFlip sideways",
    "tab_before_a_mistake": "repeat 2:\n\tconv 8 3x3 rleu same",
    "residual_of_a_list": "residual:\n    flatten",
    "variable_unclosed": "conv {{width} 3x3",
    "argument_in_two_languages": "conv 8 3x3 활성화=relu",
    "block_of_other_case": "block Vgg(filters):\n    conv filters 3x3\nvgc 8",
    "several_words_wrong": "conv 8 3x3 smae rleu stirde=2",
}
# Lines after a network for mnist.
TRAINING = {
    "train_option_unknown": "train epohcs=5",
    "train_values_wrong": "train epochs=many batch=0 lr=-1 validation=2",
    "optimizer_unknown": "train optimizer=adma",
    "schedule_unknown": "train schedule=cosinus",
    "momentum_with_adam": "train optimizer=adam momentum=0.9",
    "train_twice": "train\ntrain epochs=2",
    "range_backwards": "train lr={0.1 .. 0.001 log}",
    "train_bare_word": "train fast",
    "seed_negative": "seed -1",
    "momentum_zero_with_adam": "train momentum=0",
    "options_of_other_optimizers": "train sgd beta_1=0.8 rho=0.9 epsilon=1e-5",
    "nesterov_with_adamw": "train adamw nesterov=yes",
    "clipped_twice": "train clipnorm=1 clipvalue=0.5",
    "warmup_of_all_epochs": "train 3 warmup=3",
    "beta_of_nothing": "train lion beta_1=0",
    "smoothing_of_all": "train label_smoothing=1",
    "warmup_word": "train warmup=slow",
}
WRONG = {
    **WHOLE,
    **{name: f"input 28x28x1\n{lines}\noutput 10\n" for name, lines in LAYERS.items()},
    **{name: f"data mnist\nconv 8 3x3\noutput 10\n{lines}\n" for name, lines in TRAINING.items()},
}


def answer(name: str) -> CnnError:
    with pytest.raises(CnnError) as caught:
        plan(WRONG[name], **VARIABLES)
    return caught.value


@pytest.mark.parametrize("name", WRONG)
def test_the_user_sees(name, golden):
    golden(f"errors/{name}.txt", str(answer(name)).replace(str(Path.cwd()), "FOLDER"))


@pytest.mark.parametrize("name", [name for name in WRONG if WRONG[name].strip(" \n")])
def test_each_mistake_is_told_once_at_its_place(name):
    lines = WRONG[name].split("\n")
    problems = answer(name).problems
    assert len(set(problems)) == len(problems)
    for problem in problems:
        assert len(str(problem).splitlines()) <= 6
        if problem.place:
            meant = lines[problem.place.line - 1][problem.place.column - 1 : problem.place.end_column - 1]
            assert meant.strip(" ")

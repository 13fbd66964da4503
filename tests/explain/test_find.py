"""Free words to the question that they ask: as people put it, with slips, in two languages, and what is no question."""

import pytest

import cnnmagic
from cnnmagic.explain.catalogue import QUESTIONS
from cnnmagic.explain.find import find_question, question_names
from tests.explain import heldout

ENGLISH = {
    "I was never any good at maths, can I still follow along?": "mathematics",
    "how much calculus does one need for this": "mathematics",
    "do i have to derive backpropagation by hand": "mathematics",
    "What makes a convnet better than a normal neural net?": "why-cnn",
    "couldn't I just use a multilayer perceptron": "why-cnn",
    "Where are convolutional networks used in real life, what are their applications?": "why-cnn",
    "how do people come up with these architectures": "architecture",
    "how many conv layers would be enough for my photos of flowers": "architecture",
    "is there a rule for the number of filters?": "architecture",
    "what is the softmax for": "softmax",
    "how come the ten outputs add up to 1": "softmax",
    "Can one have kernels with an even width?": "odd-filters",
    "why always 3x3 and 5x5, never 4x4": "odd-filters",
    "my pictures come in all kinds of sizes, can the network cope?": "sizes",
    "do all images need the same resolution": "sizes",
    "does this work in a Databricks notebook": "databricks",
    "which tensorflow version is installed here": "databricks",
    "where do I go from here": "next",
    "can you recommend a good book or course on deep learning": "next",
    "what exactly is the depth of a layer": "volumes",
    "explain stride to me": "convolution",
    "how does the filter slide over the picture and what does it compute": "convolution",
    "why do you take the maximum in max-pooling": "pooling",
    "validation loss goes up while training loss goes down, what is wrong": "overfitting",
    "has it just learned the training images by heart": "overfitting",
    "my loss is stuck at 2.3, is the step size wrong": "learning-rate",
    "which classes does my model mix up the most": "confusion",
    "What do the filters of the first layer look like after training?": "features",
    "can you show a heatmap of what the network pays attention to": "gradcam",
    "why does training take so long and eat so much memory": "cost",
    "is dropout switched off at test time": "layers",
}
KOREAN = {
    "수학을 잘 못하는데 괜찮을까요?": "mathematics",
    "선형대수랑 미분을 알아야 이해할 수 있나요": "mathematics",
    "수식 없이도 쓸 수 있어요?": "mathematics",
    "보통 신경망이랑 비교해서 CNN이 뭐가 더 좋아요?": "why-cnn",
    "굳이 합성곱 신경망을 써야 하는 이유가 뭔가요": "why-cnn",
    "CNN은 실제로 어디에 활용되나요?": "why-cnn",
    "신경망 구조는 누가 어떻게 정하는 건가요": "architecture",
    "레이어를 몇 개 넣어야 할지 어떻게 알아요?": "architecture",
    "필터 개수는 어떻게 정해요": "architecture",
    "소프트맥스가 왜 필요한가요?": "softmax",
    "출력값을 다 더하면 왜 1이 되나요": "softmax",
    "짝수 크기 필터는 못 쓰나요?": "odd-filters",
    "왜 다들 3x3 필터만 써요": "odd-filters",
    "사진마다 크기가 제각각인데 어떻게 넣어요?": "sizes",
    "이미지 해상도를 꼭 통일해야 하나요": "sizes",
    "데이터브릭스 노트북에서도 돌아가나요?": "databricks",
    "텐서플로가 설치되어 있는지 어떻게 알아요": "databricks",
    "이제 뭘 더 공부하면 될까요?": "next",
    "좋은 책이나 강의 추천해 주세요": "next",
    "층의 깊이가 무슨 뜻이에요?": "volumes",
    "합성곱 연산을 하나하나 보여 주세요": "convolution",
    "스트라이드가 뭐예요?": "convolution",
    "최대 풀링은 왜 쓰는 건가요": "pooling",
    "검증 손실이 자꾸 올라가요": "overfitting",
    "모델이 훈련 데이터를 외운 것 같아요": "overfitting",
    "러닝레이트를 얼마로 해야 하나요?": "learning-rate",
    "학습을 해도 손실이 떨어지지 않아요": "learning-rate",
    "어떤 숫자끼리 자주 헷갈려 하나요?": "confusion",
    "첫 번째 층은 이미지에서 무엇을 보고 있나요?": "features",
    "그림의 어느 부분을 보고 그렇게 판단했나요?": "gradcam",
    "왜 이렇게 느리고 메모리를 많이 먹나요?": "cost",
    "배치 정규화는 무슨 일을 해요?": "layers",
}
SLIPS = {
    "why sofmax": "softmax",
    "is it overfiting": "overfitting",
    "learing rate": "learning-rate",
    "what is a convolusion": "convolution",
    "how to run on databriks": "databricks",
    "confusoin matrix": "confusion",
    "소프트멕스가 뭐예요": "softmax",
    "데이타브릭스에서 쓰려면": "databricks",
}
NONSENSE = [
    "what will the weather be like on Sunday",
    "two large pizzas with mushrooms please",
    "asdkjh qwpoei zmxnv",
    "who is the president of Brazil",
    "my cat is called Felix",
    "내일 비가 올까요",
    "저녁으로 뭘 먹을까",
    "지하철역이 어디예요",
    "ㅋㅋㅋㅋㅋㅋ",
    "!!! ??? …",
    "",
]


@pytest.mark.parametrize(
    "asked",
    [ENGLISH, KOREAN, heldout.ENGLISH, heldout.KOREAN],
    ids=["English", "Korean", "English held out", "Korean held out"],
)
def test_nine_of_ten_are_found(asked: dict[str, str]) -> None:
    assert len(asked) >= 30
    wrong = {text: find_question(text) for text, question in asked.items() if find_question(text) != question}
    assert len(wrong) * 10 <= len(asked), wrong


@pytest.mark.parametrize("text", SLIPS)
def test_slips_are_forgiven(text: str) -> None:
    assert find_question(text) == SLIPS[text]


@pytest.mark.parametrize("text", [*NONSENSE, *heldout.ENGLISH_NONSENSE, *heldout.KOREAN_NONSENSE])
def test_nonsense_fits_nothing(text: str) -> None:
    assert find_question(text) is None


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_id_finds_itself(question: str) -> None:
    assert find_question(question) == find_question(question.replace("-", " ").upper()) == question


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("640x480", "sizes"),
        ("what is 14x14x64", "volumes"),
        ("7 by 7", "odd-filters"),
        ("show me the filters", "features"),
        ("필터를 보여줘", "features"),
        ("what is the receptive field", "features"),
        ("수용 영역이 뭐예요", "features"),
        ("what does same mean", "convolution"),
        ("same이 무슨 뜻이에요", "convolution"),
        ("why is accuracy so high", "confusion"),
        ("정확도가 왜 이렇게 높아요", "confusion"),
        ("my classes are imbalanced, is that bad", "confusion"),
        ("데이터가 불균형한데 괜찮나요", "confusion"),
        ("how do I improve accuracy", "overfitting"),
        ("how do I get a better accuracy", "overfitting"),
        ("정확도를 어떻게 올리나요", "overfitting"),
        ("why is my accuracy low", "learning-rate"),
        ("정확도가 왜 낮아요", "learning-rate"),
        ("what do convolutional layers see in a photo", "features"),
        ("what do convolutional layers see in a picture", "features"),
    ],
)
def test_words_of_one_meaning_are_one(text: str, question: str) -> None:
    assert find_question(text) == question


@pytest.mark.parametrize("text", ["who won the match", "is the swimming pool open on Sundays", "how deep is the ocean"])
def test_a_word_of_the_field_alone_makes_no_question(text: str) -> None:
    assert find_question(text) is None


def test_every_question_can_be_found() -> None:
    assert set(question_names()) == set(QUESTIONS)


def test_it_is_a_public_function() -> None:
    assert cnnmagic.find_question("why softmax?") == "softmax"


def test_a_long_text_takes_no_longer() -> None:
    assert find_question("softmax " * 100_000) == "softmax"

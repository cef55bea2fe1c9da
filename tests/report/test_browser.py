"""The page in a real browser: correct results, keyboard, dark mode, small screens, hostile words.

Skipped if no Chromium is on the path.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.report.sample import HOSTILE, WORDS, write_sample_run
from word2vec.report import write_report
from word2vec.vectors.word_vectors import WordVectors

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)")

DESK: ViewportSize = {"width": 1280, "height": 900}
MIN_CONTRAST = 4.5  # of text with its background, WCAG 2 level AA


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def vectors(folder: Path) -> WordVectors:
    vectors = write_sample_run(folder / "run")
    write_report(vectors, folder / "run", folder / "report.html")
    return vectors


class Opened:
    """A page, with its console messages, errors and requests."""

    def __init__(self, browser: Browser, path: Path, **options: Any) -> None:
        self.page: Page = browser.new_page(**options)
        self.page.set_default_timeout(20_000)
        self.messages: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("#query-status:not(:empty)")


@pytest.fixture(scope="module")
def one_page(browser: Browser, folder: Path, vectors: WordVectors) -> Iterator[Opened]:
    opened = Opened(browser, folder / "report.html", viewport=DESK)
    yield opened
    opened.page.close()


@pytest.fixture
def opened(one_page: Opened) -> Iterator[Opened]:
    """The page in its initial state; it is loaded only once, because that takes seconds."""
    page = one_page.page
    page.fill("#query", "king")
    page.press("#find", "Escape")
    yield one_page
    page.set_viewport_size(DESK)
    page.emulate_media(media="screen", color_scheme="light")
    assert one_page.messages == []


def wait_until(page: Page, condition: str) -> None:
    """Wait until a JavaScript condition is true; the page's security policy forbids playwright's own way."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"not true after ten seconds: {condition}")


def answers(page: Page) -> list[tuple[str, str]]:
    items = page.locator("#answers li").all()
    return [(item.locator("button").inner_text(), item.locator(".cosine").inner_text()) for item in items]


def labels(page: Page) -> list[str]:
    return page.locator("#map .textpoint text").all_text_contents()


def test_it_opens_without_messages_or_requests(opened: Opened, folder: Path) -> None:
    assert opened.requests == [(folder / "report.html").as_uri()]
    assert opened.page.title() == "run: word vectors"
    assert opened.page.locator(".js-plotly-plot").count() == 4  # the map and three charts
    assert opened.page.locator("#map .points path.point").count() >= len(WORDS)


def test_no_word_runs_as_code(opened: Opened) -> None:
    page = opened.page
    for word in HOSTILE:
        page.fill("#query", word)
        page.fill("#find", word)
        assert word in labels(page)
        assert len(answers(page)) == 10
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("word", ["king", "word7", "größe", "<b>bold</b>", "-", "__proto__"])
def test_typing_a_word_shows_its_nearest_words(word: str, opened: Opened, vectors: WordVectors) -> None:
    opened.page.fill("#query", "")
    assert answers(opened.page) == []
    opened.page.locator("#query").press_sequentially(word)
    found = answers(opened.page)
    expected = vectors.nearest(word, n=10)
    assert [word for word, _ in found] == [word for word, _ in expected]
    for (_, shown), (_, cosine) in zip(found, expected, strict=True):
        assert float(shown) == pytest.approx(cosine, abs=0.0005001)


def test_words_are_added_and_subtracted(opened: Opened, vectors: WordVectors) -> None:
    opened.page.fill("#query", "  king -  man + woman ")
    expected = vectors.nearest(["king", "woman"], ["man"], n=10)
    assert [word for word, _ in answers(opened.page)] == [word for word, _ in expected]
    assert expected[0][0] == "queen"
    assert opened.page.inner_text("#query-status") == "Nearest to king - man + woman:"


def test_a_result_can_be_looked_up(opened: Opened, vectors: WordVectors) -> None:
    opened.page.fill("#query", "king")
    opened.page.click("#answers button >> nth=0")
    first = vectors.nearest("king", n=1)[0][0]
    assert opened.page.input_value("#query") == first
    assert [word for word, _ in answers(opened.page)] == [word for word, _ in vectors.nearest(first, n=10)]


def test_unknown_words_get_spelling_suggestions(opened: Opened) -> None:
    page = opened.page
    page.fill("#query", "King - queeen")
    assert page.inner_text("#query-status") == "“King” is not in the vocabulary of this page. Did you mean:"
    assert answers(page) == []
    page.click("#spellings button >> text=king")
    assert page.inner_text("#spellings button >> nth=0") == "queen"
    page.click("#spellings button >> text=queen")
    assert page.input_value("#query") == "king - queen"
    assert len(answers(page)) == 10
    page.fill("#query", "word99x")
    assert page.inner_text("#spellings button >> nth=0") == "word99"  # edit distance 1 before 2
    page.fill("#query", "qqqqqqqqqq")
    assert page.inner_text("#query-status") == "“qqqqqqqqqq” is not in the vocabulary of this page."
    assert page.locator("#spellings button").count() == 0


def test_completions_follow_the_last_word(opened: Opened) -> None:
    opened.page.fill("#query", "king - wo")
    options = opened.page.locator("#query-words option").evaluate_all("all => all.map(option => option.value)")
    assert options[0] == "king - woman"
    assert options[1:] == [f"king - word{i}" for i in range(11)]


def test_finding_a_word_marks_it_on_the_map(opened: Opened) -> None:
    page = opened.page
    page.fill("#find", "que")
    rings = page.locator("#map .scatterlayer .trace >> nth=1").locator("path.point")
    assert rings.count() == 1
    assert "queen" in labels(page)
    assert opened.page.inner_text("#find-status") == "queen is marked; press Enter to zoom in, Escape to go back."
    dimmed = (
        page.locator("#map .scatterlayer .trace >> nth=0")
        .locator("path.point")
        .evaluate_all("all => all.filter(point => Number(point.style.opacity) < 0.2).length")
    )
    assert dimmed == len(WORDS) - 1
    page.fill("#find", "zz")
    assert page.inner_text("#find-status") == "No word on the map starts with “zz”."


def view(page: Page) -> list[float]:
    return page.evaluate("[...map.layout.xaxis.range, ...map.layout.yaxis.range]")  # type: ignore[no-any-return]


def test_enter_zooms_in_and_escape_goes_back(opened: Opened) -> None:
    page = opened.page
    whole = view(page)
    page.fill("#find", "queen")
    page.press("#find", "Enter")
    left, right, *_ = view(page)
    assert right - left == pytest.approx((whole[1] - whole[0]) / 5)
    ring = page.locator("#map .scatterlayer .trace >> nth=1").locator("path.point").bounding_box()
    area = page.locator("#map").bounding_box()
    assert ring is not None
    assert area is not None
    assert ring["x"] + ring["width"] / 2 == pytest.approx(area["x"] + area["width"] / 2, abs=2)
    assert ring["y"] + ring["height"] / 2 == pytest.approx(area["y"] + area["height"] / 2, abs=2)
    page.press("#find", "Escape")
    assert view(page) == whole
    assert page.input_value("#find") == ""


def test_a_cluster_is_highlighted(opened: Opened) -> None:
    page = opened.page
    button = page.locator("#clusters button").nth(1)
    members = page.evaluate("JSON.parse(data.textContent).map.clusters.filter((cluster) => cluster === 1).length")
    button.click()
    points = page.locator("#map .scatterlayer .trace >> nth=0").locator("path.point")
    script = "all => all.filter(point => Number(point.style.opacity) > 0.5).length"
    assert button.get_attribute("aria-pressed") == "true"
    # the words marked as results are not dimmed
    assert members <= points.evaluate_all(script) <= members + 11
    button.click()
    assert points.evaluate_all(script) == len(WORDS)


def test_everything_works_by_keyboard(opened: Opened, vectors: WordVectors) -> None:
    page = opened.page

    def focused() -> str:
        return str(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))

    page.reload()
    page.keyboard.press("Tab")
    assert focused() == "Skip to nearest words"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert focused() == "query"
    page.keyboard.press("Control+A")
    page.keyboard.type("queen")
    first = vectors.nearest("queen", n=1)[0][0]
    while focused() != first:
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.input_value("#query") == first
    while focused() != "map":
        page.keyboard.press("Tab")
    before = view(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    width, height = before[1] - before[0], before[3] - before[2]
    moved = [before[0] + width / 10, before[1] + width / 10, before[2] + height / 10, before[3] + height / 10]
    assert view(page) == pytest.approx(moved)
    page.keyboard.press("+")
    assert view(page)[1] - view(page)[0] == pytest.approx(width / 1.5)
    page.keyboard.press("0")
    assert view(page) == before


def test_a_click_on_the_map_looks_up_the_word(opened: Opened) -> None:
    page = opened.page
    page.fill("#find", "queen")
    page.press("#find", "Enter")
    page.locator("#map").click()
    assert page.input_value("#query") == "queen"


def test_every_field_and_plot_has_a_label(opened: Opened) -> None:
    page = opened.page
    assert page.get_by_role("textbox").count() + page.get_by_role("combobox").count() == 2
    for name in ("Word or sum of words, such as b - a + c", "Find a word on the map"):
        assert page.get_by_label(name, exact=True).count() == 1
    losses = "Validation loss after each epoch: 2.400, 2.100. Training loss at the end of each epoch: 2.500, 2.000."
    assert page.get_by_role("img", name=re.compile(re.escape(losses))).count() == 1
    assert page.get_by_role("button", name="Zoom in").count() == 1


def contrast(page: Page, selector: str) -> float:
    """The contrast ratio of an element's text and its background, 1 to 21 (WCAG 2.2)."""
    text, behind = page.locator(selector).first.evaluate(
        """element => {
            let below = element;
            while (getComputedStyle(below).backgroundColor === "rgba(0, 0, 0, 0)") below = below.parentElement;
            return [getComputedStyle(element).color, getComputedStyle(below).backgroundColor];
        }"""
    )
    bright, dark = sorted((luminance(text), luminance(behind)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    channels = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_light_and_dark_mode(scheme: str, opened: Opened) -> None:
    page = opened.page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    body = luminance(str(page.evaluate("getComputedStyle(document.body).backgroundColor")))
    assert body < 0.05 if scheme == "dark" else body > 0.9
    for selector in ("h1", ".kind", ".summary", "dt", "h2", "label", ".note", "button.word", "#query", ".status",
                     ".aside", "summary", ".clusters button", "footer"):  # fmt: skip
        assert contrast(page, selector) >= MIN_CONTRAST, selector
    # the plots follow: their text has the color of the page's
    wait_until(
        page,
        """getComputedStyle(document.querySelector(".xtick text")).fill
            === getComputedStyle(document.querySelector(".note")).color""",
    )
    label = page.locator("#map .textpoint text").first.evaluate("text => getComputedStyle(text).fill")
    assert label == page.evaluate("getComputedStyle(document.body).color")


def test_small_screens_need_no_horizontal_scrolling(browser: Browser, folder: Path, vectors: WordVectors) -> None:
    phone = Opened(
        browser, folder / "report.html", viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True
    )
    page = phone.page
    page.locator("details").first.evaluate("details => { details.open = true; }")
    for width in (390, 320, 768):
        page.set_viewport_size({"width": width, "height": 844})
        wait_until(page, "document.querySelector('#map svg').clientWidth === map.clientWidth")
        assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("map.layout.dragmode") is False  # dragging scrolls the page
    page.tap("#zoom-in")
    assert page.evaluate("map.layout.dragmode") == "pan"
    page.close()
    assert phone.messages == []


def test_the_map_follows_the_width_of_the_window(opened: Opened) -> None:
    opened.page.set_viewport_size({"width": 600, "height": 800})
    wait_until(opened.page, "document.querySelector('#map svg').clientWidth === map.clientWidth")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 600


def test_print_uses_light_colors(opened: Opened) -> None:
    opened.page.emulate_media(media="print", color_scheme="dark")
    assert luminance(str(opened.page.evaluate("getComputedStyle(document.querySelector('h1')).color"))) < 0.05
    assert not opened.page.locator(".tools").is_visible()


@pytest.mark.parametrize("count", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_smallest_vocabularies(count: int, browser: Browser, tmp_path: Path) -> None:
    vectors = WordVectors([f"w{i}" for i in range(count)], [[1.0, i] for i in range(count)])
    write_report(vectors, tmp_path / "none", tmp_path / "small.html")
    small = Opened(browser, tmp_path / "small.html")
    assert len(answers(small.page)) == count - 1
    status = small.page.inner_text("#query-status")
    assert status == "There are no other words." if count == 1 else status.startswith("Nearest to w")
    small.page.close()
    assert small.messages == []

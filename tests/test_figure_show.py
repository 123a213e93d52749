"""How a figure is shown and kept: its files, its panels, its caption and its words."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from ovcf.figures.show import show_figure
from ovcf.figures.style import SMALL, panel, set_style
from ovcf.report.numbering import number_all
from ovcf.run_folder.figures import on_screen, write_figure


class Keeps:
    """A study that keeps what it is asked to keep."""

    synthetic = True

    def __init__(self):
        self.kept = {}

    def save_figure(self, name, figure):
        self.kept[name] = figure.get_suptitle()
        return on_screen(figure)


@pytest.fixture
def study():
    return Keeps()


def soup_of(shown):
    return BeautifulSoup(shown._repr_html_(), "html.parser")


def test_one_panel_has_its_name_its_words_and_its_size(study):
    figure, ax = panel(2, width=3)
    soup = soup_of(show_figure(study, "roc", figure, "A <caption>", "what & where"))
    assert study.kept == {"roc": "synthetic films"} and soup.figure["data-name"] == "roc"
    assert soup.img["alt"] == "what & where" and soup.img["width"] == "288"
    assert soup.img["src"].startswith("data:image/png;base64,") and soup.figcaption.get_text() == "A <caption>"
    assert plt.get_fignums() == []


def test_panels_are_lettered_and_the_mark_can_be_left_away(study):
    shown = show_figure(study, "two", [panel(1)[0], panel(1)[0]], "c", ["left", "right"], mark="")
    assert study.kept == {"two_a": "", "two_b": ""}
    assert [image["alt"] for image in soup_of(shown).find_all("img")] == ["left", "right"]
    assert repr(shown) == "figure two: c"


def test_each_panel_needs_its_own_words(study):
    with pytest.raises(ValueError):
        show_figure(study, "two", [panel(1)[0], panel(1)[0]], "c", ["left"])


def test_files_are_fit_for_print_and_the_same_each_time(tmp_path):
    set_style()
    texts = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        figure, ax = panel(2, width=3)
        ax.plot([0, 1])
        assert write_figure(folder, "line", figure) == ["line.png", "line.svg", "line.pdf"]
        texts.append([(folder / name).read_bytes() for name in ("line.png", "line.svg", "line.pdf")])
    assert texts[0] == texts[1]
    picture = Image.open(tmp_path / "one" / "line.png")
    assert picture.size == (900, 600) and picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_numbers_are_the_papers_where_it_has_the_thing_and_run_on_elsewhere():
    first = BeautifulSoup(
        '<figure data-name="films"><figcaption>F</figcaption></figure>'
        '<table data-name="table1"><caption>T</caption></table>'
        '<details><summary>long</summary><table data-name="checks"></table></details><table></table>',
        "html.parser",
    )
    second = BeautifulSoup('<figure data-name="figure4"></figure><figure data-name="roc"></figure>', "html.parser")
    assert number_all([first, second]) == {
        "figure-films": "Figure S1",
        "table-table1": "Table 1",
        "table-checks": "Table S1",
        "figure-figure4": "Figure 4",
        "figure-roc": "Figure S2",
    }
    assert first.figcaption.get_text() == "Figure S1.\u00a0F" and first.caption.get_text() == "Table 1.\u00a0T"
    assert first.summary.get_text() == "Table S1.\u00a0long" and first.figure["id"] == "figure-films"


def test_no_text_is_cut_at_the_edge_of_a_kept_figure(tmp_path):
    set_style()  # tight layout, whose margins are a few pixels
    names = ["scanner: Synthetic DR C (n = 248)", "age group: 80 and over (n = 226)"]
    figure, ax = panel(2)
    ax.set_yticks([0, 1], names)
    ax.tick_params(axis="y", labelsize=SMALL)
    write_figure(tmp_path, "forest", figure)
    left = [255 - np.asarray(Image.open(io.BytesIO(on_screen(figure))).convert("L"))[:, 0].astype(int)]
    left.append(255 - np.asarray(Image.open(tmp_path / "forest.png").convert("L"))[:, 0].astype(int))
    assert [edge.max() for edge in left] == [0, 0]

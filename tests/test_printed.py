"""What a page prints: texts with their places, numbers as a reader sees them."""

import pytest

from ovcf.report.printed import numbers, printed

PAGE = """<html><head><title>60 patients</title><style>p { margin: 3px }</style></head><body>
<section data-notebook="03_model_comparison"><h2>Table 2</h2><p>All <b>5</b> folds</p>
<div data-cell="9"><table><caption>Table 2. 60 patients</caption>
<thead><tr><th></th><th></th><th>AUC</th></tr></thead>
<tbody><tr><th rowspan="2">AlexNet</th><th>ours</th><td>0.719</td></tr><tr><th>paper</th><td>0.773</td></tr></tbody>
</table><img alt="Figure: ROC" src="data:image/png;base64,AAAA"></div></section>
<script>var x = 12</script></body></html>"""


def found(text):
    return next(item.place for item in printed(PAGE) if item.text == text)


def test_every_text_has_its_place():
    assert found("0.773") == ("03_model_comparison", "9", "Table 2", "Table 2. 60 patients", "AlexNet / paper", "AUC")
    assert found("AlexNet").row == "AlexNet / ours"
    assert found("5") == ("03_model_comparison", "", "Table 2", "", "", "")
    assert str(found("0.719")) == "03_model_comparison, cell 9; Table 2. 60 patients; AlexNet / ours; AUC"


def test_scripts_and_styles_are_not_printed_and_pictures_are_digests():
    texts = [item.text for item in printed(PAGE)]
    assert not any("12" in text or "margin" in text for text in texts if not text.startswith("picture"))
    assert "Figure: ROC" in texts
    pictures = [item for item in printed(PAGE) if item.is_picture]
    assert len(pictures) == 1 and pictures[0].place.cell == "9"
    other = printed(PAGE.replace("AAAA", "AAAB"))
    assert [item for item in other if item.is_picture][0].text != pictures[0].text


@pytest.mark.parametrize(
    "text, expected",
    [
        ("75.7 ± 2.1 [72.1, 79.0]", ["75.7", "2.1", "72.1", "79.0"]),
        ("lower by -0.026; 1,234 patches at 12:30", ["-0.026", "1,234", "12:30"]),
        ("1-10 mm, p < 1e-05", ["1", "10", "1e-05"]),
        ("patient P0248, EfficientNet-Lite0, T12", []),
        ("−0.5 to +0.5", ["−0.5", "+0.5"]),
    ],
)
def test_numbers_are_those_a_reader_sees(text, expected):
    assert numbers(text) == expected

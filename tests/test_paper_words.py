"""Nothing is said of the paper that it does not say: what it leaves unsaid is called so wherever the two meet.

Held over all that a reader can meet: package, profiles, notebooks, README and the other pages of text.
"""

import ast
import io
import json
import re
import tokenize
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BETWEEN = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT)  # lines of one comment have nothing else between them
PAPER = re.compile(r"\b[Tt]he paper(?:'s)?\b|\bpaper:|\bpaper (?:has|says|names|trains|deals)\b|\bof the paper\b")
END = re.compile(r"(?<=[.;?!|])\s|\n\s*\n")

UNSAID = {
    "how folds were dealt": r"\b(deals?|dealt|splits?|leak\w*|by patch|by patient|folds by)\b",
    "the epoch reported": r"\b(last|best|final|which) epoch\b|\bepoch reported\b",
    "the batch size": r"\bbatch(es| size)\b",
    "the layers that train": r"\b(all|no|which) layers\b|\btrain(s|ed) (all|only)\b|\b(frozen|freezes)\b",
    "the optimiser": r"\bSGD\b|\bstochastic gradient\b|\boptimiser\b|\bAdam\b",
    "the variant of equalisation": r"\bglobal(ly)?\b|\bCLAHE\b|\badaptive\b",
    "networks against each other": r"\b(against another|networks against|compares? (the )?networks)\b",
    "Table 3's test": r"\btests? over (the )?folds\b|\bover the folds by\b",
    "the pairs of Table 4": r"\bpairs? \w+ readers\b|\bwith (its |five )?folds\b",
    "ImageNet's version": r"\b(first|V1|second|V2)\b[^.]* weights\b",
    "sizes of effect or balance": r"\bas balance\b|\bcalibrat\w+\b",
}
"""What the paper (2.1 to 5) leaves unsaid."""

OURS = re.compile(
    r"\b((does|do|did|is|was|were) not|not (say|said|stated|known|tried)|leaves?|unsaid|undecided|ours|neither|"
    r"(names|tests|has|gives|states) (no|none)|never says|(other|others) than)\b",
    re.IGNORECASE,
)
"""A sentence with one of these says that the paper does not say it, or that it is ours."""

RECIPE = re.compile(r"\bpaper's recipe\b")
OF_THE_PROFILE = {"ovcf/profiles/paper.yaml", "README.md", "ovcf/sentences/design.py"}
"""Where the paper's recipe may be named: each place speaks of the profile `paper`."""


def sentences(text: str) -> list[str]:
    """Sentences of a text that name the paper."""
    joined = [re.sub(r"\s+", " ", part).strip() for part in END.split(text)]
    return [sentence for sentence in joined if PAPER.search(sentence)]


def words(source: str) -> str:
    """What a Python source says: its strings, as put together, and its comments, line after line."""
    strings = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.JoinedStr, ast.Constant))]
    said = [ast.unparse(n) if isinstance(n, ast.JoinedStr) else n.value for n in strings]
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    notes = [t.string.lstrip("# ") if t.type == tokenize.COMMENT else "\n\n" * (t.type not in BETWEEN) for t in tokens]
    return "\n\n".join([*filter(lambda text: isinstance(text, str), said), " ".join(notes)])


def plain(text: str) -> str:
    """A text without comment signs, backticks and the tables' bars."""
    return re.sub(r"(?m)^\s*#+|`", "", text)


def claims(sentence: str) -> list[str]:
    """What a sentence says of the paper that the paper does not."""
    return [] if OURS.search(sentence) else [topic for topic, words in UNSAID.items() if re.search(words, sentence)]


@cache
def texts() -> dict[str, str]:
    """Every text of the repository that speaks to a reader, by place."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("*/README.md")]
    found += [path for kind in ("py", "yaml", "js", "j2") for path in (ROOT / "ovcf").rglob(f"*.{kind}")]
    read = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in found}
    read = {place: text for place, text in read.items() if "paper" in text}
    read = {place: words(text) if place.endswith(".py") else plain(text) for place, text in read.items()}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        read[str(path.relative_to(ROOT))] = plain("\n\n".join("".join(cell["source"]) for cell in cells))
    return read


def test_nothing_is_said_of_the_paper_that_it_does_not_say():
    said = {place: sentences(text) for place, text in texts().items()}
    assert sum(map(len, said.values())) > 50
    false = [f"{place}: {s} ({', '.join(claims(s))})" for place, found in said.items() for s in found if claims(s)]
    assert false == []


def test_the_papers_recipe_is_named_only_where_its_profile_is_spoken_of():
    assert {place for place, text in texts().items() if RECIPE.search(text)} <= OF_THE_PROFILE


@pytest.mark.parametrize(
    "false",
    [
        "The paper deals patches, not patients, into folds.",
        "Folds by patch, as in the paper.",
        "With `split: patch` (the paper's) a patient's other patches may be in training.",
        "The last epoch is reported, as in the paper.",
        "The paper trains all layers.",
        'x = (\n    "Only the classifier is trained; "\n    "the paper trains "\n    "all layers."\n)',
        "# Batches of 16, the paper's batch size",
        "Networks see the patch with its histogram equalised globally, as in the paper.",
        "The defaults are the paper's (3.1), SGD 0.001.",
        "Plain t-tests over folds are those of the paper.",
        "The paper pairs five readers with five folds.",
    ],
)
def test_what_was_said_once_and_is_not_so_is_found(false):
    assert any(claims(sentence) for sentence in sentences(words(false) if "=" in false else plain(false)))


@pytest.mark.parametrize(
    "true",
    [
        "The paper does not say how it dealt folds.",
        "The paper leaves the batch size unsaid.",
        "The paper flips patches.",
    ],
)
def test_what_is_so_may_be_said(true):
    assert sentences(true) and not any(map(claims, sentences(true)))

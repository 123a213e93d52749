"""YAML whose every part remembers its line, read without building objects and without losing a printed digit.

The usual loaders turn 50.00 into 50.0 and forget where it stood. Here a scalar stays the text that was typed.
"""

from pathlib import Path

import yaml

from ovcf.problems import InputError, Problem

LARGEST = 2_000_000  # bytes; a paper's tables are a few kilobytes
DEEPEST = 12


class Text(str):
    """A scalar as typed; `line` as an editor counts, `empty` marks an unquoted YAML null."""

    line: int = 1
    empty: bool = False


class Map(dict):
    """A mapping of text to parts, with the line where it begins."""

    line: int = 1


class Sequence(list):
    """A list of parts, with the line where it begins."""

    line: int = 1


def read_marked(path) -> Map:
    """Read a YAML file into `Map`, `Sequence` and `Text`.

    Raises InputError with the line for bad YAML, aliases (a short file could unfold into a huge one), tags,
    keys that occur twice, too deep nesting, too large files and files that are not text.
    """
    path = Path(path)
    text = _text(path)
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise InputError(Problem("yaml", "aliases (*name) are not read; write the values out", path.name))
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InputError(Problem("yaml", f"not YAML: {what}", path.name, mark and mark.line + 1)) from None
    except RecursionError:
        raise InputError(Problem("yaml", "nested too deeply to be a table", path.name)) from None
    if not isinstance(node, yaml.MappingNode):
        raise InputError(Problem("yaml", "the file is not a mapping of sections", path.name, 1, None, None, "tables:"))
    problems: list[Problem] = []
    tree = _plain(node, problems, path.name, 0)
    if problems:
        raise InputError(problems)
    return tree


def mark(part):
    """Turn plain dictionaries, lists and strings into the same parts, all on line 1; None becomes null."""
    if isinstance(part, dict):
        return _marked(Map({str(key): mark(value) for key, value in part.items()}), 1)
    if isinstance(part, list | tuple):
        return _marked(Sequence(mark(value) for value in part), 1)
    text = _marked(Text("" if part is None else part), 1)
    text.empty = part is None
    return text


def _text(path: Path) -> str:
    """Return the file's text or say why it cannot be had."""
    if not path.is_file():
        raise InputError(Problem("missing_file", "there is no such file", str(path)))
    if path.stat().st_size > LARGEST:
        raise InputError(Problem("too_large", f"larger than {LARGEST:,} bytes", path.name))
    try:
        return path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(Problem("encoding", f"not readable as UTF-8 text: {error}", path.name)) from None


def _plain(node, problems, file, depth):
    """Turn one composed node into `Text`, `Sequence` or `Map`."""
    line = node.start_mark.line + 1
    if depth > DEEPEST:
        problems.append(Problem("yaml", "nested too deeply to be a table", file, line))
        return _marked(Text(""), line)
    if isinstance(node, yaml.ScalarNode):
        text = _marked(Text(node.value), line)
        text.empty = node.tag.endswith(":null") and not node.style
        return text
    if isinstance(node, yaml.SequenceNode):
        return _marked(Sequence(_plain(part, problems, file, depth + 1) for part in node.value), line)
    found = _marked(Map(), line)
    for key, value in node.value:
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
        if name in found or name == "?":
            problems.append(
                Problem("yaml", f"name {name!r} is not text or occurs twice", file, key.start_mark.line + 1)
            )
        found[name] = _plain(value, problems, file, depth + 1)
    return found


def _marked(part, line):
    """Set the line of a part and return it."""
    part.line = line
    return part

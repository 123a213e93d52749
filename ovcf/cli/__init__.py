"""The `ovcf` command: thin and lazy; what a command needs is imported when it is called."""

import click

from ovcf import __version__
from ovcf.cli import data, finished, published, runs
from ovcf.cli.door import Commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="ovcf")
def main() -> None:
    """Fresh or old vertebral fractures on lateral radiographs: a study companion. Research use only."""


COMMANDS = (
    *(runs.run, runs.train, runs.clean, runs.pdf, runs.verify, runs.rerun, runs.compare, runs.sweep),
    *(finished.external, finished.bundle, finished.export, finished.explore, finished.predict),
    *(finished.room, finished.readings),
    *(data.import_, data.annotate, data.check, data.deidentify, data.synthesise, data.weights, data.notebooks),
    *(published.readers, published.audit),
)
for command in COMMANDS:
    main.add_command(command)

"""`python -m ovcf.cli`: the command where no script of it is on the path."""

from ovcf.cli import main

if __name__ == "__main__":
    main(prog_name="ovcf")

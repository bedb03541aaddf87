"""`python -m extractors.sandbox serve --home DIR`: the sandbox's servers in the foreground."""

import argparse
from pathlib import Path

from extractors.sandbox.servers import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m extractors.sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("serve", help="serve the store in a folder until interrupted")
    command.add_argument("--home", type=Path, required=True, help="folder of sandbox.db")
    serve(parser.parse_args().home)


if __name__ == "__main__":
    main()

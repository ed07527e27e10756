"""Run the command line `rag` for `python -m rag`."""

import os
import sys


def leave_working_folder() -> None:
    """Remove the working folder from `sys.path`, unless this package is in it.

    `python -m` puts it first, so a user's own `eval.py` or `ui.py` would be imported instead of ours.
    """
    if getattr(sys.flags, "safe_path", False) or sys.flags.isolated:
        return  # python -P and -I do not put it there
    try:
        working = os.path.realpath(os.getcwd())
    except OSError:  # the folder was deleted, so Python did not add it either
        return
    home = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    if os.path.realpath(sys.path[0]) == working != home:
        del sys.path[0]


if __name__ == "__main__":
    leave_working_folder()

    from rag.cli.app import main

    main()

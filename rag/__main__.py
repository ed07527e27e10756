"""`python -m rag` is the command line `rag`."""

import os
import sys


def leave_working_folder() -> None:
    """Take the working folder off `sys.path`, unless this package lies in it.

    `python -m` puts it first, so a user's own `eval.py` or `ui.py` would be imported instead of ours.
    """
    if getattr(sys.flags, "safe_path", False) or sys.flags.isolated:
        return  # python -P and -I do not put it there
    try:
        working = os.path.realpath(os.getcwd())
    except OSError:  # it was removed; then Python does not put it there either
        return
    home = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    if os.path.realpath(sys.path[0]) == working != home:
        del sys.path[0]


if __name__ == "__main__":
    leave_working_folder()

    from rag.cli.app import main

    main()

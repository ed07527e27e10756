"""`python -m rag` is the command line `rag`."""

from rag.cli.app import main

if __name__ == "__main__":
    main()

"""`python -m eclectus` is `eclectus`."""

from eclectus.apps.cli.entry import main

if __name__ == "__main__":
    main()

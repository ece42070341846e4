"""`python -m eclectus` is `eclectus`."""

from eclectus.apps.cli.main import main

if __name__ == "__main__":
    main()

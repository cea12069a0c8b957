"""`python -m controller.commandline`: the same as `hipec`, for processes that start it with their own interpreter."""

from __future__ import annotations

from controller.app import main

if __name__ == "__main__":
    main()

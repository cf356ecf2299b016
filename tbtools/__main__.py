"""``python -m tbtools``, and the command ``tbtools``."""

import signal

# Whoever presses Ctrl-C while modules are imported, which takes longest, wants no traceback.
_USUAL = signal.getsignal(signal.SIGINT)
if __name__ == "__main__" and _USUAL is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from tbtools.cli import main  # noqa: E402

if __name__ == "__main__":
    signal.signal(signal.SIGINT, _USUAL)
    main()

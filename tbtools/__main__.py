"""``python -m tbtools``, and the commands ``tbtools`` and ``tbtools-tensorboard``."""

import signal

# Whoever presses Ctrl-C while modules are imported, which takes longest, wants no traceback.
_is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _is_usual:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
try:
    from tbtools.cli import main, tensorboard  # noqa: F401 - the other command
finally:
    if _is_usual:
        signal.signal(signal.SIGINT, signal.default_int_handler)

if __name__ == "__main__":
    main()

"""Makes a call for each line of standard input, and prints how it went."""

import sys


def on_each_line(call):
    for _ in sys.stdin:
        try:
            call()
        except Exception as error:
            print("call: refused", repr(error), str(error).replace("\n", " "), flush=True)
        else:
            print("call: ok", flush=True)

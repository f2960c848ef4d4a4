"""`python -m simulators.load`: a load of reporting devices as a process of its own.

The first line of standard input is a `Load` as JSON. The process connects everything, prints
`ready`, and begins at the line `go`; at `stop` it makes no more events, and in any case it goes on
until everything is acknowledged or its patience ends. The last line it prints is its `Account`.
At full speed it is a closed loop: a device makes the next `ack_every` events when it knows that
the last ones are stored, so that nothing piles up and a latency means something. With a `rate` the
events have their times, whatever the backend does.
"""

from __future__ import annotations

import os
import sys

import msgspec

from simulators.generator import Generator, Load


def _take_orders(orders: bytes, generator: Generator) -> None:
    for order in orders.split():
        if order == b"go":
            generator.begin()
        elif order == b"stop":
            generator.stop()


def main() -> None:
    """Serve one load, told and telling by lines of the standard streams."""
    generator = Generator(msgspec.json.decode(sys.stdin.buffer.readline(), type=Load))
    told = sys.stdin.fileno()
    os.set_blocking(told, False)
    said = False
    while not generator.done:
        generator.turn()
        if not said and generator.ready:
            said = True
            print("ready", flush=True)
        try:
            orders = os.read(told, 1024)
        except BlockingIOError:
            continue
        if not orders:
            break  # whoever ordered the load is gone
        _take_orders(orders, generator)
    print(msgspec.json.encode(generator.account()).decode(), flush=True)


if __name__ == "__main__":
    main()

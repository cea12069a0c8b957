"""Pages without a browser: they take every message and acknowledge it, as a page does.

`python -m benchmarks.pages PORT COUNT` says `ready` when all are open and, for each line it is sent, how many messages
have come. Ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import urllib.request
from typing import Any

import websockets


async def main(port: int, count: int) -> None:
    """Open them all, and answer until nobody asks any more."""
    heard, opened = 0, asyncio.Semaphore(0)

    async def one() -> None:
        nonlocal heard
        where = f"http://127.0.0.1:{port}/"
        with await asyncio.to_thread(urllib.request.urlopen, where) as answer:
            cookie = answer.headers["set-cookie"].split(";")[0]
        head: dict[str, Any] = {"additional_headers": {"Cookie": cookie}, "origin": where.rstrip("/")}
        async with websockets.connect(f"ws://127.0.0.1:{port}/telemetry", compression=None, **head) as link:
            opened.release()
            while True:
                await link.recv()
                heard += 1
                await link.send(json.dumps({"ack_ms": time.monotonic() * 1000.0}))

    tasks = [asyncio.create_task(one()) for _ in range(count)]
    for _ in tasks:
        await opened.acquire()
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(heard, flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    os.nice(19)  # on a bedside's machine nothing of this would run
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))

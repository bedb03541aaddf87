"""What a call costs us: the vendors' limits shall be the limit, not the processor."""

import asyncio
import json
import subprocess
import sys
import time

import pytest

from extractors.calls import Call
from extractors.http import HttpDoor, HttpOptions
from tests.scripted import dialect

CALLS = 600
BODY = json.dumps(
    {"data": [{"id": f"cus_{n:014}", "rate": 1.5, "name": "x" * 130} for n in range(160)]}
)
# In a process of its own, so that its work is not counted as ours.
SERVER = """
import asyncio, sys
body = sys.stdin.readline().encode()
head = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n"

async def serve(reader, writer):
    while not reader.at_eof():
        await reader.readuntil(b"\\r\\n\\r\\n")
        writer.write(head % len(body) + body)

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def port():
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    server.stdin.write(BODY + "\n")
    server.stdin.flush()
    yield int(server.stdout.readline())
    server.kill()
    server.wait()
    server.stdin.close()
    server.stdout.close()


def test_two_hundred_answers_of_30_kb_a_second_take_less_than_one_core(port):
    async def run():
        options = HttpOptions(concurrency=8, per_second=10_000)
        async with HttpDoor(f"http://127.0.0.1:{port}", dialect(), options) as door:

            async def some(count):
                for _ in range(count):
                    reply = await door.send(Call("GET", "/customers", params=[("limit", "100")]))
                    assert len(reply.body["data"]) == 160

            await some(20)
            begun = time.process_time()
            await asyncio.gather(*(some(CALLS // 8) for _ in range(8)))
            return time.process_time() - begun

    assert 29_000 < len(BODY) < 33_000
    assert asyncio.run(run()) / CALLS < 1 / 200

#!/usr/bin/env python3
"""A command for `tilery autotune --measure`: reads a configuration as JSON, prints a latency in microseconds.

It stands in for a chip that is not at hand: the engine model's latency, plus what a model never knows, a penalty that depends on
the tiles and a little noise. On the real chip, compile `given["frozen"]`, or your own kernel with the sizes of
`given["config"]`, run it some times, and print the median.
"""

import json
import random
import sys
import zlib

import tilery

given = json.load(sys.stdin)
kernel = tilery.load(given["file"])[given["kernel"]]
names = given["dims"] | given["types"] | given["constants"]
report = kernel.simulate(given["chip"], config=given["config"], what_if=given["what_if"], **names)

rough = 1 + zlib.crc32(json.dumps(given["config"], sort_keys=True).encode()) % 100 / 500
noise = random.gauss(1, 0.01)
print(json.dumps({"latency_us": report.latency_us * rough * noise}))

"""kill -9 at random moments while clients write through every service that stores something. After each restart, what was
acknowledged is there as it was, what was not is there whole or not at all, and every index agrees with what it indexes.
10 rounds; 100 with LIKENESS_LONG=1. LIKENESS_SEED repeats the choices of a run."""

import os
import random
import time

from mixed_writes import MixedWrites

ROUNDS = int(os.environ.get("LIKENESS_KILLS", "100" if os.environ.get("LIKENESS_LONG") else "10"))


def test_kill_9_amid_writes_of_every_service(start_server):
    seed = int(os.environ.get("LIKENESS_SEED", "0")) or random.randrange(1 << 30)
    print("LIKENESS_SEED", seed)
    rng = random.Random(seed)
    running = start_server()
    data = running.data
    mixed = MixedWrites(running)
    for _ in range(ROUNDS):
        mixed.start(rng)
        # Sometimes while the first requests arrive, mostly amid writes of all: faces begin when the models are loaded.
        if rng.random() < 0.7:
            mixed.wait_for_all()
        time.sleep(rng.uniform(0, 0.7))
        mixed.stop(kill=running.kill)
        running = start_server(data=data, listen=mixed.listen)
        mixed.check()
    for service in mixed.services:
        assert service.known.acknowledged >= ROUNDS / 3, f"{type(service).__name__} worked while the server was killed"

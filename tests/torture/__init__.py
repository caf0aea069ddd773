"""What tilery has to live through: `python -m tests.torture --minutes N`.

A *torment* is one way to do harm, and says what must hold all the same. Rounds of all torments are run in turn until the time is
over. A round depends on the seed, the torment's name and the round's number only, so that one that found a fault can be run again
alone. What is promised, and which torment tries it: docs/reliability.md.
"""

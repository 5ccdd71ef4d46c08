"""The reuse dilemma, simulated: false logouts against what a thief gets.

    python -m benchmarks.reuse              all policies; figures, and the plots of the docs
    python -m benchmarks.reuse --fleets 20  the same, small

The server's side is the real thing: every refresh is decided by `decide_refresh`. Only
time, the people and their programs are made up, from a seed.
"""

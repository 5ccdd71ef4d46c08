"""The instrument: races, histories, crashes and load against any OAuth server by URL.

From the bottom up:

- `http` and `loop` are a client that costs less than the servers it measures;
- `fleet` spreads it over processes that share one clock;
- `target` knows a server's endpoints, `source` where its tokens come from;
- `races/`, `history/`, `crash`, `throughput`, `scale`, `slow_disk` each measure one thing;
- `own_server` starts the provider of this package, when no other was named;
- `report/` says what was found, as JSON, a table, and one HTML file.

Rule 1: measuring and judging are separate. A figure has no right value; an answer has,
and only wrong answers make a run fail.
Rule 2: every figure comes with the driver's own load, or nobody knows what was measured.
"""

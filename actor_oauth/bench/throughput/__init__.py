"""How much a server answers, at what latency, and what an answer costs it.

Figures of one machine say little; ratios within one run say more. So servers that do
nothing, and a disk that is written to by nothing else, are measured in the same run.
"""

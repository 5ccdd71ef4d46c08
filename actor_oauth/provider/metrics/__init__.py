"""What a running provider counts, and how Prometheus asks for it.

Loaded only where metrics are on. A label's value is always a word of ours out of a fixed
list, never one that a caller chose: strangers could fill the memory with new ones, or
find in them what others sent.
"""

from actor_oauth.provider.metrics.counting import Metrics
from actor_oauth.provider.metrics.scraping import scrape_app

# Counting
__all__ = ["Metrics", "scrape_app"]

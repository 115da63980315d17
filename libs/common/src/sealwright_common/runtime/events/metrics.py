"""What the event machinery counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

PUBLISHED = Counter("sealwright_relay_published_total", "Events published from the outbox.")
PUBLISH_DELAY = Histogram(
    "sealwright_relay_delay_seconds",
    "From recording to publishing, of the oldest event in each batch.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600),
)
UNPUBLISHED_AGE = Gauge("sealwright_outbox_oldest_seconds", "Age of the oldest event not published yet; 0 without one.")
HANDLED = Counter(
    "sealwright_consumer_events_total",
    "Events settled, by outcome: done, repeated (already done), retried, dead.",
    ("consumer", "outcome"),
)
LAG = Gauge("sealwright_consumer_lag", "Events of the stream not yet delivered to the consumer.", ("consumer",))
HANDLING = Histogram(
    "sealwright_consumer_batch_seconds",
    "Time to handle one batch.",
    ("consumer",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120),
)
DEAD_LETTERS = Counter("sealwright_dead_letters_total", "Events put aside as dead letters.", ("consumer",))

"""Events between services: outbox, relay, consumers with inbox, dead letters, replay."""

from sealwright_common.runtime.events.broker import Broker
from sealwright_common.runtime.events.consumer import Consumer
from sealwright_common.runtime.events.event import Backoff, BeginWork, Event, Handler, Subscription
from sealwright_common.runtime.events.hints import Hints
from sealwright_common.runtime.events.relay import Relay

__all__ = ["Backoff", "BeginWork", "Broker", "Consumer", "Event", "Handler", "Hints", "Relay", "Subscription"]

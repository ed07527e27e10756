"""Kill a service, start it again, and time until it works."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class Service(Protocol):
    """Something that can be killed."""

    def start(self) -> None:
        """Start it again, and wait until it answers."""

    def kill(self) -> None:
        """End it without warning."""


@dataclass
class Outage:
    """One service, killed once: when, for how long it was away, and when everything worked again (seconds)."""

    service: str
    during: str
    down: float = 0.0
    recovery: float | None = None  # after the kill


@dataclass
class Outages:
    """What is killed and when: each entry is a share of the work that is done by then, a name and a service."""

    during: str
    plan: list[tuple[float, str, Service]]
    pause: float = 2.0  # seconds that a service stays away
    done: list[Outage] = field(default_factory=list)

    def run(
        self, share: Callable[[], float], works: Callable[[str], Callable[[], bool]], ended: threading.Event
    ) -> None:
        """Kill each service when its share of the work is done, one after another.

        Args:
            share: Returns how much of the work is done.
            works: Returns, for a service that has just been killed, what finds out whether it works again.
            ended: Set when there is no more work; a service whose turn has not come by then is killed at once.
        """
        for when, name, service in self.plan:
            while share() < when and not ended.wait(0.3):
                pass
            outage = Outage(name, self.during)
            self.done.append(outage)
            print(f"{self.during}: {name} is killed at {share():.0%}", file=sys.stderr, flush=True)
            works_again = works(name)
            began = time.monotonic()
            service.kill()
            time.sleep(self.pause)
            service.start()
            outage.down = time.monotonic() - began
            while time.monotonic() < began + 180:
                if works_again():
                    outage.recovery = time.monotonic() - began
                    break
                time.sleep(0.1)
            print(f"{self.during}: {name} works after {outage.recovery} s", file=sys.stderr, flush=True)

"""The result cache of the process: bounded by entries and bytes, one computation per question at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class CacheInfo:
    """Counts since the start of the process, and what the cache holds now (bytes are an estimate)."""

    hits: int
    misses: int
    evicted: int
    entries: int
    bytes: int


@dataclass
class _Flight(Generic[T]):
    """A computation under way: others who ask the same wait for it instead of repeating it."""

    done: threading.Event = field(default_factory=threading.Event)
    value: T | None = None


class ResultCache(Generic[T]):
    """Least-recently-used values by key. Safe to share between threads.

    A failed computation is not kept: each waiter then tries for itself and gets its own error.
    """

    def __init__(self, *, max_entries: int, max_bytes: int, weigh: Callable[[T], int]) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._weigh = weigh
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._flights: dict[Hashable, _Flight[T]] = {}
        self._bytes = self._hits = self._misses = self._evicted = 0

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The kept value of ``key``, or what ``compute`` returns, which is then kept."""
        while True:
            with self._lock:
                entry = self._kept.get(key)
                if entry is not None:
                    self._kept.move_to_end(key)
                    self._hits += 1
                    return entry[0]
                flight = self._flights.get(key)
                mine = flight is None
                if flight is None:
                    flight = self._flights[key] = _Flight()
                    self._misses += 1
            if mine:
                return self._fly(key, flight, compute)
            flight.done.wait()
            if flight.value is not None:
                with self._lock:
                    self._hits += 1
                return flight.value

    def info(self) -> CacheInfo:
        with self._lock:
            return CacheInfo(self._hits, self._misses, self._evicted, len(self._kept), self._bytes)

    def clear(self) -> None:
        """Forget every value and the counts."""
        with self._lock:
            self._kept.clear()
            self._bytes = self._hits = self._misses = self._evicted = 0

    def restart(self) -> None:
        """Begin again in a forked child, where a thread that held the lock does not exist any more."""
        self._lock = threading.Lock()
        self._flights = {}
        self.clear()

    def _fly(self, key: Hashable, flight: _Flight[T], compute: Callable[[], T]) -> T:
        try:
            value = compute()
            flight.value = value
            self._keep(key, value)
            return value
        finally:
            with self._lock:
                self._flights.pop(key, None)
            flight.done.set()

    def _keep(self, key: Hashable, value: T) -> None:
        size = self._weigh(value)
        if size > self._max_bytes // 4:  # one giant answer must not push out everybody's morning
            return
        with self._lock:
            self._kept[key] = (value, size)
            self._bytes += size
            while len(self._kept) > self._max_entries or self._bytes > self._max_bytes:
                _, (_, freed) = self._kept.popitem(last=False)
                self._bytes -= freed
                self._evicted += 1

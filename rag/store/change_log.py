"""The change log of a library that several processes share: which passages changed, in the order of the changes.

Each process follows it to keep the indexes that it has for itself up to date. An entry only names passages. What became
of them, the reader looks up, so an entry may be read twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from rag.store.connection import Connection
from rag.store.view import View

_KEPT = 10_000  # entries; a process that has missed more of them reads the whole library instead


def record(connection: Connection, numbers: Iterable[int]) -> None:
    """Record that the passages of these documents change with this transaction, if anyone can follow the log."""
    listed = sorted(numbers)
    if not connection.logs or not listed:
        return
    connection.execute(
        "INSERT INTO changes (passages) SELECT array_agg(c.id) FROM numbers(?) j JOIN chunks c ON c.document = j.value "
        "HAVING COUNT(*) > 0",
        (listed,),
    )
    connection.execute("DELETE FROM changes WHERE number <= (SELECT MAX(number) FROM changes) - ?", (_KEPT,))


def newest(view: View) -> int:
    """Return the number of the newest entry; 0 if there is none."""
    return int(view.rows("SELECT COALESCE(MAX(number), 0) FROM changes")[0][0])


def since(view: View, number: int) -> list[str] | None:
    """Return the ids of the passages that changed after an entry; None if the log does not go back that far."""
    first, last = view.rows("SELECT MIN(number), MAX(number) FROM changes")[0]
    if number > (last or 0) or (last and number < first - 1):
        return None
    found = view.rows("SELECT passages FROM changes WHERE number > ? ORDER BY number", number)
    return list(dict.fromkeys(chunk_id for (passages,) in found for chunk_id in passages))

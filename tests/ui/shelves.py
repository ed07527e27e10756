"""Two articles that the tests of the Library tab find, remove and put back."""

from __future__ import annotations

FERRY = "A ferry returns\n\nThe ferry Maria came back into service on Monday after nine weeks of repairs in Eidsund.\n"
BRIDGE = (
    "The bridge reopens\n\nPublished: 2024-03-05\n\nThe swing bridge of Harborough opens again, said mayor López.\n"
)

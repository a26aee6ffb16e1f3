"""Delivers to another log, many records at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from sidelight.errors import MalformedPayload, RecordTooLarge, SidelightError
from sidelight.log.contract import Record, Stored, Writer
from sidelight_logger.shipper.carrying.attempts import attempt
from sidelight_logger.shipper.carrying.fates import DELIVERED, Fate, SinkRefused
from sidelight_logger.shipper.carrying.form import Form, appendable
from sidelight_logger.shipper.carrying.patience import Patience
from sidelight_logger.shipper.log.outsized import Outsized


class Appending:
    """A `Delivery` of whole batches to a topic, partitioned by the records' keys.

    After a failure it is not known what of a batch arrived, so all of it is sent again, in order:
    whoever reads skips a sequence that was there before.
    """

    at_once = 1000
    gather_seconds = 0.0
    longest_wait_seconds = 5.0

    def __init__(
        self,
        log: Writer,
        topic: str,
        form: Form,
        outsized: Outsized,
        told: Callable[[str], str] = str,
    ) -> None:
        self._attempt = partial(attempt, log, topic, told=told)
        self._form: Form = form
        self._outsized = outsized
        self._refused_bytes = float("inf")

    def deliver(self, found: Sequence[Stored], patience: Patience) -> Iterator[Fate]:
        parcels = [_Parcel.of(stored, self._form) for stored in found]
        for parcel in parcels:
            if parcel.largest >= self._refused_bytes:
                self._reduce(parcel, patience)
        self._append(parcels, patience)
        return (parcel.fate for parcel in parcels)

    def _append(self, parcels: Sequence[_Parcel], patience: Patience) -> None:
        records = list(chain.from_iterable(parcel.records for parcel in parcels))
        if not records:
            return
        try:
            patience.insist(partial(self._attempt, records))
        except RecordTooLarge as cause:
            if len(parcels) > 1:
                # Until the one stands alone; what is sent twice is skipped by whoever reads.
                half = len(parcels) // 2
                self._append(parcels[:half], patience)
                self._append(parcels[half:], patience)
            else:
                self._answer(parcels[0], cause, patience)

    def _answer(self, parcel: _Parcel, cause: RecordTooLarge, patience: Patience) -> None:
        if parcel.fate.reduced:
            parcel.refuse(SinkRefused(f"{cause}, also without its bodies"))
            return
        self._refused_bytes = min(self._refused_bytes, parcel.largest)
        self._reduce(parcel, patience)
        self._append([parcel], patience)

    def _reduce(self, parcel: _Parcel, patience: Patience) -> None:
        reduce = partial(self._outsized.reduced, parcel.stored, parcel.records, self._form)
        try:
            reduced = patience.insist(reduce)
        except (SinkRefused, MalformedPayload) as cause:
            parcel.refuse(cause)
        else:
            parcel.records, parcel.fate = reduced.records, Fate(reduced.reason)


@dataclass(slots=True)
class _Parcel:
    """A record as it is found, what is sent for it, and what becomes of it."""

    stored: Stored
    records: Sequence[Record]
    fate: Fate = DELIVERED

    @classmethod
    def of(cls, stored: Stored, form: Form) -> _Parcel:
        try:
            return cls(stored, appendable(stored, form))
        except MalformedPayload as cause:
            return cls(stored, (), Fate(cause=cause))

    @property
    def largest(self) -> int:
        """Bytes of the largest value."""
        return max((len(record.value) for record in self.records), default=0)

    def refuse(self, cause: SidelightError) -> None:
        self.records, self.fate = (), Fate(cause=cause)

"""Leases: who may work on a checkpoint, and until when. Numbered write-once records.

A lease has an owner (an execution), an expiry and a fencing token that grows with every new holder. Whoever
finds the last record expired or released may write the next one; of two who try, one gets the number. The
token goes along with every change of status: a holder who slept through its expiry, and was succeeded, is
refused. (Leases: Gray and Cheriton 1989; the token is the "sequencer" of Chubby, Burrows 2006.)

Expiry compares clocks of different machines: a lease should last much longer than they differ.

A last record that is damaged may be anybody's, and may have been written just now. It keeps others out as a
lease of somebody unknown: whoever is kept out first writes down until when, TTL from then, so that it ends
(decision CHECKPOINT-6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from embank.checkpoint.errors import Damaged, Fenced, LeaseHeld
from embank.checkpoint.keys import checkpoint_prefix
from embank.checkpoint.objects import Clock, timestamp, utc_now
from embank.checkpoint.write_once import Records
from embank.model import Json
from embank.plugins.bank import Bank

# How long a crashed execution keeps others out; much more than clocks differ (decision CHECKPOINT-1).
TTL = timedelta(minutes=15)
UNKNOWN = "(unknown)"  # the owner of a damaged record; no execution has such an id


@dataclass(frozen=True, slots=True)
class Lease:
    """One record. `token` is the number of the record with which its holder acquired the lease."""

    owner: str
    token: int
    expires: datetime
    released: bool = False

    def live(self, now: datetime) -> bool:
        """Whether it keeps others out."""
        return not self.released and now < self.expires

    def to_json(self) -> dict[str, Json]:
        """As it lies in the bank."""
        return {
            "owner": self.owner,
            "token": self.token,
            "expires": timestamp(self.expires),
            "released": self.released,
        }


class Leases:
    """The leases of one checkpoint."""

    def __init__(self, bank: Bank, checkpoint: str, clock: Clock = utc_now) -> None:
        self.records = Records(bank, f"{checkpoint_prefix(checkpoint)}leases/")
        self.checkpoint = checkpoint
        self.clock = clock

    def current(self) -> Lease | None:
        """The lease that keeps others out; None when there is none."""
        lease = self._last()[1]
        return lease if lease and lease.live(self.clock()) else None

    def acquire(self, owner: str, ttl: timedelta) -> Lease:
        """Take the lease. Raises LeaseHeld while somebody else has it.

        An owner that holds it already keeps its token: the workers of one execution share its lease, and
        one that resumes after a crash goes on with it. It never becomes shorter.
        """
        while True:
            number, last = self._last()
            now = self.clock()
            if last and last.live(now) and last.owner != owner:
                if (
                    last.owner == UNKNOWN
                    and last.token == number
                    and not self.records.create(number + 1, last.to_json())
                ):
                    continue
                raise self.held(last)
            mine = last if last and last.owner == owner and not last.released else None
            expires = max(now + ttl, mine.expires) if mine else now + ttl
            lease = Lease(owner, mine.token if mine else number + 1, expires)
            if self.records.create(number + 1, lease.to_json()):
                return lease

    def renew(self, lease: Lease, ttl: timedelta) -> Lease:
        """Hold it for longer. Raises Fenced when it was lost; an expired one that nobody took goes on."""
        return self._follow(lease, Lease(lease.owner, lease.token, self.clock() + ttl))

    def release(self, lease: Lease) -> None:
        """Give it back. Doing so again, or after somebody else took it, is harmless."""
        last = self._last()[1]
        if last and last.token == lease.token and not last.released:
            self._follow(lease, Lease(lease.owner, lease.token, self.clock(), released=True))

    def check(self, token: int) -> None:
        """Raise Fenced unless `token` is the last holder's and was not given back."""
        last = self._last()[1]
        if last is None or last.token != token or last.released:
            holder = "nobody holds it now"
            if last and last.owner == UNKNOWN:
                holder = "its last record is damaged, so that nobody can say who holds it"
            elif last and not last.released:
                holder = f"execution {last.owner!r} has taken it"
            raise Fenced(f"the lease {token} on checkpoint {self.checkpoint} was lost: {holder}")

    def drop_superseded(self) -> None:
        """Delete all records but the last two: they say nothing any more, and a full bank needs their room."""
        last = self.records.last()  # two, because a listing that lags behind may miss one
        self.records.drop_below(last - 1)

    def held(self, lease: Lease) -> LeaseHeld:
        """What to tell somebody whom a lease keeps out."""
        until = timestamp(lease.expires)
        if lease.owner == UNKNOWN:
            return LeaseHeld(
                f"the last lease record of checkpoint {self.checkpoint} is damaged, and whoever wrote it may be at "
                f"work: try again after {until}, when any lease that it can have been is over"
            )
        return LeaseHeld(
            f"the checkpoint {self.checkpoint} is in use by execution {lease.owner!r} until {until}: "
            "wait until it has ended; if it was killed, try again after that time"
        )

    def _follow(self, lease: Lease, following: Lease) -> Lease:
        while True:
            number = self._last()[0]
            self.check(lease.token)
            if self.records.create(number + 1, following.to_json()):
                return following

    def _last(self) -> tuple[int, Lease | None]:
        """The last record and its number; of a damaged one the longest lease that it can have been."""
        number = self.records.last()
        if not number:
            return 0, None
        try:
            return number, _lease(number, self.records.read(number))
        except Damaged:
            return number, Lease(UNKNOWN, number, self.clock() + TTL)


def _lease(number: int, value: Mapping[str, Json]) -> Lease:
    try:
        owner, token, released = value["owner"], value["token"], value["released"]
        expires = datetime.fromisoformat(value["expires"])
        if not isinstance(owner, str) or type(token) is not int or type(released) is not bool or not expires.tzinfo:
            raise TypeError
    except (KeyError, ValueError, TypeError):
        raise Damaged(f"the lease record {number} is damaged: it is none that Embank writes") from None
    return Lease(owner, token, expires, released)

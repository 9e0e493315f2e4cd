"""The rules service without its HTTP: takes envelopes, keeps the head, decides, says how it is."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dashboard.envelope.errors import EnvelopeError
from dashboard.envelope.jws import open_envelope
from dashboard.envelope.keys import Trust
from dashboard.envelope.model import write_stamp
from dashboard.envelope.status import Accepted as AcceptedHead
from dashboard.envelope.status import LastError, ServiceStatus
from dashboard.rules.head import HeadFile, HeadFileError, Stored
from dashboard.rules.intake import Head, check_envelope
from dashboard.rules.live import Decide, Live, new_decision_id
from dashboard.rules.refusal import Refusal
from dashboard.rules.trustfile import TrustFile

POLICY_ID = "epidemic"
# Refusals of a caller who is not us, or who only asks wrongly, say nothing about the state of the head.
_NOT_NOTED = frozenset({"no_token", "bad_token", "wrong_type", "no_precondition", "busy", "slow"})
log = logging.getLogger("tianfu.rules")


@dataclass(frozen=True)
class Taken:
    """What became of an envelope: ``stored`` now, or known already, or a dry run that would have been."""

    digest: str
    stored: bool


class RulesService:
    """One head, one live evaluator. Decisions take no lock; publications and readings of the file do."""

    def __init__(
        self, *, folder: Path, trust: TrustFile, decide: Decide, clock_s: Callable[[], int] | None = None
    ) -> None:
        """Open the file and put the head it holds in force. Raises ``StorageError``."""
        self._clock_s = clock_s or (lambda: int(time.time()))
        self._trust = trust
        self._decide = decide
        self._file = HeadFile(folder)
        self._lock = threading.Lock()
        self._last_error: LastError | None = None
        self._started_at_s = self._clock_s()
        self.instance = self._file.instance
        self._live = self._load()

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def take(self, body: bytes, headers: Mapping[str, str], *, dry_run: bool) -> Taken:
        """Make an envelope the head and put it in force; with ``dry_run`` only say whether it could be.

        ``headers`` have lower-case names. Raises ``Refusal``; then nothing has changed.
        """
        with self._lock:
            try:
                return self._take(body, headers, dry_run)
            except Refusal as refusal:
                if not dry_run and refusal.code not in _NOT_NOTED:
                    self._note(refusal.code, refusal.detail)
                raise

    def decision(self, question: object, *, provenance: bool) -> dict[str, object]:
        """The decision in the shape an OPA gives it."""
        live = self._live  # read once: answer and provenance must be of one envelope
        now_s = self._clock_s()
        result = live.answer(question, now_s=now_s) if live else self._decide(None, question)
        reply: dict[str, object] = {"result": result}
        if provenance:
            bundles = {"tianfu": {"revision": live.envelope.revision}} if live else {}
            reply["provenance"] = {"version": service_version(), "bundles": bundles}
        reply["decision_id"] = new_decision_id()
        return reply

    def payload(self) -> tuple[str, bytes] | None:
        """Digest and payload of the envelope in force."""
        live = self._live
        return (live.digest, live.payload) if live else None

    def stored(self, seq: int) -> Stored:
        """One accepted envelope; raises ``Refusal`` when it is not kept or not what was accepted."""
        with self._lock:
            try:
                found = self._file.get(seq)
            except HeadFileError as problem:
                raise Refusal("damaged", f"The file cannot be read: {problem}.") from None
        if found is None:
            raise Refusal("not_found", f"No envelope with seq {seq} is kept.")
        if not found.intact:
            raise Refusal("damaged", f"The envelope with seq {seq} is not what was accepted.")
        return found

    def status(self) -> ServiceStatus:
        """How the service is, read from the evaluator and the file themselves."""
        with self._lock:
            now_s, live = self._clock_s(), self._live
            self._trust.current()
            accepted, fault = self._look(live, now_s)
            if self._trust.problem and fault is None:
                fault = LastError(code="trust_unreadable", detail=self._trust.problem, at_s=now_s)
            return ServiceStatus(
                policy_id=POLICY_ID,
                instance=self.instance,
                service_version=service_version(),
                started_at_s=self._started_at_s,
                clock=write_stamp(now_s),
                clock_s=now_s,
                accepted=accepted,
                active=live.active(now_s) if live else None,
                pending=live.pending(now_s) if live else (),
                fresh_until_s=live.envelope.fresh_until_s if live else None,
                stale=live.is_stale(now_s) if live else False,
                last_error=fault or self._last_error,
            )

    def _take(self, body: bytes, headers: Mapping[str, str], dry_run: bool) -> Taken:
        now_s = self._clock_s()
        head = self._head()
        accepted = check_envelope(body, headers, head=head, trust=self._trust.current(), now_s=now_s)
        if dry_run or (accepted.known and head is not None and head.intact):
            return Taken(accepted.digest, stored=False)
        envelope = accepted.envelope
        try:
            stored = self._file.append(
                seq=envelope.seq,
                body=body,
                accepted_at_s=now_s,
                label=headers.get("idempotency-key", "")[:200],
            )
        except HeadFileError as problem:
            raise Refusal("storage", f"The disk or the file refused it: {problem}.") from None
        self._live = Live(envelope, stored.digest, now_s, self._decide)
        self._last_error = None
        log.info("seq %s accepted, %s", envelope.seq, stored.digest)
        return Taken(stored.digest, stored=True)

    def _head(self) -> Head | None:
        live = self._live
        try:
            stored = self._file.head()
        except HeadFileError as problem:
            raise Refusal("storage", f"The file cannot be read: {problem}.") from None
        if live is None and stored is None:
            return None
        return Head(
            seq=live.envelope.seq if live else 0,
            digest=live.digest if live else None,
            stored_digest=stored.actual_digest if stored else "",
            intact=bool(live and stored and stored.intact and stored.digest == live.digest),
        )

    def _load(self) -> Live | None:
        """The head of the file; where it is damaged, the newest envelope that is not, and a note of it."""
        trust = self._trust.current()
        try:
            head = self._file.head()
            if head is not None:
                try:
                    return self._open(head, trust)
                except EnvelopeError as error:
                    self._note("head_damaged", f"The stored head is not usable: {error}")
            for stored in self._file.newest_first():
                if head is None:
                    self._note("head_damaged", "The file holds envelopes and names none as the head.")
                try:
                    return self._open(stored, trust)
                except EnvelopeError:
                    continue
        except HeadFileError as problem:
            self._note("head_damaged", f"The file cannot be read: {problem}.")
        return None

    def _open(self, stored: Stored, trust: Trust) -> Live:
        if not stored.intact:
            raise EnvelopeError("digest", "Its bytes are not those that were accepted.")
        # The key held when the envelope was accepted; that it ran out since does not undo that.
        envelope = open_envelope(stored.body, trust, now_s=stored.accepted_at_s)
        if envelope.seq != stored.seq:
            raise EnvelopeError("digest", f"It lies under seq {stored.seq} and has {envelope.seq}.")
        return Live(envelope, stored.digest, stored.accepted_at_s, self._decide)

    def _look(self, live: Live | None, now_s: int) -> tuple[AcceptedHead | None, LastError | None]:
        """What lies in the file, beside what decides: never healed here, only said."""
        try:
            stored = self._file.head()
        except HeadFileError as problem:
            return None, LastError(code="head_damaged", detail=f"The file: {problem}.", at_s=now_s)
        if live is not None and stored is not None and stored.intact and stored.digest == live.digest:
            envelope = live.envelope
            return AcceptedHead(
                seq=envelope.seq,
                revision=envelope.revision,
                digest=live.digest,
                kind=envelope.kind,
                version=envelope.newest.version,
                since_s=stored.accepted_at_s,
            ), None
        if live is None and stored is None:
            return None, None
        fault = LastError(
            code="head_damaged",
            detail=f"The file holds {_name(stored)} as its head; "
            f"{f'seq {live.envelope.seq}, {live.digest}, decides' if live else 'nothing decides'}.",
            at_s=now_s,
        )
        if stored is None:
            return None, fault
        return AcceptedHead(
            seq=stored.seq,
            revision=f"{POLICY_ID}:{stored.seq}",
            digest=stored.actual_digest,
            kind=None,
            version=None,
            since_s=stored.accepted_at_s,
        ), fault

    def _note(self, code: str, detail: str) -> None:
        self._last_error = LastError(code=code, detail=detail[:1000], at_s=self._clock_s())
        log.warning("%s: %s", code, detail)


def _name(stored: Stored | None) -> str:
    return f"seq {stored.seq}, {stored.actual_digest}," if stored else "nothing"


def service_version() -> str:
    """The version of this software."""
    try:
        return version("tianfu-command")
    except PackageNotFoundError:
        return "unknown"

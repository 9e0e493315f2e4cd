"""The steps that reach the rules service: publish, roll back, emergency, its review, sending again."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from dashboard.envelope.keys import load_signing_key
from dashboard.publishing import emergency
from dashboard.publishing.actors import check_actor, signed_in_at
from dashboard.publishing.publish import publish as publish_change
from dashboard.publishing.record import check_seen, get_change
from dashboard.publishing.restore import confirm_send
from dashboard.publishing.rollback import open_rollback
from dashboard.publishing.stand import POLICY_ID
from dashboard.shell.policy_ask import Ask, Done, step
from dashboard.shell.policy_body import moment_of, number_of


@step("publish")
def publish(connection: Connection, ask: Ask) -> Done:
    """Publish now, or at the time that was chosen; the signed envelope leaves at once in both cases."""
    done = publish_change(
        connection,
        ask.change,
        ask.row_version,
        ask.actor,
        ask.at,
        key=load_signing_key(ask.settings),
        effective_at=moment_of(ask.body, "effective_at"),
    )
    return Done(done.change, say="screen.published", go={"change": done.change.id})


@step("emergency")
def publish_emergency(connection: Connection, ask: Ask) -> Done:
    done = emergency.publish_emergency(
        connection,
        ask.change,
        ask.row_version,
        ask.actor,
        ask.at,
        key=load_signing_key(ask.settings),
        reason=ask.text("reason"),
        lasts=timedelta(hours=number_of(ask.body, "hours")),
        signed_in_at=signed_in_at(connection, ask.identity),
    )
    return Done(done.change, say="screen.published", go={"change": done.change.id})


@step("review")
def review_emergency(connection: Connection, ask: Ask) -> Done:
    check_seen(connection, get_change(connection, ask.change), ask.row_version)
    change = emergency.review_emergency(connection, ask.change, ask.actor, ask.at, text=ask.text("reason"))
    return Done(change, say="screen.reviewed")


@step("rollback")
def rollback(connection: Connection, ask: Ask) -> Done:
    """Ask for an earlier version; a second person approves and publishes it like any other change."""
    change = open_rollback(
        connection, number_of(ask.body, "version"), ask.actor, ask.at, reason=ask.text("reason")
    )
    return Done(change, say="screen.asked", go={"change": change.id, "view": "edit"})


@step("read")
def note_read(connection: Connection, ask: Ask) -> Done:
    emergency.note_read(connection, number_of(ask.body, "alert"), ask.actor, ask.at)
    return Done(None)


@step("send_again")
def send_again(connection: Connection, ask: Ask) -> Done:
    """A person confirms that the rules service is sent what it lost, or what it refused, once more."""
    check_actor(connection, ask.actor, rights=("publish",))
    confirm_send(connection, POLICY_ID, actor=ask.actor.login, at=ask.at)
    return Done(None, say="screen.sent_again")

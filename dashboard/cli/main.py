"""``tianfu``: the command line. Each module beside this one brings one command or group of commands."""

from __future__ import annotations

import sys

import typer
from sqlalchemy.exc import DatabaseError

from dashboard.cli import (
    accounts,
    audit,
    demo,
    demo_data,
    policy,
    policy_keys,
    policy_opa,
    policy_publish,
    restated,
    rules_service,
    screening,
    sender,
    serve,
    snapshot,
)
from dashboard.errors import StorageError, TianfuError

app = typer.Typer(
    name="tianfu",
    help="Tianfu Command 天府指挥台: build, publish and serve the board.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# One line for each module: app.add_typer(module.app, name="...") or app.command("...")(module.function).
snapshot.app.command("restated")(restated.restated)
app.add_typer(snapshot.app, name="snapshot")
policy.app.command("import")(policy_publish.import_)
policy.app.command("publish")(policy_publish.publish)
policy.app.command("status")(policy_publish.status)
policy.app.command("install-baseline")(policy_publish.install_baseline_command)
policy.app.add_typer(policy_keys.app, name="keys")
policy.app.add_typer(policy_opa.app, name="opa")
app.add_typer(policy.app, name="policy")
app.add_typer(screening.app, name="screening")
app.add_typer(accounts.account, name="account")
app.add_typer(audit.app, name="audit")
app.command("demo-data")(demo_data.demo_data)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("rules-service")(rules_service.rules_service)
app.add_typer(sender.app, name="sender")


def main() -> None:
    """Run the command line; an error of the user's is one sentence on stderr and an exit code of its kind."""
    sys.exit(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Run one command and return its exit code."""
    try:
        app(args=args, prog_name="tianfu")
    except TianfuError as error:
        print(f"tianfu: {error}", file=sys.stderr)
        return error.exit_code
    except DatabaseError as error:
        # A page of the file is damaged, or another process holds it: not found when it was opened.
        print(
            f"tianfu: The store cannot be used: {error.orig}. "
            "Try again; if it stays, keep a copy of the store as it is and go back to the last backup.",
            file=sys.stderr,
        )
        return StorageError.exit_code
    except SystemExit as end:  # how typer ends, with its own message for a wrong option
        return end.code if isinstance(end.code, int) else 0
    return 0


if __name__ == "__main__":
    main()

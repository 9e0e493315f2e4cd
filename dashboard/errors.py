"""The error tree.

    TianfuError
    ├── InputError           exit 3   what a feed delivered cannot be used at all
    ├── SnapshotInvalid      exit 4   a candidate or stored snapshot breaks the contract
    ├── SnapshotNotFound     exit 5   no snapshot of that id, or none published yet
    ├── BuildBusy            exit 6   another build or publication holds the lock
    ├── StorageError         exit 7   disk full, folder not writable
    ├── BoundaryError        exit 8   a boundary file that cannot be drawn
    ├── PolicyError          exit 9   a policy document that is not valid
    │   └── EnvelopeError             a signed one that is refused (in dashboard.envelope.errors)
    ├── SettingError         exit 10  a setting that makes no sense
    ├── BrokenAuditError     exit 11  an audit row was changed or is missing (in dashboard.store.audit)
    ├── BadFilter            HTTP 400 a filter in a URL or callback that cannot be read
    ├── SignInRequired       HTTP 401 nobody is signed in, or the session ended
    └── NotPermitted         HTTP 403 signed in, but without the right
        └── OutOfScope                signed in, but the area lies outside the scope

All of these are the user's to mend: they carry a sentence, are shown without a traceback and
name what happened, which value, and what to do next. Anything else is a bug and is logged.
"""

from __future__ import annotations


class TianfuError(Exception):
    """An error with a sentence for the person who caused it.

    ``what`` says what happened and names the value; ``todo`` says what to do next. Where ``key`` is
    given the catalogue of texts holds the same two sentences under ``key`` and ``key.todo``, filled
    from ``values``, so that a screen can say them in the reader's language.
    """

    exit_code = 1
    http_status = 500

    def __init__(self, what: str, *, todo: str = "", key: str = "", **values: object) -> None:
        super().__init__(f"{what} {todo}".strip())
        self.what = what
        self.todo = todo
        self.key = key
        self.values = values


class InputError(TianfuError):
    exit_code = 3
    http_status = 400


class SnapshotInvalid(TianfuError):
    exit_code = 4


class SnapshotNotFound(TianfuError):
    exit_code = 5
    http_status = 404


class BuildBusy(TianfuError):
    exit_code = 6


class StorageError(TianfuError):
    exit_code = 7


class BoundaryError(TianfuError):
    exit_code = 8


class PolicyError(TianfuError):
    exit_code = 9


class SettingError(TianfuError):
    exit_code = 10


class BadFilter(TianfuError):
    http_status = 400


class SignInRequired(TianfuError):
    http_status = 401


class NotPermitted(TianfuError):
    http_status = 403


class OutOfScope(NotPermitted):
    pass

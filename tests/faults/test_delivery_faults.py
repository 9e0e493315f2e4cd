"""Deliveries nobody hopes for, through the command line: repeated, out of order, hostile, packed badly."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dashboard.errors import InputError
from dashboard.snapshot.history import HISTORY, Switch, read_history
from dashboard.snapshot.publish import snapshot_ids
from dashboard.snapshot.transfer_unpack import open_delivery
from tests.processes import ROOT, environment, run_tianfu
from tests.tiny import DAY1, write_delivery


def build(home: Path, given: Path, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    return run_tianfu("snapshot", "build", "--input", str(given), "--publish", home=home, check=check)


def rejects(home: Path) -> list[dict[str, object]]:
    """All quarantined entries of all builds; ids of one data time have no order among themselves."""
    files = (home / "quarantine").glob("*/*.jsonl")
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def split_by_day(source: Path, folder: Path, order: list[str]) -> Path:
    """The tiny delivery with a file for each day and feed, named so that they are read in ``order``."""
    shutil.copytree(source, folder)
    for table in ("code_stock", "code_flow", "scan_hourly"):
        rows = pl.read_parquet(folder / table / "two-days.parquet")
        (folder / table / "two-days.parquet").unlink()
        parts = {"first": rows.filter(pl.col("date") == DAY1), "second": rows.filter(pl.col("date") != DAY1)}
        for number, day in enumerate(order):
            parts[day].write_parquet(folder / table / f"{number}-{day}.parquet")
    return folder


def test_a_feed_that_comes_twice_or_in_the_wrong_order_gives_the_same_snapshot(tmp_path: Path) -> None:
    home, source = tmp_path / "home", write_delivery(tmp_path / "whole")
    build(home, source)
    (first,) = snapshot_ids(home / "snapshots")
    late = split_by_day(source, tmp_path / "late", ["second", "first"])
    done = build(home, late)
    assert f"Already built: {first}" in done.stdout
    assert f"The board served {first} before." in done.stdout
    twice = split_by_day(source, tmp_path / "twice", ["first", "second", "first"])
    done = build(home, twice)
    # The same rows and thus the same figures; that something came twice is a fact of its own.
    names = snapshot_ids(home / "snapshots")
    for name in names:
        assert same_figures(home / "snapshots" / first, home / "snapshots" / name)
    again = [entry for entry in rejects(home) if entry["reason"] == "duplicate_delivery"]
    assert {str(entry["file"]).split("/")[0] for entry in again} == {"code_stock", "code_flow", "scan_hourly"}


def same_figures(one: Path, other: Path) -> bool:
    return all(
        (one / table / "part-0.parquet").read_bytes() == (other / table / "part-0.parquet").read_bytes()
        for table in ("code_stock", "code_flow", "scan_hourly", "case_daily", "risk_place")
    )


def test_a_clock_that_was_set_back_is_said_and_order_stays_that_of_publication(tmp_path: Path) -> None:
    home, root = tmp_path / "home", tmp_path / "home" / "snapshots"
    source = write_delivery(tmp_path / "in")
    done = build(home, source)
    assert "was set back" not in done.stderr
    (first,) = snapshot_ids(root)
    # As if that publication had been made by a clock years ahead.
    (only,) = read_history(root)
    ahead = Switch(only.at.replace(year=only.at.year + 3), "publish", first)
    (root / HISTORY).write_text(ahead.line() + "\n")
    path = source / "code_stock" / "two-days.parquet"
    pl.read_parquet(path).with_columns(pl.col("holders") + 1).write_parquet(path)
    done = build(home, source)
    assert done.stderr.count("was set back. Publications keep their order") == 1
    assert "Traceback" not in done.stderr
    second = (root / "CURRENT").read_text().strip()
    assert second != first
    assert [switch.id for switch in read_history(root)] == [first, second]
    assert read_history(root)[1].at < read_history(root)[0].at
    back = run_tianfu("snapshot", "rollback", home=home)
    assert f"The board serves {first} again." in back.stdout
    build(home, source)
    assert (root / "CURRENT").read_text().strip() == second  # the same rows, the same id, whatever the clock


def test_hostile_names_and_links_in_a_folder_reach_nothing_outside(tmp_path: Path) -> None:
    home, source = tmp_path / "home", write_delivery(tmp_path / "in")
    secret = tmp_path / "secret.csv"
    secret.write_text("a secret beside the delivery\n")
    risk = (source / "risk.json").read_bytes()
    (source / "a\nb\x1b[31mred.json").write_bytes(risk + b" ")
    (source / "-rf --out=x; $(touch pwned)").write_text("nothing\n")
    Path(os.fsdecode(os.fsencode(source) + b"/\xff\xfe.csv")).write_text("nothing\n")
    (source / ("长" * 80)).write_text("nothing\n")
    (source / "outside.csv").symlink_to(secret)
    (source / "root").symlink_to("/")
    (source / "loop").symlink_to(source / "loop")
    (source / "here").symlink_to(source)
    (source / "code_stock" / "device.parquet").symlink_to("/dev/zero")
    os.mkfifo(source / "pipe.csv")
    done = build(home, source)
    assert "\x1b" not in done.stdout + done.stderr
    assert not (ROOT / "pwned").exists()
    said = {str(entry["file"]): entry["reason"] for entry in rejects(home)}
    assert said["outside.csv"] == said["root"] == said["code_stock/device.parquet"] == "link_outside"
    assert said["pipe.csv"] == "unrecognised_file"
    assert said["loop"] == "unreadable_file"
    kept = "".join(path.read_text() for path in (home / "quarantine").rglob("*") if path.is_file())
    assert "a secret" not in kept


Member = tuple[str, bytes]


def packed_zip(path: Path, *members: Member) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            out.writestr(info, data)
    return path


def packed_tar(path: Path, *members: tarfile.TarInfo | Member) -> Path:
    with tarfile.open(path, "w:gz") as out:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                out.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                out.addfile(info, io.BytesIO(member[1]))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("inner", ["", "delivery of the day/"])
@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_an_archive_builds_what_its_folder_builds(tmp_path: Path, form: str, inner: str) -> None:
    home, source = tmp_path / "home", write_delivery(tmp_path / "in")
    members = [(inner + p.relative_to(source).as_posix(), p.read_bytes()) for p in source.rglob("*.*")]
    pack = packed_zip if form == "zip" else packed_tar
    archive = pack(tmp_path / f"day.{form}", *[m for m in members if m[1]])  # type: ignore[arg-type]
    build(home, archive)
    (first,) = snapshot_ids(home / "snapshots")
    assert f"Already built: {first}" in build(home, source).stdout
    assert [p.name for p in home.iterdir() if p.name.startswith(".unpacked")] == []


def zip_link(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as out:
        info = zipfile.ZipInfo("cases.csv")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        out.writestr(info, "/etc/passwd")
    return path


def zip_bomb(path: Path) -> Path:
    return packed_zip(path, ("cases.csv", bytes(100_000_000)))


def tar_bomb(path: Path) -> Path:
    with gzip.open(path, "wb") as out:
        for _ in range(100):
            out.write(bytes(1_000_000))
    return path


def tar_endless_name(path: Path) -> Path:
    """A GNU long name that claims five gigabytes and brings some megabytes of it."""
    header = special("././@LongLink", tarfile.GNUTYPE_LONGNAME)
    header.size = 5 * 1024**3
    with gzip.open(path, "wb") as out:
        out.write(header.tobuf(tarfile.GNU_FORMAT) + os.urandom(3_000_000))
    return path


def many(path: Path) -> Path:
    return packed_zip(path, *((f"{number}.csv", b"") for number in range(20_001)))


def torn(path: Path) -> Path:
    whole = packed_zip(path, ("cases.csv", os.urandom(5000)), ("b.csv", os.urandom(5000)))
    whole.write_bytes(whole.read_bytes()[:6000])
    return path


def torn_tar(path: Path) -> Path:
    whole = packed_tar(path, ("cases.csv", os.urandom(50_000)))
    whole.write_bytes(whole.read_bytes()[:20_000])
    return path


def encrypted(path: Path) -> Path:
    packed_zip(path, ("cases.csv", b"x"))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    return path


def other_method(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as out:
        out.writestr("cases.csv", b"x" * 100)
    return path


def text(path: Path) -> Path:
    path.write_text("date,province\n")
    return path


HOSTILE: list[tuple[str, Callable[[Path], Path], str]] = [
    ("zip", lambda p: packed_zip(p, ("../../evil.csv", b"x")), "leads outside"),
    ("zip", lambda p: packed_zip(p, ("a/../../evil.csv", b"x")), "leads outside"),
    ("zip", lambda p: packed_zip(p, ("/tmp/evil.csv", b"x")), "is no relative path"),
    ("zip", lambda p: packed_zip(p, ("C:/evil.csv", b"x")), "is no relative path"),
    ("zip", lambda p: packed_zip(p, ("..\\evil.csv", b"x")), "is no relative path"),
    ("zip", lambda p: packed_zip(p, ("a\x1b[31m.csv", b"x")), "cannot be printed"),
    ("zip", lambda p: packed_zip(p, ("a.csv", b"x"), ("A.csv", b"y")), "twice"),
    ("zip", lambda p: packed_zip(p, ("a", b"x"), ("a/b.csv", b"y")), "both as file and as folder"),
    ("zip", lambda p: packed_zip(p, ("/".join("abcdefghijklmnop"), b"y")), "nested too deep"),
    ("zip", lambda p: packed_zip(p, ("n" * 250, b"y")), "a name of more than 200 bytes"),
    ("zip", zip_link, "a link or device"),
    ("zip", zip_bomb, "too much for its size"),
    ("zip", many, "more than 20000 files"),
    ("zip", torn, "is torn"),
    ("zip", encrypted, "is encrypted"),
    ("zip", other_method, "another method"),
    ("zip", text, "neither a .zip nor a .tar.gz"),
    ("tar.gz", lambda p: packed_tar(p, ("../evil.csv", b"x")), "leads outside"),
    ("tar.gz", lambda p: packed_tar(p, ("/tmp/evil.csv", b"x")), "is no relative path"),
    ("tar.gz", lambda p: packed_tar(p, special("l", tarfile.SYMTYPE, "/")), "a link or device"),
    ("tar.gz", lambda p: packed_tar(p, special("l", tarfile.LNKTYPE, "/etc/passwd")), "a link or device"),
    ("tar.gz", lambda p: packed_tar(p, special("d", tarfile.CHRTYPE)), "a link or device"),
    ("tar.gz", lambda p: packed_tar(p, special("f", tarfile.FIFOTYPE)), "a link or device"),
    ("tar.gz", tar_bomb, "too much for its size"),
    ("tar.gz", tar_endless_name, "a header of more than 1 MB"),
    ("tar.gz", torn_tar, "is torn"),
]


def test_a_hostile_archive_is_refused_with_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for number, (form, make, said) in enumerate(HOSTILE):
        archive = make(tmp_path / f"{number}.{form}")
        with pytest.raises(InputError) as caught, open_delivery(archive, scratch=home):
            pytest.fail(f"{number}: it was opened")
        assert said in caught.value.what, number
        assert caught.value.what.endswith(". Nothing of it was used.")
        assert [p.name for p in home.iterdir() if p.name.startswith(".unpacked")] == []
    assert list(tmp_path.rglob("evil.csv")) == []
    assert not Path("/tmp/evil.csv").exists()
    done = build(home, tmp_path / "0.zip", check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert "leads outside" in done.stderr


PEAK = """
    import resource, subprocess, sys
    done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
    print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
    print(done.stderr, file=sys.stderr)
"""


def build_measured(home: Path, source: Path) -> tuple[int, int, str]:
    """Exit code, highest memory in MB and errors of one build."""
    command = [sys.executable, "-m", "dashboard.cli.main", "snapshot", "build", "--input", str(source)]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PEAK), *command],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    code, peak = done.stdout.split()
    return int(code), int(peak), done.stderr


@pytest.mark.parametrize(
    ("rows", "length", "wide_rows", "said"),
    [
        # A text of 5 million characters in each of 400 rows: 5 MB on disk at most, 2 GB spelled out.
        (400, 5_000_000, 400, "The column reason unpacks to"),
        # One long text among many short ones.
        (200_000, 2_000_000, 1, "The column reason holds a text of 2000000 bytes; 1000 is the limit."),
    ],
)
def test_a_column_of_millions_of_characters_is_refused_in_bounded_memory(
    tmp_path: Path, rows: int, length: int, wide_rows: int, said: str
) -> None:
    plain = build_measured(tmp_path / "plain", write_delivery(tmp_path / "good"))
    source = write_delivery(tmp_path / "in")
    file = pl.read_parquet(source / "code_stock" / "two-days.parquet").to_arrow()
    wide = pa.DictionaryArray.from_arrays(
        pa.array([0] * wide_rows + [1] * (rows - wide_rows), pa.int32()),
        pa.array(["长" + "x" * (length - 3), "no_risk"]),
    )
    one = {name: pa.concat_arrays([file[name].combine_chunks()[:1]] * rows) for name in file.column_names}
    pq.write_table(
        pa.table(one | {"reason": wide}), source / "code_stock" / "wide.parquet", compression="zstd"
    )
    code, peak, errors = build_measured(tmp_path / "home", source)
    assert code == 0, errors
    assert peak < plain[1] + 200, (peak, plain[1])
    (entry,) = [e for e in rejects(tmp_path / "home") if e["file"] == "code_stock/wide.parquet"]
    assert (entry["reason"], entry["rows"]) == ("long_text", rows)
    assert str(entry["detail"]).startswith(said)

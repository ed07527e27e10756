"""Several processes over one library in PostgreSQL: whole documents only, and nothing lost when one is killed."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import pytest
from shared import connect, done, start
from stores import COD, HERRING, add, assert_whole, found, make_entry, sources, write

from rag.store.shared_index import SharedIndex

pytestmark = pytest.mark.long

# Two batches at a time, so that one replaces what the other wrote.
WRITER = """
for n in range(int(sys.argv[3])):
    name = f"{sys.argv[4]}{n}"
    texts = [f"Harbour {name}x{k} opened. Mayor {name}x{k} spoke. Boats {name}x{k} left." for k in range(3)]
    write(index, *[make_entry(text, f"{name}-{k}.txt") for k, text in enumerate(texts)])
    if n == 0:
        print("began", flush=True)
    if n % 2:
        index.drop([f"/articles/{name}-0.txt"])
index.close()
"""
READER = """
print("ready", flush=True)
seen = set()
while not Path(sys.argv[3]).exists():
    version = index.version
    listed = sources(index)
    texts = found(index, "harbour mayor boats", 200)
    if index.version == version:
        count = len(listed)
        seen.add(count)
        # A batch of three articles is there as a whole, or with the first one removed.
        by_batch = {}
        for name in listed:
            by_batch.setdefault(name.split("-")[0], set()).add(name)
        assert all(len(names) in (2, 3) for names in by_batch.values()), by_batch
        # The first and the last sentence of each are found, and nothing of any other.
        assert sum(text.count("opened") for text in texts) == sum(text.count("left") for text in texts) == count
print(len(seen), len(sources(index)))
index.close()
"""


def test_how_far_a_process_is_behind(database: str, tmp_path: Path) -> None:
    index = connect(database, tmp_path / "store")
    assert isinstance(index, SharedIndex)
    try:
        index._following.stop()  # it follows only when it is asked now
        assert index.lag() == 0
        assert done(start(WRITER, database, tmp_path / "store", "2", "a")) == ["began"]
        assert index.lag() > 0
        assert len(sources(index)) and found(index, "harbour mayor boats", 200)
        assert index.lag() == 0
    finally:
        index.close()


def test_one_process_answers_while_another_adds_and_removes(database: str, tmp_path: Path) -> None:
    connect(database, tmp_path / "new").close()
    end = tmp_path / "end"
    reader = start(READER, database, tmp_path / "store", str(end))
    assert reader.stdout is not None and reader.stdout.readline() == "ready\n"
    assert done(start(WRITER, database, tmp_path / "store", "8", "a")) == ["began"]
    end.touch()
    [line] = done(reader)
    states, articles = map(int, line.split())
    assert states > 2 and articles == 8 * 3 - 4


def test_two_processes_write_at_once(database: str, tmp_path: Path) -> None:
    writers = [start(WRITER, database, tmp_path / "store", "6", name) for name in "ab"]
    for writer in writers:
        assert done(writer) == ["began"]
    index = connect(database, tmp_path / "store")
    try:
        assert len(sources(index)) == 2 * (6 * 3 - 3)
        assert_whole(index)
    finally:
        index.close()


def test_writers_killed_at_any_moment_leave_whole_batches(database: str, tmp_path: Path) -> None:
    moments = random.Random(7)
    for name in "abc":
        writer = start(WRITER, database, tmp_path / "store", "500", name)
        assert writer.stdout is not None and writer.stdout.readline() == "began\n"
        time.sleep(moments.uniform(0.3, 2.5))
        writer.kill()
        writer.communicate()
    index = connect(database, tmp_path / "store")
    try:
        by_batch: dict[str, list[str]] = {}
        for source in sources(index):
            by_batch.setdefault(source.split("-")[0], []).append(source)
        assert by_batch.keys() >= {"a0", "b0", "c0"} and all(len(names) in (2, 3) for names in by_batch.values()), (
            by_batch
        )
        assert_whole(index)
    finally:
        index.close()


# Ends like a power failure right before the step.
KILLED = """
from rag.store import derived, index as store_index
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
step = sys.argv[3]
if step == "fill":
    derived.Derived.fill = die
elif step == "purge":
    derived.Derived.purge = die
elif step == "log":
    outbox.change_log.record = die
elif step == "settled":
    outbox.settled = die
else:
    setattr(outbox, step, die)
write(index, make_entry("Cod came back. Everybody fished.", "a.txt"), make_entry("Eels left.", "c.txt"))
"""


@pytest.mark.parametrize("step", ["stage", "fill", "flip", "log", "purge"])
def test_a_killed_write_is_finished_or_never_was(step: str, database: str, tmp_path: Path) -> None:
    index = connect(database, tmp_path / "mine")
    try:
        add(index, COD)
        add(index, HERRING, "b.txt")
        killed = start(KILLED, database, tmp_path / "store", step)
        killed.communicate(timeout=120)
        assert killed.returncode == -9
        assert len(sources(index)) == (2 if step != "purge" else 3)  # before and after, never in between
        add(index, "Whales sang.", "d.txt")  # the next writer finishes what the killed one left
        expected = ["a.txt", "b.txt", "d.txt"] if step == "stage" else ["a.txt", "b.txt", "c.txt", "d.txt"]
        assert sources(index) == expected
        assert ("Nobody fished." in found(index, "Who fished?")) == (step == "stage")
        assert_whole(index)
    finally:
        index.close()


def test_a_process_that_only_reads_finishes_what_a_killed_one_left(database: str, tmp_path: Path) -> None:
    killed = start(KILLED, database, tmp_path / "store", "flip")
    killed.communicate(timeout=120)
    index = connect(database, tmp_path / "store")
    try:
        assert sources(index) == ["a.txt", "c.txt"]
        assert_whole(index)
    finally:
        index.close()


def test_a_writer_that_is_stopped_in_its_turn_frees_it_when_it_is_killed(database: str, tmp_path: Path) -> None:
    holder: subprocess.Popen[str] = start(
        "index._write_lock.__enter__(); print('held', flush=True); time.sleep(600)", database, tmp_path / "store"
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    index = connect(database, tmp_path / "store")
    try:
        add_later = start("add(index, 'Cod left.'); index.close()", database, tmp_path / "store")
        time.sleep(1)
        assert sources(index) == [] and add_later.poll() is None
        holder.kill()
        holder.communicate()
        assert done(add_later) == [] and sources(index) == ["a.txt"]
        assert write(index, make_entry(HERRING, "b.txt")) == ["added"]
    finally:
        index.close()

import sqlite3
import threading

import pytest
from polyglance.data.catalog import locks


@pytest.fixture
def check(polyglance, small_library):
    def call(*arguments):
        return polyglance("check", "--library", small_library.folder, *arguments)

    return call


def test_check_reports_the_contract(check):
    done = check("--json")
    assert done.code == 0
    assert set(done.json) == {
        "ok",
        "findings",
        "photos",
        "vectors",
        "deep",
        "compared",
        "not_compared",
        "seconds",
    }
    assert (done.json["ok"], done.json["findings"], done.json["photos"], done.json["deep"]) == (True, [], 11, False)
    deep = check("--json", "--deep").json
    assert (deep["deep"], deep["compared"], deep["not_compared"]) == (True, 11, 0)


def test_a_finding_has_six_fields_and_the_code_tells_the_state(check, small_library):
    small_library.damage("UPDATE vector SET vector = zeroblob(2022) WHERE id = 4")
    named = check("--json")
    assert named.code == 1
    (finding,) = named.json["findings"]
    assert set(finding) == {"code", "subject", "message", "repaired", "advice", "harmless"}
    assert (finding["code"], finding["subject"], finding["repaired"]) == ("vector-damaged", "vector 4", False)
    mended = check("--json", "--repair")
    assert (mended.code, mended.json["ok"], mended.json["findings"][0]["repaired"]) == (0, True, True)
    assert check().code == 0


def test_for_people_each_finding_is_one_line_and_many_are_cut(check, small_library):
    small_library.damage("UPDATE photo SET caption = 'x'")
    done = check()
    lines = done.out.splitlines()
    assert sum(line.startswith("found  photo-damaged: ") for line in lines) == 10
    assert "… and 2 more of photo-damaged: polyglance check --json" in lines
    assert "0 mended, 12 left" in lines[-1]
    assert check("--repair").out.splitlines()[-1].startswith("0 photos, 10 vectors: ")


def test_a_missing_library_is_wrong_use(polyglance):
    done = polyglance("check")
    assert (done.code, done.out) == (2, "")
    assert "There is no library" in done.err


def test_repairing_beside_a_writer_ends_with_code_4(check, small_library):
    with locks.writer_lock(small_library.folder):
        assert check("--repair").code == 4
        assert check().code == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"no database at all " * 300,
        lambda data: data[:4096] + bytes(len(data) - 4096),
        lambda data: data[:5000],
        lambda data: data.replace(b"CREATE TABLE photo", b"CREXTE TABLE photo"),
    ],
)
@pytest.mark.parametrize("command", [["search", "blue"], ["status"], ["similar", "3"]])
def test_a_damaged_library_is_one_line_that_names_the_command(polyglance, small_library, damage, command):
    small_library.catalog.write_bytes(damage(small_library.catalog.read_bytes()))
    done = polyglance(*command, "--library", small_library.folder)
    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert "polyglance check --repair" in line
    assert "Traceback" not in line


def test_a_file_beyond_repair_is_refused_without_a_backup_and_replaced_with_one(check, small_library):
    backups = small_library.folder / "own-data"
    small_library.catalog.write_bytes(b"x" * 9000)
    backups.rename(small_library.folder / "away")
    done = check("--repair")
    assert done.code == 1
    assert "move the library's folder away and run 'polyglance index FOLDER'" in done.out
    assert "Traceback" not in done.out + done.err
    (small_library.folder / "away").rename(backups)
    done = check("--repair")
    assert done.code == 0
    assert "saved: folders 1" in done.out


def test_a_library_that_only_an_upgrade_can_open_is_checked_all_the_same(check, small_library):
    with sqlite3.connect(small_library.catalog) as db:
        db.execute("UPDATE alembic_version SET version_num = 'xx'")
    db.close()
    assert check("--repair").code == 0
    assert check().code == 0


def test_two_checks_at_once_disturb_no_one(check, small_library):
    from polyglance import library

    reports = []
    threads = [threading.Thread(target=lambda: reports.append(library.check(small_library.folder))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.findings for report in reports] == [[]] * 4

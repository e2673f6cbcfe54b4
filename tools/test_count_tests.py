import pathlib
import subprocess
import sys

TOOL = pathlib.Path(__file__).with_name("count_tests.py")

PYTEST = """<testsuites><testsuite name="pytest" tests="4">
<testcase name="a"/><testcase name="b"><failure message="x">x</failure></testcase>
<testcase name="c"><error message="x">x</error></testcase><testcase name="d"><skipped message="x"/></testcase>
</testsuite></testsuites>"""
CTEST = """<testsuite name="Linux" tests="3"><testcase name="a" status="run"/><testcase name="b" status="run"/>
<testcase name="c" status="fail"><failure message=""/></testcase></testsuite>"""
GOOD = """<testsuite><testcase name="a" status="run"/></testsuite>"""


def total(tmp_path, *texts):
    files = []
    for number, text in enumerate(texts):
        files.append(tmp_path / f"{number}.xml")
        if text is not None:
            files[-1].write_text(text)
    done = subprocess.run([sys.executable, TOOL, *files], capture_output=True, text=True)
    return done.stdout.strip(), done.returncode


def test_adds_up_both_runners(tmp_path):
    assert total(tmp_path, PYTEST, CTEST) == ("3 passed, 3 failed, 1 skipped", 1)


def test_succeeds_when_all_passed(tmp_path):
    assert total(tmp_path, GOOD, GOOD) == ("2 passed, 0 failed", 0)


def test_a_missing_or_broken_file_is_a_failure(tmp_path):
    assert total(tmp_path, GOOD, None) == ("1 passed, 1 failed", 1)
    assert total(tmp_path, GOOD, "<testsuite>") == ("1 passed, 1 failed", 1)


def test_no_test_at_all_is_not_a_success(tmp_path):
    assert total(tmp_path, "<testsuite/>") == ("0 passed, 0 failed", 1)

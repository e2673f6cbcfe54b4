#!/usr/bin/python3
"""Adds up JUnit files (ctest's and pytest's) and prints `N passed, N failed`, with `, N skipped` if any were.

    tools/count_tests.py FILE...

A test that errored counts as failed, and so does a suite whose file is missing or cannot be read: it did not finish.
Exits 1 if anything failed or nothing passed.
"""
import sys
import xml.etree.ElementTree as xml


def count(path):
    """(passed, failed, skipped) of one file; a crash of the runner is one failure."""
    try:
        cases = list(xml.parse(path).getroot().iter("testcase"))
    except (OSError, xml.ParseError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 0, 1, 0
    failed = skipped = 0
    for case in cases:
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"} or case.get("status") == "fail":
            failed += 1
        elif "skipped" in kinds or case.get("status") in ("notrun", "disabled"):
            skipped += 1
    return len(cases) - failed - skipped, failed, skipped


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    passed, failed, skipped = (sum(column) for column in zip(*map(count, sys.argv[1:])))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

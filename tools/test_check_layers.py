"""Small trees, good and bad, through check_layers.py as CI calls it."""
import pathlib
import subprocess
import sys

import pytest

TOOL = pathlib.Path(__file__).with_name("check_layers.py")
PROJECT_RULES = TOOL.parent.parent / "layers.toml"

RULES = """
[[layer]]
name = "L0"
folders = ["base"]
[[layer]]
name = "L1"
folders = ["smtp", "message"]
[[layer]]
name = "L2"
folders = ["runtime", "storage"]
[[layer]]
name = "L4"
folders = ["scheduler", "delivery"]
[[header]]
what = "Boost.Asio"
prefixes = ["boost/asio"]
only = ["runtime"]
advice = "let runtime offer it"
[[header]]
what = "RocksDB"
prefixes = ["rocksdb/"]
only = ["storage"]
advice = "go through storage"
"""


def rules_with_project_calls():
    """The small layers above, but the real list of forbidden calls: that list is what is worth testing."""
    text = PROJECT_RULES.read_text()
    start = text.index("[[call]]")
    return RULES + text[start:text.index("# ---- exceptions")]


class Tree:
    def __init__(self, root):
        self.root = root
        self.rules(rules_with_project_calls())

    def rules(self, text):
        (self.root / "layers.toml").write_text(text)

    def add_rules(self, text):
        with open(self.root / "layers.toml", "a") as file:
            file.write(text)

    def file(self, path, text):
        target = self.root / "src" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return self

    def check(self):
        done = subprocess.run([sys.executable, TOOL, "--root", self.root, "--quiet"], capture_output=True, text=True)
        self.exit_code = done.returncode
        self.errors = done.stderr
        return done.stdout.splitlines()


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_accepts_a_tree_that_includes_downward_only(tree):
    tree.file("base/ids.h", "#include <string>\n")
    tree.file("smtp/server.h", '#include "base/ids.h"\n#include "smtp/reply.h"\n')
    tree.file("delivery/pool.cc", '#include "runtime/tcp.h"\n#include <openssl/ssl.h>\n')
    assert tree.check() == []
    assert tree.exit_code == 0


def test_refuses_an_upward_include_with_file_and_line(tree):
    tree.file("base/ids.h", '#pragma once\n\n#include "smtp/reply.h"\n')
    [finding] = tree.check()
    assert finding.startswith("src/base/ids.h:3: base (L0) includes upward: smtp/reply.h (L1)")
    assert tree.exit_code == 1


@pytest.mark.parametrize("directive", ['#include "runtime/tcp.h"', '#include <runtime/tcp.h>', '  #  include  "runtime/tcp.h"'])
def test_sees_an_include_however_it_is_written(tree, directive):
    tree.file("smtp/reply.h", directive + "\n")
    assert len(tree.check()) == 1


def test_scheduler_and_delivery_do_not_see_each_other(tree):
    tree.file("scheduler/index.cc", '#include "delivery/pool.h"\n')
    tree.file("delivery/pool.cc", '#include "scheduler/index.h"\n')
    assert [finding.split(":")[0] for finding in tree.check()] == ["src/delivery/pool.cc", "src/scheduler/index.cc"]


def test_a_listed_pair_of_one_layer_holds_in_one_direction_only(tree):
    tree.add_rules('[[same_layer]]\nfrom = "smtp"\nto = "message"\nreason = "envelopes"\n')
    tree.file("smtp/server.h", '#include "message/envelope.h"\n')
    assert tree.check() == []
    tree.file("message/envelope.h", '#include "smtp/server.h"\n')
    [finding] = tree.check()
    assert finding.startswith("src/message/envelope.h:1:")


def test_asio_and_rocksdb_are_seen_where_they_belong_only(tree):
    for folder in ("runtime", "storage", "delivery"):
        tree.file(f"{folder}/a.cc", "#include <boost/asio/io_context.hpp>\n#include <rocksdb/db.h>\n")
    found = [finding.split(": ")[0] for finding in tree.check()]
    assert found == ["src/delivery/a.cc:1", "src/delivery/a.cc:2", "src/runtime/a.cc:2", "src/storage/a.cc:1"]


@pytest.mark.parametrize("call", [
    "auto t = std::chrono::system_clock::now();",
    "auto t = std::chrono::steady_clock :: now();",
    "auto f = steady_clock::now;",
    "clock_gettime(CLOCK_MONOTONIC, &ts);",
    "gettimeofday(&tv, nullptr);",
    "auto t = time(nullptr);",
    "auto t = std::time(0);",
    "::time(&now);",
])
def test_only_runtime_reads_the_clock(tree, call):
    tree.file("runtime/clock.cc", f"void f() {{ {call} }}\n")
    tree.file("base/log.cc", f"void f() {{ {call} }}\n")
    tree.file("smtp/server.cc", f"// first line\nvoid f() {{ {call} }}\n")
    [finding] = tree.check()
    assert finding.startswith("src/smtp/server.cc:2: reading the clock")


@pytest.mark.parametrize("text", [
    "// steady_clock::now() would be wrong here",
    "/* #include \"runtime/tcp.h\"\n   time(nullptr) */",
    'const char* s = "steady_clock::now()";',
    'const char* s = R"x(gettimeofday(0))x";',
    "auto t = clock_.time(0);",
    "auto t = clock_->time(0);",
    "wall_time time(int zone);",
    "int one = 1'000'000; /* time(0) */ int two = 1'000;",
    "char quote = '\"'; // time(0)",
    "using steady_time = std::chrono::steady_clock::time_point;",
])
def test_comments_strings_and_namesakes_are_not_calls(tree, text):
    tree.file("smtp/server.cc", text + "\n")
    assert tree.check() == []


def test_code_after_a_tricky_literal_is_still_seen(tree):
    tree.file("smtp/server.cc", "char quote = '\"'; auto t = time(nullptr); char other = '\"';\n")
    assert len(tree.check()) == 1


def test_an_unknown_folder_and_a_stray_file_are_findings(tree):
    tree.file("smpt/typo.h", "").file("stray.cc", "")
    first, second = tree.check()
    assert "folder 'smpt' is in no layer" in first
    assert "stands in no folder" in second


def test_a_quoted_include_is_written_from_src(tree):
    tree.file("smtp/server.cc", '#include "reply.h"\n')
    [finding] = tree.check()
    assert "write the path from src/" in finding


def test_an_exception_covers_what_it_names_and_nothing_else(tree):
    tree.add_rules('[[exception]]\nin = "src/delivery/pool*"\nallow = "boost/asio"\nreason = "one socket"\n')
    tree.file("delivery/pool.cc", "#include <boost/asio.hpp>\n")
    assert tree.check() == []
    tree.file("delivery/pool.cc", "#include <boost/asio.hpp>\n#include <rocksdb/db.h>\n")
    tree.file("delivery/other.cc", "#include <boost/asio.hpp>\n")
    assert len(tree.check()) == 2


def test_an_exception_can_allow_a_call(tree):
    tree.add_rules('[[exception]]\nin = "src/smtp/*"\nallow = "reading the clock"\nreason = "a test of this"\n')
    tree.file("smtp/server.cc", "auto t = time(nullptr);\n")
    assert tree.check() == []


def test_an_exception_or_pair_that_is_not_needed_is_a_finding(tree):
    tree.add_rules('[[exception]]\nin = "src/delivery/*"\nallow = "boost/asio"\nreason = "gone"\n')
    tree.add_rules('[[same_layer]]\nfrom = "smtp"\nto = "message"\nreason = "gone"\n')
    tree.file("base/ids.h", "")
    assert all("not needed any more" in finding for finding in tree.check())
    assert tree.exit_code == 1


@pytest.mark.parametrize("rules, said", [
    ('[[exception]]\nin = "src/*"\nallow = "boost/asio"\n', "reason"),
    ('[[same_layer]]\nfrom = "smtp"\nto = "runtime"\nreason = "x"\n', "different layers"),
    ('[[same_layer]]\nfrom = "smtp"\nto = "nowhere"\nreason = "x"\n', "nowhere"),
    ('[[layer]]\nname = "L9"\nfolders = ["smtp"]\n', "two layers"),
    ("[[layer]\n", "line"),
])
def test_rules_that_contradict_themselves_are_refused(tree, rules, said):
    tree.add_rules(rules)
    tree.file("base/ids.h", "")
    tree.check()
    assert tree.exit_code == 2
    assert said in tree.errors


def test_a_tree_without_sources_does_not_pass(tree):
    tree.check()
    assert tree.exit_code == 2

#!/usr/bin/python3
"""Holds the sources against layers.toml: who may include whom, and who may call what.

    tools/check_layers.py [--root DIR] [--quiet]

Prints one line a finding, `file:line: what is wrong; what to do`, and exits 1 if there is any, 2 if layers.toml
itself is wrong. Reads text only: a file need not compile.
"""
import argparse
import fnmatch
import pathlib
import re
import sys
import tomllib
from dataclasses import dataclass, field

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)
SUFFIXES = {".h", ".hpp", ".cc", ".cpp"}

# One token that could hide or contain code: raw string, string, character, comment. In this order at each position.
OPAQUE = re.compile(
    r'''R"(?P<tag>[^()\\\s]{0,16})\((?:.|\n)*?\)(?P=tag)"'''
    r'''|"(?:\\(?:.|\n)|[^"\\\n])*"'''
    r"""|(?<![0-9a-fA-F])'(?:\\.[^'\n]*|[^'\\\n])'"""
    r'''|//(?:\\\n|[^\n])*'''
    r'''|/\*(?:.|\n)*?\*/''')


class BadRules(Exception):
    """layers.toml contradicts itself or lacks something."""


@dataclass
class Exemption:
    glob: str
    allow: str
    reason: str
    used: bool = False


@dataclass
class Rules:
    layer_of: dict
    layer_names: list
    same_layer: dict = field(default_factory=dict)  # (from, to) -> was it needed
    headers: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    exemptions: list = field(default_factory=list)


def need(table, key, where):
    value = table.get(key)
    if not value:
        raise BadRules(f"{where} lacks `{key}`")
    return value


def load_rules(path):
    try:
        raw = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadRules(str(error)) from error
    rules = Rules({}, [])
    for depth, layer in enumerate(raw.get("layer", [])):
        rules.layer_names.append(need(layer, "name", "[[layer]]"))
        for folder in need(layer, "folders", "[[layer]]"):
            if folder in rules.layer_of:
                raise BadRules(f"folder '{folder}' stands in two layers")
            rules.layer_of[folder] = depth
    for pair in raw.get("same_layer", []):
        source, target = need(pair, "from", "[[same_layer]]"), need(pair, "to", "[[same_layer]]")
        need(pair, "reason", f"[[same_layer]] {source} -> {target}")
        for folder in (source, target):
            if folder not in rules.layer_of:
                raise BadRules(f"[[same_layer]] names '{folder}', which no layer has")
        if rules.layer_of[source] != rules.layer_of[target]:
            raise BadRules(f"[[same_layer]] {source} -> {target}: they are of different layers")
        if (target, source) in rules.same_layer:
            raise BadRules(f"[[same_layer]] {source} and {target} include each other: that is a cycle")
        rules.same_layer[source, target] = False
    for header in raw.get("header", []):
        for key in ("what", "prefixes", "only", "advice"):
            need(header, key, "[[header]]")
        rules.headers.append(header)
    for call in raw.get("call", []):
        for key in ("what", "patterns", "only", "advice"):
            need(call, key, "[[call]]")
        call["compiled"] = [re.compile(pattern) for pattern in call["patterns"]]
        rules.calls.append(call)
    for entry in raw.get("exception", []):
        glob = need(entry, "in", "[[exception]]")
        rules.exemptions.append(Exemption(glob, need(entry, "allow", f"[[exception]] in {glob}"),
                                          need(entry, "reason", f"[[exception]] in {glob}")))
    return rules


def blank(text, strings):
    """`text` with comments, and string contents if `strings`, overwritten by spaces; line numbers stay."""
    def cover(match):
        token = match.group(0)
        if token.startswith("/") or strings:
            return re.sub(r"[^\n]", " ", token)
        return token
    return OPAQUE.sub(cover, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Checker:
    def __init__(self, root, rules):
        self.root, self.rules, self.findings = root, rules, []

    def report(self, path, line, text):
        self.findings.append(f"{path}:{line}: {text}")

    def exempt(self, path, what):
        for entry in self.rules.exemptions:
            if fnmatch.fnmatch(path, entry.glob) and what.startswith(entry.allow):
                entry.used = True
                return True
        return False

    def check_own(self, path, line, folder, included):
        layer_of, target = self.rules.layer_of, included.split("/", 1)[0]
        if target == folder:
            return
        mine, theirs = layer_of[folder], layer_of[target]
        if theirs < mine:
            return
        if theirs == mine and (folder, target) in self.rules.same_layer:
            self.rules.same_layer[folder, target] = True
            return
        if self.exempt(path, included):
            return
        names = self.rules.layer_names
        if theirs > mine:
            self.report(path, line, f"{folder} ({names[mine]}) includes upward: {included} ({names[theirs]}); "
                        f"move what is needed down, or let {target} pass it in as a value or function")
        else:
            self.report(path, line, f"{folder} includes {included} of the same layer ({names[mine]}); let `app` pass "
                        f"it in, or list the pair under [[same_layer]] in layers.toml with a reason")

    def check_outside(self, path, line, folder, included):
        for header in self.rules.headers:
            if not included.startswith(tuple(header["prefixes"])) or folder in header["only"]:
                continue
            if not self.exempt(path, included):
                self.report(path, line, f"{folder} sees {header['what']} ({included}), which only "
                            f"{', '.join(header['only'])} may; {header['advice']}")

    def check_includes(self, path, folder, text):
        for match in INCLUDE.finditer(blank(text, strings=False)):
            quote, included, line = match.group(1), match.group(2), line_of(text, match.start())
            if included.split("/", 1)[0] in self.rules.layer_of and "/" in included:
                self.check_own(path, line, folder, included)
            elif quote == '"':
                self.report(path, line, f'"{included}" names no folder of src/; write the path from src/, or <> for '
                            f"a header from outside")
            else:
                self.check_outside(path, line, folder, included)

    def check_calls(self, path, folder, text):
        code = blank(text, strings=True)
        inside = path.removeprefix("src/")
        for call in self.rules.calls:
            if any(folder == allowed or ("/" in allowed and inside.startswith(allowed)) for allowed in call["only"]):
                continue
            for pattern in call["compiled"]:
                for match in pattern.finditer(code):
                    if not self.exempt(path, call["what"]):
                        self.report(path, line_of(code, match.start()),
                                    f"{call['what']} (`{match.group(0).strip()}`) is for {', '.join(call['only'])} "
                                    f"only; {call['advice']}")

    def check_file(self, file):
        path = file.relative_to(self.root).as_posix()
        folder = path.split("/")[1]
        text = file.read_text(errors="replace")
        self.check_includes(path, folder, text)
        self.check_calls(path, folder, text)

    def run(self):
        count = 0
        unknown = set()
        for file in sorted((self.root / "src").rglob("*")):
            if file.suffix not in SUFFIXES or not file.is_file():
                continue
            count += 1
            parts = file.relative_to(self.root / "src").parts
            if len(parts) < 2:
                self.report(f"src/{parts[0]}", 1, "stands in no folder; move it into one")
            elif parts[0] in self.rules.layer_of:
                self.check_file(file)
            elif parts[0] not in unknown:
                unknown.add(parts[0])
                self.report(file.relative_to(self.root).as_posix(), 1,
                            f"folder '{parts[0]}' is in no layer; add it to layers.toml")
        for entry in self.rules.exemptions:
            if not entry.used:
                self.report("layers.toml", 1, f"the exception in '{entry.glob}' for '{entry.allow}' is not needed any "
                            f"more; remove it")
        for (source, target), used in self.rules.same_layer.items():
            if not used:
                self.report("layers.toml", 1, f"the pair {source} -> {target} is not needed any more; remove it")
        return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--quiet", action="store_true", help="print findings only")
    options = parser.parse_args()
    root = options.root.resolve()
    try:
        checker = Checker(root, load_rules(root / "layers.toml"))
    except BadRules as error:
        print(f"layers.toml: {error}", file=sys.stderr)
        return 2
    count = checker.run()
    if not count:
        print(f"{root}/src holds no source: nothing was checked", file=sys.stderr)
        return 2
    for finding in checker.findings:
        print(finding)
    if not options.quiet:
        print(f"{count} files checked, {len(checker.findings)} findings")
    return 1 if checker.findings else 0


if __name__ == "__main__":
    sys.exit(main())

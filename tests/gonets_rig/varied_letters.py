"""Letters of every shape that a signature must survive, made from a seed: the same seed gives the same letters."""
import random

WORDS = ["order", "invoice", "hello", "Ω", "письмо", "naïve", "=?utf-8?q?caf=C3=A9?=", "a.b", "..", "日本語", "x" * 70, "\"q\"", "№5"]
ASCII = [w for w in WORDS if w.isascii()]


def letters(seed, count, domain):
    """Each with CRLF line ends, and a From in `domain`."""
    r = random.Random(seed)
    return [_letter(r, i, domain) for i in range(count)]


def _blank(r):
    return r.choice([" ", " ", " ", "  ", "\t", " \t ", "\r\n ", "\r\n\t", "\r\n  \t"])


def _text(r, words, utf8):
    return "".join(r.choice(WORDS if utf8 else ASCII) + _blank(r) for _ in range(words)).rstrip() or "none"


def _address(r, domain, utf8):
    local = r.choice(["joe", "o'neil", "a+b", "info"] + (["почта", "jürgen"] if utf8 else []))
    name = r.choice(["", '"A. Person" ', "=?utf-8?b?0J8=?= ", "(comment) "] + (["Жук " ] if utf8 else []))
    return f"{name}<{local}@{domain}>"


def _header(r, number, domain, utf8):
    fields = [("From", _address(r, domain, utf8))]
    if r.random() < 0.9:
        fields.append(("To", ("," + _blank(r)).join(_address(r, "there.test", utf8) for _ in range(r.randint(1, 5)))))
    if r.random() < 0.9:
        fields.append(("Subject", _text(r, r.randint(0, 9), utf8)))
    if r.random() < 0.8:
        fields.append(("Date", "Mon, 2 Jun 2025 10:00:00 +0000"))
    if r.random() < 0.8:
        fields.append(("Message-ID", f"<{number}.{r.randrange(10**9)}@{domain}>"))
    for name, value in [("List-Unsubscribe", "<https://a.test/u?x=1>,\r\n <mailto:u@a.test>"),
                        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"), ("Feedback-ID", "a:b:c:d"),
                        ("Reply-To", f"reply@{domain}"), ("Cc", "c@there.test"), ("X-Odd", "\t  x \t"),
                        ("References", "<1@a.test>\r\n\t<2@a.test>\r\n <3@a.test>"), ("Sender", f"s@{domain}"),
                        ("X-Empty", ""), ("Comments", _text(r, 12, utf8))]:
        if r.random() < 0.3:
            fields.append((name, value))
    if r.random() < 0.15:  # what is there twice
        name, value = r.choice(fields[1:] or [("Comments", "x")])
        fields.append((name, value if r.random() < 0.5 else value + " again"))
    r.shuffle(fields)
    lines = []
    for name, value in fields:
        name = r.choice([name, name, name, name.lower(), name.upper()])
        colon = r.choice([": ", ": ", ": ", ":", ":\t", ":  "])
        tail = r.choice(["", "", "", " ", "\t "])
        lines.append(f"{name}{colon}{value}{tail}")
    return lines


def _line(r, wide):
    kind = r.randrange(8)
    if kind == 0:
        return ""
    if kind == 1:
        return r.choice([".", "..", ".x", ". ", " .", "-- "])
    if kind == 2:
        return r.choice([" ", "\t", "  \t ", " lead", "trail \t", "a  b\t\tc"])
    if kind == 3 and wide:
        return "w" * r.choice([76, 998, 997, 500])
    if kind == 4:
        return "From the beginning"
    return " ".join(r.choice(WORDS) for _ in range(r.randint(1, 8)))


def _body(r):
    kind = r.randrange(10)
    if kind == 0:
        return ""
    if kind == 1:
        return "\r\n" * r.randint(1, 4)
    if kind == 2:
        return r.choice([" \r\n", "\t\r\n \r\n", " \t \r\n\r\n"])
    lines = [_line(r, wide=True) for _ in range(r.randint(1, 25))]
    text = "\r\n".join(lines)
    return text + r.choice(["\r\n", "\r\n", "\r\n", "\r\n\r\n\r\n", " \r\n", ""])


def _multipart(r):
    parts = "".join(f"--sep\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n{_body(r)}\r\n" for kind in ("plain", "html"))
    return ["MIME-Version: 1.0", 'Content-Type: multipart/alternative;\r\n boundary="sep"'], parts + "--sep--\r\n"


def _letter(r, number, domain):
    utf8 = r.random() < 0.3
    lines = _header(r, number, domain, utf8)
    body = _body(r)
    if r.random() < 0.2:
        more, body = _multipart(r)
        lines += more
    elif r.random() < 0.5:
        lines += ["MIME-Version: 1.0", "Content-Type: text/plain;\r\n\tcharset=utf-8", "Content-Transfer-Encoding: 8bit"]
    head = "".join(line + "\r\n" for line in lines)
    if body == "" and r.random() < 0.5:
        return head.encode()  # a bare header, without the empty line
    raw = (head + "\r\n" + body).encode()
    if r.random() < 0.2:
        raw += bytes(r.choice([0x80, 0xE4, 0xFF, 0x41]) for _ in range(20)) + b"\r\n"
    return raw

"""DKIM against other people's: what we sign, dkimpy, OpenDKIM and mailauth verify; what they sign, we do."""
import base64
import concurrent.futures
import json
import subprocess

import dkim
import pytest

from gonets_rig import dkim_verifiers as verifiers
from gonets_rig.daemon import BINARY, Answer
from gonets_rig.processes import run
from gonets_rig.varied_letters import letters

DOMAIN = "shop.test"
SEED = 20251125
FORMS = ["relaxed/relaxed", "simple/simple", "relaxed/simple", "simple/relaxed"]
ALGORITHMS = {"rsa": "rsa-sha256", "ed": "ed25519-sha256"}


def gonets(*argv, stdin=b""):
    return Answer(run(BINARY, *argv, input=stdin, stdin=None))


def sign(message, keys, selector, form):
    done = run(BINARY, "dkim", "sign", "--domain", DOMAIN, "--selector", selector, "--key", keys[selector],
               "--canonicalization", form, input=message, stdin=None)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    made = {"rsa": folder / "rsa.pem", "ed": folder / "ed.pem"}
    for path, how in [(made["rsa"], ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]), (made["ed"], ["ed25519"])]:
        subprocess.run(["openssl", "genpkey", "-algorithm", *how, "-out", path], check=True, stderr=subprocess.DEVNULL)
    return made


@pytest.fixture(scope="module")
def records(keys):
    found = {}
    for selector, path in keys.items():
        answer = gonets("dkim", "record", "--domain", DOMAIN, "--selector", selector, "--key", path, "--json").json
        found[answer["name"]] = answer["value"]
    return found


@pytest.fixture(scope="module")
def plain():
    return letters(SEED, 100, DOMAIN)


@pytest.fixture(scope="module")
def signed(plain, keys):
    """Each with a signature by each key, in one of the four canonical forms."""
    def both(item):
        number, message = item
        form = FORMS[number % len(FORMS)]
        return sign(sign(message, keys, "rsa", form), keys, "ed", form)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(both, enumerate(plain)))


def test_signing_only_puts_fields_in_front(plain, signed):
    for before, after in zip(plain, signed):
        assert after.endswith(before) and after.startswith(b"DKIM-Signature: v=1; a=ed25519-sha256;")
        assert b" l=" not in after[:-len(before)]


def test_dkimpy_verifies_what_we_sign(signed, records):
    bad = [i for i, message in enumerate(signed) if verifiers.dkimpy_verifies(message, records) != [True, True]]
    assert not bad, (bad, signed[bad[0]])


def test_opendkim_verifies_what_we_sign(signed, records, tmp_path):
    library = verifiers.OpenDkim(tmp_path, records)
    found = [library.verify(message) for message in signed]
    expected = [("ed25519-sha256", True), ("rsa-sha256", True)]
    bad = [(i, results) for i, results in enumerate(found) if results != expected]
    assert not bad, (bad, signed[bad[0][0]])


def test_mailauth_verifies_what_we_sign(signed, records, tmp_path):
    found = verifiers.mailauth_verifies(tmp_path, signed, records)
    bad = [(i, results) for i, results in enumerate(found) if results != ["pass", "pass"]]
    assert not bad, (bad, signed[bad[0][0]])


def test_a_changed_letter_is_found_out_by_all(signed, records, tmp_path):
    """What would be wrong with the tests above if the verifiers said yes to everything."""
    changed = [signed[i] + b"one line more\r\n" for i in range(8)]
    assert not any(any(verifiers.dkimpy_verifies(m, records)) for m in changed)
    library = verifiers.OpenDkim(tmp_path, records)
    assert not any(good for message in changed for _, good in library.verify(message))
    assert not any("pass" in results for results in verifiers.mailauth_verifies(tmp_path, changed, records))
    assert gonets("dkim", "verify", "--dns", _dns(tmp_path, records), stdin=changed[0]).code == 1


def _dns(folder, records):
    path = folder / "records.txt"
    path.write_text("".join(f"{name} {value}\n" for name, value in records.items()))
    return path


def check_ours(folder, records, messages, kinds):
    """`gonets dkim verify` says pass for each, by these algorithms."""
    dns = _dns(folder, records)

    def verdict(message):
        answer = gonets("dkim", "verify", "--dns", dns, "--json", stdin=message)
        return [(v["algorithm"], v["result"], v.get("reason", "")) for v in answer.json]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(verdict, messages))
    bad = [(i, v) for i, v in enumerate(found) if v != [(kind, "pass", "") for kind in kinds]]
    assert not bad, (bad, messages[bad[0][0]])


def test_we_verify_what_we_sign(signed, records, tmp_path):
    check_ours(tmp_path, records, signed[:20], ["ed25519-sha256", "rsa-sha256"])


@pytest.mark.parametrize("selector", ["rsa", "ed"])
def test_we_verify_what_dkimpy_signs(plain, keys, records, tmp_path, selector):
    if selector == "rsa":
        secret = keys["rsa"].read_bytes()
    else:  # dkimpy reads the bare 32 bytes, in base64
        der = subprocess.run(["openssl", "pkey", "-in", keys["ed"], "-outform", "DER"], check=True, capture_output=True)
        secret = base64.b64encode(der.stdout[-32:])
    made = []
    for i, message in enumerate(plain[:40]):
        head, body = (part.encode() for part in FORMS[i % len(FORMS)].split("/"))
        made.append(dkim.sign(message, selector.encode(), DOMAIN.encode(), secret, canonicalize=(head, body),
                              signature_algorithm=ALGORITHMS[selector].encode()) + message)
    check_ours(tmp_path, records, made, [ALGORITHMS[selector]])


def test_we_verify_what_opendkim_signs(plain, keys, records, tmp_path):
    library = verifiers.OpenDkim(tmp_path, records)
    pem = keys["rsa"].read_bytes()
    made = [library.sign(m, DOMAIN, "rsa", pem, FORMS[i % len(FORMS)]) for i, m in enumerate(plain[:40])]
    check_ours(tmp_path, records, made, ["rsa-sha256"])


@pytest.mark.parametrize("selector", ["rsa", "ed"])
def test_we_verify_what_mailauth_signs(plain, keys, records, tmp_path, selector):
    some = plain[:40]
    fields = verifiers.mailauth(tmp_path, sign=[str(p) for p in verifiers.write_all(tmp_path, some)], domain=DOMAIN,
                                selector=selector, key=keys[selector].read_text(), algorithm=ALGORITHMS[selector],
                                canonicalization="relaxed/relaxed")
    made = [field.rstrip("\r\n").encode() + b"\r\n" + message for field, message in zip(fields, some)]
    check_ours(tmp_path, records, made, [ALGORITHMS[selector]])


def test_a_record_in_zone_file_form_is_read(signed, records, tmp_path):
    path = tmp_path / "zone"
    path.write_text("".join(f'{name}. 3600 IN TXT "{value[:255]}" "{value[255:]}"\n' for name, value in records.items()))
    answer = gonets("dkim", "verify", "--dns", path, stdin=signed[0])
    assert answer.code == 0, answer
    assert json.loads(gonets("dkim", "verify", "--dns", path, "--json", stdin=signed[0]).out)[0]["result"] == "pass"

"""gonets doctor, on a server that runs, on one that does not, and on configurations that are wrong."""
import pytest

from gonets_rig.certificates import Certificate


@pytest.fixture
def certificate(tmp_path):
    return Certificate(tmp_path, "mx.gonets.test")


def findings(daemon, code):
    answer = daemon.cli("doctor", "--json")
    assert answer.code == code, answer
    assert answer.json["ok"] == (code == 0)
    return {(f["subject"], f["health"]): f for f in answer.json["findings"]}


def test_a_running_server_is_found_well_but_for_dns_that_does_not_answer(launch, certificate):
    daemon = launch(certificate=[certificate.table], listener=[{}, {"kind": "submissions"}])
    found = findings(daemon, 1)  # the rig's resolver is a port on which nobody listens
    assert {subject for subject, health in found if health == "ok"} >= {"configuration", "server", "listeners",
                                                                         "certificates", "disk"}
    assert [subject for subject, health in found if health == "failed"] == ["dns"]
    assert "mx.gonets.test: 29 days left" in found["certificates", "ok"]["text"] or \
        "mx.gonets.test: 30 days left" in found["certificates", "ok"]["text"]
    assert found["dns", "failed"]["advice"]


def test_it_works_without_a_server_and_tells_what_is_wrong_for_people(launch, certificate):
    daemon = launch(certificate=[certificate.table])
    certificate.renew(1)
    daemon.stop()
    answer = daemon.cli("doctor")
    assert answer.code == 1
    lines = answer.out.splitlines()
    assert any(line.startswith("warning  server") for line in lines), answer
    assert any(line.startswith("warning  certificates") and "0 days left" in line for line in lines), answer
    assert any(line.startswith("ok       listeners") and line.endswith(" is free") for line in lines), answer
    assert any(line.strip() == "-> see why it was not renewed" for line in lines), answer


def test_a_certificate_that_the_server_has_not_read_yet_is_told(launch, certificate):
    daemon = launch(certificate=[certificate.table])
    certificate.renew(60)
    assert "the server still shows the one that ends on" in findings(daemon, 1)["certificates", "warning"]["text"]
    daemon.reload()
    assert ("certificates", "warning") not in findings(daemon, 1)


def test_a_configuration_that_cannot_be_read_is_a_finding(launch):
    daemon = launch()
    daemon.config_path.write_text("[server]\nhostnam = \"x\"\n")
    found = findings(daemon, 1)
    assert list(found) == [("configuration", "failed")]
    assert "did you mean \"hostname\"" in found["configuration", "failed"]["text"]

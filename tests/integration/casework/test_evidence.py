"""Evidence of a certificate, made from a real store and read without one; and everything that may have been changed."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key

from appliance.access.session import node_session
from appliance.casework import attestation, reviewing
from appliance.casework.certificates import UnknownCertificate
from appliance.casework.evidence import ErasedCase, make_evidence
from appliance.certificates.evidence import BadEvidence, Bundle, is_bundle, read_bundle
from appliance.certificates.evidencewords import facts_of, sentences
from appliance.journal import kinds as k
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import EntityId
from appliance.journal.tree import inclusion_proof
from appliance.records.log import Log
from appliance.store.keys import CENTRE_KEY
from appliance.store.store import Draft
from sync.central.authority import Authority
from sync.centre import centre_subject
from tests.integration.store.conftest import AT_S
from tests.support.desk import NUMBER, PDF, Desk
from tests.support.sealing_centre import CODE, NAME, NOW

CHECK = Path(__file__).parents[3] / "docs" / "check_evidence.py"
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def sealed(desk: Desk) -> Desk:
    """A desk whose centre and node are certified, and that has taken orders."""
    authority = Authority.create("Sanad central specimen", NOW)
    private = load_der_private_key(desk.store.secret(CENTRE_KEY), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    layout = desk.store.layout
    node = authority.certify_node(ed25519.Ed25519PrivateKey.generate().public_key(), desk.store.journal, NOW)
    layout.centre_certificate.parent.mkdir(parents=True, exist_ok=True)
    for file, each in (
        (layout.centre_certificate, authority.certify_centre(private.public_key(), centre_subject(CODE, NAME), NOW)),
        (layout.node_certificate, node),
        (layout.authority, authority.certificate),
    ):
        file.write_bytes(each.public_bytes(Encoding.PEM))
    desk.bench.central.open_orders()
    desk.bench.central.order()
    desk.bench.take_orders()
    return desk


@pytest.fixture
def issued(sealed: Desk) -> Desk:
    """It issued a certificate that rests on a paper which was attested in another case."""
    person = sealed.person()
    earlier = sealed.take_in(person).application
    (paper, *_) = papers_of(sealed, earlier)
    sealed.attest(earlier, paper, person, name="Gul Khan")
    application = sealed.take_in(person).application
    sealed.make_ready(application)
    reviewing.approve(sealed.centre, sealed.officer, application)
    sealed.issue(application)
    sealed.bench.person("Nobody Else")
    sealed.bench.countersign()
    return sealed


def papers_of(desk: Desk, application: EntityId) -> list[EntityId]:
    bodies = [each.body for each in entries(desk, k.PaperAdded.KIND, application)]
    return [EntityId(json.loads(each or b"")["paper"]) for each in bodies]


def entries(desk: Desk, kind: str, about: str | None = None) -> list[Any]:
    size = desk.store.head().size
    found = (each for each in desk.store.entries(0, size) if each.header.kind == kind)
    return [each for each in found if about in (None, each.header.about)]


def raise_it(desk: Desk, pdf: bytes) -> None:
    (entry,) = entries(desk, k.ApplicationIssued.KIND)
    body = k.CertificateRaised(
        number=NUMBER,
        level="B-LTA",
        pdf_sha256=hashlib.sha256(pdf).hexdigest(),
        stamped_at="2026-11-22T10:00:00.000Z",
        tsa="Specimen",
    )
    blob = desk.store.put_blob(pdf)
    desk.store.commit(node_session(), lambda _: [Draft(body, EntityId(entry.header.about), (blob,))])


def bundle_of(desk: Desk) -> Bundle:
    return read_bundle(make_evidence(desk.store, NUMBER).content)


def changed(content: bytes, change: Change) -> bytes:
    """The bundle with something else in it, written as it must be."""
    form = json.loads(content)
    change(form)
    return json.dumps(form, ensure_ascii=False, separators=(",", ":")).encode()


def test_a_bundle_tells_who_attested_what_having_seen_which_original(issued: Desk) -> None:
    made = make_evidence(issued.store, f" {NUMBER.lower()} ")
    assert is_bundle(made.content)
    assert (made.number, made.countersigned, made.later, made.raised) == (NUMBER, True, 0, False)
    bundle = read_bundle(made.content)
    (attested,) = bundle.story.attested
    assert (attested.step.by.name, attested.original) == ("Rabia", "the original itself")
    assert (attested.paper_kind, attested.facts) == ("cnic", {"name": "Gul Khan"})
    assert not attested.here
    assert [each.kind for each in bundle.story.steps] == [
        "application.submitted",
        "application.approved",
        "application.issued",
    ]
    assert [each.by.name for each in bundle.story.steps] == ["Omar", "Rabia", "Rabia"]
    assert bundle.pdf == bundle.signed_pdf == PDF
    assert (bundle.story.centre, bundle.number) == ("PEW-01", NUMBER)


def test_it_tells_when_at_the_earliest_and_the_latest(issued: Desk) -> None:
    bundle = bundle_of(issued)
    assert bundle.earliest is not None
    assert bundle.latest is not None
    assert bundle.earliest.isoformat() == "2026-11-22T08:00:00+00:00"
    assert bundle.latest.timestamp() == AT_S
    central = issued.bench.central
    keys = (central.cosigner.verifier, central.orders_signer.verifier)
    assert bundle.vouched(keys)
    assert bundle.earliest_by(keys) == bundle.earliest
    assert bundle.latest_by(keys) == bundle.latest
    assert not bundle.vouched(())
    assert bundle.earliest_by(keys[:1]) is None
    assert bundle.latest_by(keys[1:]) is None


def test_its_words_name_acts_people_and_times(issued: Desk) -> None:
    said = "\n".join(sentences(bundle_of(issued)))
    for words in ("Rabia", "the original itself", "cnic", "2026-11-22 08:00", "countersigned", NUMBER, "PEW-01"):
        assert words in said


def test_the_authority_vouches_for_the_journal_by_the_nodes_certificate(issued: Desk) -> None:
    bundle = bundle_of(issued)
    assert bundle.certified(bundle.certificates[-1:])
    assert not bundle.certified(())
    issued.store.layout.node_certificate.unlink()
    without = bundle_of(issued)
    assert not without.certified(without.certificates[-1:])


def test_nothing_of_other_cases_and_other_people_is_in_it(issued: Desk) -> None:
    content = make_evidence(issued.store, NUMBER).content
    assert b"Nobody Else" not in content
    assert b"Sana" not in content, "who only opened the centre has no part in it"
    assert content.count(b"application.submitted") == 1


def test_what_is_not_countersigned_is_left_out_and_counted(issued: Desk) -> None:
    raise_it(issued, PDF + b" with a timestamp")
    made = make_evidence(issued.store, NUMBER)
    assert (made.raised, made.later, made.countersigned) == (False, 1, True)
    assert read_bundle(made.content).pdf == PDF
    issued.bench.countersign()
    made = make_evidence(issued.store, NUMBER)
    assert (made.raised, made.later) == (True, 0)
    bundle = read_bundle(made.content)
    assert (bundle.pdf, bundle.signed_pdf) == (PDF + b" with a timestamp", PDF)


def test_an_issue_that_is_not_countersigned_rests_on_the_nodes_own_word(sealed: Desk) -> None:
    sealed.issue(sealed.approved())
    made = make_evidence(sealed.store, NUMBER)
    assert not made.countersigned
    bundle = read_bundle(made.content)
    assert bundle.latest is None
    assert bundle.witness.cosigned == ()
    assert "not countersigned" in "\n".join(sentences(bundle))


def test_a_revocation_is_part_of_it(issued: Desk) -> None:
    (entry,) = entries(issued, k.ApplicationIssued.KIND)
    body = k.CertificateRevoked(number=NUMBER, reason_code="fraud", reason="The deed was forged.")
    issued.store.commit(issued.hire("zara"), lambda _: [Draft(body, EntityId(entry.header.about))])
    issued.bench.countersign()
    bundle = bundle_of(issued)
    assert bundle.story.ended == "revoked"
    assert bundle.story.steps[-1].by.name == "Zara"


def test_a_withdrawn_attestation_says_so(issued: Desk) -> None:
    (entry,) = entries(issued, k.AttestationMade.KIND)
    attestation.withdraw_attestation(issued.store, issued.officer, EntityId(entry.header.about), "It was forged.")
    issued.bench.countersign()
    (attested,) = bundle_of(issued).story.attested
    assert attested.withdrawn_at


def test_there_is_no_evidence_of_a_certificate_that_was_never_issued(sealed: Desk) -> None:
    with pytest.raises(UnknownCertificate):
        make_evidence(sealed.store, NUMBER)


def test_any_changed_byte_is_found(issued: Desk) -> None:
    raise_it(issued, PDF + b" with a timestamp")
    issued.bench.countersign()
    content = make_evidence(issued.store, NUMBER).content
    chance = random.Random(7)
    places = sorted({*chance.sample(range(len(content)), 400), 0, len(content) - 1})
    for place in places:
        other = bytes([content[place] ^ (1 << chance.randrange(7))])
        with pytest.raises(IntegrityError):
            read_bundle(content[:place] + other + content[place + 1 :])


def test_any_changed_byte_of_a_certificate_or_a_path_is_found(issued: Desk) -> None:
    content = make_evidence(issued.store, NUMBER).content
    form = json.loads(content)
    chance = random.Random(8)
    for name in ("certificates", "path", "pdf"):
        raw = form["entries"][3]["path"] if name == "path" else form[name]
        for index, text in enumerate([raw] if name == "pdf" else raw):
            whole = base64.b64decode(text)
            for place in chance.sample(range(len(whole)), min(len(whole), 40)):
                spoilt = bytearray(whole)
                spoilt[place] ^= 1 << chance.randrange(8)
                encoded = base64.b64encode(spoilt).decode()

                def change(each: dict[str, Any], name: str = name, at: int = index, new: str = encoded) -> None:
                    if name == "pdf":
                        each["pdf"] = new
                    else:
                        (each["entries"][3]["path"] if name == "path" else each[name])[at] = new

                with pytest.raises(IntegrityError):
                    read_bundle(changed(content, change))


def swap(form: dict[str, Any], *names: str) -> None:
    first, second = form["entries"][1], form["entries"][2]
    for name in names:
        first[name], second[name] = second[name], first[name]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda form: form["entries"].reverse(), "order"),
        (lambda form: swap(form, "header", "salt", "body", "path"), "order"),
        (lambda form: swap(form, "salt", "body"), "body"),
        (lambda form: swap(form, "path"), "proof"),
        (lambda form: form["entries"].pop(0), "beginning"),
        (lambda form: form["entries"].append(form["entries"][-1]), "order"),
        (lambda form: form.update(number="PEW01-000002-X"), "issued"),
        (lambda form: form.update(order=None), "order"),
        (lambda form: form["certificates"].__delitem__(slice(2)), "missing"),
        (lambda form: form["certificates"].reverse(), "authority"),
        (lambda form: form["keys"].pop(), "exactly"),
        (lambda form: form["keys"].reverse(), "exactly"),
        (lambda form: form.update(pdf=""), "length"),
        (lambda form: form.update(signed_bytes=form["signed_bytes"] - 1), "length"),
        (lambda form: form.update(lists="sanad/lists/x\n"), "lists"),
        (lambda form: form["entries"][1].update(body="", salt=""), "missing"),
        (lambda form: form.update(more=1), "changed"),
        (lambda form: form.update(checkpoint=form["checkpoint"].replace("\n\n", "\n\n— x abcdabcd\n")), "exactly"),
    ],
    ids=range(18),
)
def test_what_is_put_together_otherwise_is_refused(issued: Desk, change: Change, words: str) -> None:
    content = make_evidence(issued.store, NUMBER).content
    with pytest.raises(IntegrityError, match=words):
        read_bundle(changed(content, change))


@pytest.mark.parametrize(
    "kind", ["attestation.made", "application.approved", "operator.added", "application.submitted"]
)
def test_what_is_missing_is_found(issued: Desk, kind: str) -> None:
    def leave_out(form: dict[str, Any]) -> None:
        form["entries"] = [each for each in form["entries"] if f'"kind":"{kind}"' not in each["header"]]

    with pytest.raises(BadEvidence, match="missing"):
        read_bundle(changed(make_evidence(issued.store, NUMBER).content, leave_out))


@pytest.mark.parametrize("kind", [k.PersonAdded.KIND, k.ApplicationSubmitted.KIND, k.OperatorAdded.KIND])
def test_an_entry_that_has_no_part_in_it_is_refused(issued: Desk, kind: str) -> None:
    """Proved as well as the others; but nobody's business."""
    content = make_evidence(issued.store, NUMBER).content
    known = {each["header"] for each in json.loads(content)["entries"]}
    others = [each for each in entries(issued, kind) if each.header_bytes.decode() not in known]
    size = issued.store.head().size
    assert others
    for entry in others:
        with issued.store.read() as tx:
            path = inclusion_proof(entry.header.seq, size, Log(tx, issued.store.journal).read_node)
        added = _form_of(entry, path)

        def add(form: dict[str, Any], new: dict[str, Any] = added) -> None:
            form["entries"].append(new)
            form["entries"].sort(key=lambda each: int(json.loads(each["header"])["seq"]))

        with pytest.raises(BadEvidence, match="no part"):
            read_bundle(changed(content, add))


def test_what_was_erased_is_missing_for_a_reason(issued: Desk) -> None:
    (entry,) = entries(issued, k.AttestationMade.KIND)
    body = k.SubjectErased(reason="asked for")
    issued.store.commit(issued.supervisor, lambda _: [Draft(body, EntityId(entry.header.about))])
    with pytest.raises(ErasedCase):
        make_evidence(issued.store, NUMBER)
    issued.bench.countersign()
    content = make_evidence(issued.store, NUMBER).content
    (attested,) = read_bundle(content).story.attested
    assert (attested.step.by.name, attested.original, attested.facts) == ("Rabia", "", {})
    assert "erased" in "\n".join(sentences(read_bundle(content)))

    def leave_out(form: dict[str, Any]) -> None:
        form["entries"] = [each for each in form["entries"] if "subject.erased" not in each["header"]]

    with pytest.raises(BadEvidence, match="missing"):
        read_bundle(changed(content, leave_out))


def _form_of(entry: Any, path: tuple[bytes, ...]) -> dict[str, Any]:
    return {
        "header": entry.header_bytes.decode(),
        "salt": base64.b64encode(entry.salt).decode(),
        "body": entry.body.decode(),
        "path": [base64.b64encode(each).decode() for each in path],
    }


def test_a_proof_from_another_tree_is_refused(issued: Desk) -> None:
    content = make_evidence(issued.store, NUMBER).content
    issued.bench.person("Somebody")
    issued.bench.countersign()
    larger = json.loads(make_evidence(issued.store, NUMBER).content)
    with pytest.raises(IntegrityError, match="proof"):
        read_bundle(changed(content, lambda form: form["entries"][2].update(path=larger["entries"][2]["path"])))
    with pytest.raises(IntegrityError):
        read_bundle(changed(content, lambda form: form.update(checkpoint=larger["checkpoint"])))


def test_an_order_that_the_node_had_not_taken_yet_proves_nothing(issued: Desk) -> None:
    """A later order would make the certificate seem younger than it is."""
    content = make_evidence(issued.store, NUMBER).content
    issued.bench.central.order()
    issued.bench.take_orders()
    later = json.loads(make_evidence(issued.store, NUMBER).content)["order"]
    assert later["header"] == json.loads(content)["order"]["header"], "the order before the issue is the same still"
    forged = dict(json.loads(content)["order"])
    forged["header"] = forged["header"].replace("08:00:00", "08:30:00")
    with pytest.raises(IntegrityError):
        read_bundle(changed(content, lambda form: form.update(order=forged)))


def test_a_script_that_knows_only_hashes_agrees(issued: Desk, tmp_path: Path) -> None:
    content = make_evidence(issued.store, NUMBER).content
    file = tmp_path / "evidence"
    for data, status in ((content, 0), (content.replace(b"the original itself", b"the original ITSELF"), 1)):
        file.write_bytes(data)
        done = subprocess.run([sys.executable, str(CHECK), str(file)], capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
    assert facts_of(read_bundle(content))["number"] == NUMBER

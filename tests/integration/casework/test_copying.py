"""An attested copy is bound to one scan, beside which an officer held the original."""

from __future__ import annotations

import hashlib
import io
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from appliance.casework import attestation, papers, reviewing
from appliance.casework.attestation import Seen
from appliance.casework.caseview import case
from appliance.casework.certificates import certificate_file, certificate_numbered
from appliance.casework.copying import Copied, NotCompared, copied, scan_of
from appliance.casework.intake import PaperRefused
from appliance.casework.issuing import issue, prepare
from appliance.casework.papers import NewPaper
from appliance.catalogue import Catalogue
from appliance.certificates.record import MAX_SCAN_PAGES, Document
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import EntityId
from tests.support import papers as some_papers
from tests.support.consoles import scanned_page
from tests.support.desk import CATALOGUE, SERVICE, Desk, centre_of


@pytest.fixture
def copying(sealed: Desk) -> Desk:
    """A desk whose service attests copies of rent deeds."""
    service = CATALOGUE.service(SERVICE)
    assert service.certificate is not None
    made = replace(service, certificate=replace(service.certificate, copies=("rent",)))
    sealed.centre = centre_of(sealed.store, Catalogue({**CATALOGUE.services, SERVICE: made}))
    sealed.scan = scanned_page()
    return sealed


def deed(desk: Desk, application: EntityId) -> EntityId:
    return next(each.id for each in reversed(case(desk.store, application).papers) if each.rule == "rent")


def compare(desk: Desk, application: EntityId) -> EntityId:
    person = EntityId(desk.row(application, "applicant"))
    seen = Seen(deed(desk, application), person, "the deed itself, with its stamp")
    return attestation.attest(desk.centre, desk.officer, application, seen)


def approved(desk: Desk) -> EntityId:
    application = desk.take_in().application
    desk.make_ready(application)
    compare(desk, application)
    reviewing.approve(desk.centre, desk.officer, application)
    return application


def test_nothing_is_approved_before_the_original_was_held_beside_this_very_scan(copying: Desk) -> None:
    desk = copying
    application = desk.take_in().application
    desk.make_ready(application)
    with pytest.raises(NotCompared, match="Rent deed: nobody has said"):
        reviewing.approve(desk.centre, desk.officer, application)
    compare(desk, application)
    desk.paper(application, "rent", "rent_deed", scanned_page() + b"\0")
    with pytest.raises(NotCompared):
        reviewing.approve(desk.centre, desk.officer, application)
    compare(desk, application)
    reviewing.approve(desk.centre, desk.officer, application)


def test_the_record_names_the_hash_of_the_scan_its_kind_and_its_pages(copying: Desk) -> None:
    made = prepare(copying.centre, copying.officer, approved(copying))
    sha256 = hashlib.sha256(scanned_page()).hexdigest()
    assert made.record.document == Document(kind="rent_deed", sha256=sha256, pages=1, media_type="image/png")
    assert made.ground.scan is not None
    (page,) = made.ground.scan.pages
    with Image.open(io.BytesIO(page)) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (620, 877)


def test_the_signed_file_carries_the_scan_to_the_byte_and_shows_its_page(copying: Desk, tmp_path: Path) -> None:
    made = issue(copying.centre, copying.officer, approved(copying))
    file = tmp_path / "copy.pdf"
    file.write_bytes(certificate_file(copying.store, certificate_numbered(copying.store, made.number)))
    subprocess.run(["pdfdetach", "-saveall", "-o", tmp_path, file], check=True)
    sha256 = hashlib.sha256(scanned_page()).hexdigest()
    assert sha256 in {hashlib.sha256(each.read_bytes()).hexdigest() for each in tmp_path.iterdir() if each.is_file()}
    assert "Pages:           2" in subprocess.run(["pdfinfo", file], capture_output=True, text=True, check=True).stdout


def test_an_attestation_that_is_withdrawn_after_the_approval_issues_nothing(copying: Desk) -> None:
    desk = copying
    application = approved(desk)
    shown = prepare(desk.centre, desk.officer, application)
    (made,) = case(desk.store, application).made_here
    attestation.withdraw_attestation(desk.store, desk.officer, made.id, "a forgery")
    with pytest.raises(NotCompared):
        issue(desk.centre, desk.officer, application, prepared=shown)
    with pytest.raises(NotCompared):
        issue(desk.centre, desk.officer, application)


def test_another_file_than_was_attested_is_not_drawn(copying: Desk) -> None:
    desk = copying
    application = approved(desk)
    view = case(desk.store, application)
    with desk.store.read() as tx:
        found = copied(tx, desk.store.journal, desk.centre.catalogue.service(SERVICE), view.case)
    assert isinstance(found, Copied)
    other = replace(found, blob=desk.store.put_blob(b"another"))
    with pytest.raises(IntegrityError):
        scan_of(desk.store, other)


def test_a_scan_of_which_no_copy_can_be_made_is_refused_at_the_counter(copying: Desk) -> None:
    desk = copying
    form = desk.form()
    desk.begin(form)
    tiff = io.BytesIO()
    Image.open(io.BytesIO(scanned_page())).save(tiff, "TIFF")
    for content, sentence in (
        (tiff.getvalue(), "none that can be"),
        (some_papers.pages((b"0 0 m 100 100 l S",) * (MAX_SCAN_PAGES + 1)), "at most 40 pages"),
    ):
        with pytest.raises(PaperRefused, match=sentence):
            papers.add_paper(desk.centre, desk.operator, form.id, NewPaper(content, rule="rent"))
    papers.add_paper(desk.centre, desk.operator, form.id, NewPaper(tiff.getvalue(), rule="cnic"))

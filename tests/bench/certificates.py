"""Figures of certificates: one, beside pyHanko signing the same page; how many a minute; raising one."""

from __future__ import annotations

import hashlib
import io
import itertools
import multiprocessing
import os
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

from appliance.access import operators
from appliance.access.session import Role, Session, node_session
from appliance.certificates.qr import make_code
from appliance.certificates.raising import prepare
from appliance.certificates.record import CertificateRecord, encode_record, record_hash
from appliance.certificates.render import render_certificate
from appliance.journal import kinds as k
from appliance.journal.ids import BlobDigest
from appliance.store.commit import Draft
from appliance.store.layout import Layout
from appliance.store.store import Store
from tests.bench.figures import Figure, medians_ms, timed_ms
from tests.bench.search import Names
from tests.support.certificates import domicile, photograph, signature
from tests.support.nodes import PASSWORD, Node, halt, real_clock
from tests.support.sealing_centre import NOW, Centre, new_centre
from tests.support.timestamps import new_tsa

ROUNDS: Final = 60
PROCESSES: Final = 2
PER_PROCESS: Final = 100
PICTURES: Final = 16
"""More than typst remembers pages."""
_TURN: Final = itertools.count()
STARTS_WITHIN_S: Final = 120


@dataclass
class Desk:
    """What makes certificates: a store, somebody who may, a centre's key, and one specimen."""

    store: Store
    session: Session
    centre: Centre
    photos: Sequence[bytes]
    pictures: Sequence[bytes]
    people: Iterator[CertificateRecord]

    def render(self) -> bytes:
        """A page about somebody else than the last ones, because typst remembers what was set; its code is signed."""
        return self._set(next(self.people))

    def render_again(self) -> bytes:
        """A page for the same person, with another number and code."""
        return self._set(domicile())

    def _set(self, record: CertificateRecord) -> bytes:
        at = next(_TURN) % len(self.photos)
        photo = self.photos[at]
        record = msgspec.structs.replace(
            record,
            number=f"PEW01-{time.monotonic_ns()}",
            salt=os.urandom(16).hex(),
            holder=msgspec.structs.replace(record.holder, photo_sha256=hashlib.sha256(photo).hexdigest()),
        )
        code = make_code(record, record_hash(encode_record(record)), self.centre.signer, at=NOW)
        return render_certificate(record, photo=photo, signature_png=self.pictures[at], qr_text=code)

    def issue(self, pdf: bytes) -> None:
        """Sign a page, seal it, and commit."""
        signed = self.centre.sign(pdf)
        blob = self.store.put_blob(signed)
        body = k.ApplicationIssued(
            number=f"PEW01-{time.monotonic_ns()}",
            record_sha256="ab" * 32,
            pdf_sha256=hashlib.sha256(signed).hexdigest(),
            issued_on="2026-11-22",
        )
        self._commit(self.session, body, blob)

    def keep_raised(self, pdf: bytes) -> None:
        """Seal a raised file, and commit."""
        blob = self.store.put_blob(pdf)
        digest = hashlib.sha256(pdf).hexdigest()
        at = "2026-11-22T12:30:00.000Z"
        body = k.CertificateRaised(number="PEW01-1", level="B-LTA", pdf_sha256=digest, stamped_at=at, tsa="Central")
        self._commit(node_session(), body, blob)

    def _commit(self, session: Session, body: k.Body, blob: BlobDigest) -> None:
        about = self.store.new_id()
        self.store.commit(session, lambda _: [Draft(body, about, (blob,))])


def _desk(store: Store, session: Session) -> Desk:
    photos = [photograph(f"#7a{8 * at:02x}a6") for at in range(PICTURES)]
    pictures = [signature(stride=13 + at / PICTURES) for at in range(PICTURES)]
    return Desk(store, session, new_centre(), photos, pictures, _people())


def _people() -> Iterator[CertificateRecord]:
    """People of one tehsil: whatever differs from person to person does."""
    names, drawn, record = Names(), random.Random(7), domicile()
    while True:
        person, house, street = names.person(), f"{drawn.randint(1, 400)}/{drawn.randint(1, 9)}", drawn.randint(1, 40)
        holder = msgspec.structs.replace(
            record.holder,
            name=person.name,
            name_native=person.name_native,
            born=person.born,
            identity_number_shown=person.identity_number,
        )
        told = {
            "Father's name": (person.father_name, person.father_name_native),
            "Permanent address": (
                f"House {house}, Street {street}, Gulbahar No. 2, Peshawar",
                f"مکان نمبر {house}، گلی نمبر {street}، گل بہار نمبر 2، پشاور",
            ),
            "Date of arrival": (person.born, ""),
        }
        facts = [
            msgspec.structs.replace(fact, value=value, value_native=native)
            for fact in record.facts
            for value, native in (told.get(fact.label["en"], (fact.value, fact.value_native)),)
        ]
        tracking = f"PEW01-26-{drawn.randint(0, 999_999):06d}-K"
        yield msgspec.structs.replace(record, tracking=tracking, holder=holder, facts=tuple(facts))


def _stock(centre: Centre, pdf: bytes) -> bytes:
    """pyHanko as its own documents say to use it, for the same profile."""
    chain = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    chain.register(asn1_x509.Certificate.load(centre.authority_der))
    signer = signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(centre.certificate),
        signing_key=asn1_keys.PrivateKeyInfo.load(centre.key),
        cert_registry=chain,
    )
    how = signers.PdfSignatureMetadata(
        field_name="Seal",
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        reason="Issued",
        location="Peshawar",
    )
    signed: bytes = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), how, signer).getvalue()
    return signed


def one_certificate(node: Node) -> list[Figure]:
    """The whole of one certificate, and what comes after rendering, beside stock pyHanko that signs the same page."""
    desk = _desk(node.store, node.session("rabia", Role.OFFICER))
    pdf = desk.render()
    desk.issue(pdf)
    sealed, whole, again, stock = medians_ms(
        ROUNDS,
        lambda: desk.issue(pdf),
        lambda: desk.issue(desk.render()),
        lambda: desk.issue(desk.render_again()),
        lambda: _stock(desk.centre, pdf),
    )
    peer = "stock pyHanko, signing alone"
    conditions = (
        f"a page in English and Urdu with photograph, signature and code, {len(pdf) / 1000:.0f} KB; "
        f"medians of {ROUNDS}, in turns; the store holds {node.store.head().size:,} entries"
    )
    return [
        Figure(
            *("certificate: sign, seal and commit the rendered page", sealed, "ms", peer, stock, stock / sealed),
            *("≥ 3 ×", stock / sealed >= 3, conditions),
        ),
        Figure(
            *("certificate: render, sign, seal and commit", whole, "ms", peer, stock, stock / whole),
            *("≥ 1.2 ×", stock / whole >= 1.2),
            f"{conditions}; each for somebody else: names, dates, address, pictures; the code is made and signed, too",
        ),
        Figure(
            *("the same for a person whose page was set just before, with another number", again, "ms", peer, stock),
            *(stock / again, None, None),
            f"{conditions}; the code is made and signed, too",
        ),
    ]


def a_minute(node: Node) -> list[Figure]:
    """Two processes that make certificates as fast as they can, into one store."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(PROCESSES + 1)
    before = node.store.head().size
    args = (str(node.store.layout.home), node.key, ready)
    processes = [context.Process(target=_issue_some, args=args) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    ready.wait(STARTS_WITHIN_S)
    start = time.perf_counter()
    for process in processes:
        process.join()
    elapsed = time.perf_counter() - start
    made = PROCESSES * PER_PROCESS
    if any(process.exitcode for process in processes) or node.store.head().size - before < made:
        raise RuntimeError("a certificate was lost")
    return [
        Figure(
            *("certificates a minute", made / elapsed * 60, "/min", None, None, None, None, None),
            f"{PROCESSES} processes, {PER_PROCESS} each: rendered, signed, sealed and committed, all durable",
        )
    ]


def _issue_some(home: str, key: bytes, ready: object) -> None:
    store = Store(Layout(Path(home)), key, clock=real_clock, random=os.urandom, halt=halt)
    session = operators.sign_in(store, login="rabia", password=PASSWORD, role=Role.OFFICER, counter="1")
    desk = _desk(store, session)
    desk.render()
    ready.wait(STARTS_WITHIN_S)  # type: ignore[attr-defined]
    for _ in range(PER_PROCESS):
        desk.issue(desk.render())


def raising(node: Node) -> list[Figure]:
    """One certificate raised to B-LTA: what it costs the node, and what central."""
    desk = _desk(node.store, node.session("rabia", Role.OFFICER))
    tsa = new_tsa(desk.centre.authority)
    service, material = tsa.service, tsa.material()
    sealed = desk.centre.sign(desk.render())
    certificates = [*material.certificates, *material.believed.authorities]
    centrals: list[float] = []

    def raise_one() -> None:
        file = prepare(sealed, certificates=certificates, crls=material.believed.crls, room=material.room)
        request = tsa.request(file.digest)
        answer: list[bytes] = []
        centrals.append(timed_ms(lambda: answer.append(service.answer(request.der))))
        desk.keep_raised(file.finish(tsa.judge(answer[0], request, material.believed).token))

    raise_one()
    (whole,) = medians_ms(ROUNDS, raise_one)
    central = statistics.median(centrals)
    return [
        Figure(
            *("raise a certificate to B-LTA: update, timestamp checked, seal, commit", whole - central, "ms"),
            *(None, None, None, None, None),
            f"at the node, without the way to central; {len(sealed) / 1000:.0f} KB; medians of {ROUNDS}",
        ),
        Figure(
            *("one timestamp, at central", central, "ms", None, None, None, None, None),
            f"without its request over HTTPS; medians of {ROUNDS}",
        ),
    ]

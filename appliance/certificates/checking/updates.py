"""What was added to a sealed file, object by object: validation data, and the fields of timestamps, and nothing else.

pyHanko judges updates, too, but by what a viewer may permit; it was seen to pass a replaced XMP. Here, no object that
was there when the file was sealed may be another now, but the catalog, the form and its list of fields, and the page
that must list a timestamp's field; and of those, only the entries that must name what is new.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from appliance.certificates.checking.faults import Broken

REPLACED: Final = "Something in the file was replaced after it was sealed."
MAX_KEPT: Final = 32
"""Certificates."""
_CATALOG_MAY: Final = frozenset({"/AcroForm", "/DSS", "/Extensions"})
_PAGE_MAY: Final = frozenset({"/Annots"})
_FORM_MAY: Final = frozenset({"/Fields", "/SigFlags"})


def check(reader: PdfFileReader, signed: int) -> None:
    """Check that nothing which was there in one revision is another in the last.

    Args:
        reader: of the whole file.
        signed: the revision that was sealed.

    Raises:
        Broken: something is.
    """
    before, now = reader.get_historical_root(signed), reader.root
    lists = {reader.root_ref, *_lists(before), *_lists(now)}
    for revision in range(signed + 1, reader.xrefs.total_revisions):
        touched = reader.xrefs.explicit_refs_in_revision(revision) | reader.xrefs.refs_freed_in_revision(revision)
        for reference in touched - lists:
            was_there = reader.xrefs.get_historical_ref(reference, signed) is not None
            if was_there and not _only_page_lists_more(reader, signed, reference):
                raise Broken(REPLACED)
    if _said(before, _CATALOG_MAY) != _said(now, _CATALOG_MAY):
        raise Broken(REPLACED)
    if _said(_form(before), _FORM_MAY) != _said(_form(now), _FORM_MAY):
        raise Broken(REPLACED)


def kept_certificates(reader: PdfFileReader) -> frozenset[bytes]:
    """The certificates in a file's document security store (ETSI EN 319 142-1, section 5.4.2), DER.

    Raises:
        Broken: there are too many.
    """
    kept = reader.root["/DSS"]["/Certs"] if "/DSS" in reader.root else ()
    if len(kept) > MAX_KEPT:
        raise Broken(REPLACED)
    # By index, because a loop would yield the names of objects, not the objects.
    return frozenset(bytes(kept[index].data) for index in range(len(kept)))


def _form(root: generic.DictionaryObject) -> generic.DictionaryObject:
    form = root["/AcroForm"]
    if not isinstance(form, generic.DictionaryObject):
        raise Broken(REPLACED)
    return form


def _lists(root: generic.DictionaryObject) -> Iterator[generic.Reference]:
    """The objects besides the catalog that must name a new signature's field."""
    for holder, name in ((root, "/AcroForm"), (_form(root), "/Fields")):
        named = holder.raw_get(name)
        if isinstance(named, generic.IndirectObject):
            yield named.reference


def _only_page_lists_more(reader: PdfFileReader, signed: int, reference: generic.Reference) -> bool:
    """Whether an object is a page that is as it was, but lists fields that show nothing after what it listed."""
    before = reader.get_historical_resolver(signed)(reference)
    now: object = reader.get_object(reference)  # type: ignore[no-untyped-call]
    if not isinstance(before, generic.DictionaryObject) or not isinstance(now, generic.DictionaryObject):
        return False
    if isinstance(before, generic.StreamObject) or before.get("/Type") != "/Page" or now.get("/Type") != "/Page":
        return False
    if _said(before, _PAGE_MAY) != _said(now, _PAGE_MAY):
        return False
    listed, lists = _listed(before), _listed(now)
    return lists[: len(listed)] == listed and all(_shows_nothing(each) for each in list(now["/Annots"])[len(listed) :])


def _listed(page: generic.DictionaryObject) -> list[bytes]:
    """The annotations of a page, as it names them."""
    named = page.get("/Annots", generic.ArrayObject())
    if not isinstance(named, generic.ArrayObject):
        raise Broken(REPLACED)
    return [_written(each) for each in list.__iter__(named)]


def _shows_nothing(field: generic.PdfObject) -> bool:
    if isinstance(field, generic.IndirectObject):
        field = field.get_object()  # type: ignore[no-untyped-call]
    if not isinstance(field, generic.DictionaryObject) or field.get("/FT") != "/Sig" or "/AP" in field:
        return False
    return all(float(each) == 0 for each in field.get("/Rect", (1,)))


def _said(values: generic.DictionaryObject, but: frozenset[str]) -> dict[str, bytes]:
    """What a dictionary says, but for some entries."""
    return {str(name): _written(values.raw_get(name)) for name in values if name not in but}


def _written(value: generic.PdfObject) -> bytes:
    out = io.BytesIO()
    value.write_to_stream(out)
    return out.getvalue()

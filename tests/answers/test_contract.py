"""The documents are what scripts outside know: contract.json was written by the code before there were models."""

import importlib
import json
import pkgutil
from dataclasses import replace
from pathlib import Path

import pytest
from library_values import (
    ANSWER,
    BROKEN,
    CHECK,
    EMPTY,
    ENCODERS,
    FACETS,
    MACHINE,
    NOTHING,
    PHOTO,
    PLAIN,
    PROFILED,
    REPORT,
    RETRIED,
    STATUS,
)
from polyglance import answers
from polyglance.answers import checking, doctor, encoders, facets, indexing, photos, searching, status
from polyglance.answers.base import Document
from polyglance.errors import FolderError
from polyglance.library.doctor.advice import checks
from polyglance.progress import Tick
from polyglance.ui.api.responses import respond
from polyglance.ui.web.jobs import Job

RECORDED = json.loads(Path(__file__).with_name("contract.json").read_text(encoding="utf-8"))

NEW_MACHINE = replace(MACHINE, library=replace(MACHINE.library, state="none", encoder=None))
FAILED = FolderError("No.", "Do.")
MADE = {
    "answer": searching.Answer.from_search(ANSWER),
    "empty answer": searching.Answer.from_search(EMPTY),
    "marked answer": searching.MarkedAnswer.with_favourites(ANSWER, {8}),
    "photo": photos.Photo.from_record(PHOTO, favourite=True),
    "plain photo": photos.Photo.from_record(PLAIN, favourite=False),
    "copies": photos.PhotoGroup.from_copies([PHOTO, PLAIN]),
    "status": status.Status.from_library(STATUS),
    "status of nothing": status.Status.from_library(NOTHING),
    "status with failures": status.StatusWithFailures.from_library(STATUS),
    "roots": status.Roots.from_library(STATUS),
    "failure": status.Failure.from_record(BROKEN),
    "failure to retry": status.Failure.from_record(RETRIED),
    "index run": indexing.IndexRun.from_report(REPORT),
    "profiled index run": indexing.ProfiledIndexRun.from_report(PROFILED),
    "index report": indexing.IndexReport.from_report(REPORT),
    "job": Job(3, "/p", "failed", "failed", Tick(5, 9, 5, 1), 1.23456, 1.7e9, 1.7e9 + 61.7, REPORT, FAILED).document(),
    "new job": Job(1, None, started=1.7e9).document(),
    "facets": facets.Facets.from_catalog(FACETS),
    "check": checking.Check.from_report(CHECK),
    "encoders": encoders.Encoders.from_registry(ENCODERS),
    "library encoders": encoders.LibraryEncoders.from_registry(ENCODERS, "lite"),
    "doctor": doctor.Doctor.from_examination(NEW_MACHINE, checks(NEW_MACHINE)),
}


@pytest.mark.parametrize("name", MADE)
def test_a_document_has_the_keys_order_and_values_that_were_recorded(name):
    def text(document):
        return json.dumps(document, ensure_ascii=False, indent=2)

    assert text(MADE[name].model_dump()) == text(RECORDED[name])
    assert text(json.loads(respond(MADE[name]).body)) == text(RECORDED[name])


def test_every_recorded_document_is_made():
    assert set(MADE) == set(RECORDED)


def models():
    for module in pkgutil.iter_modules(answers.__path__):
        for name, kind in vars(importlib.import_module(f"polyglance.answers.{module.name}")).items():
            if isinstance(kind, type) and issubclass(kind, Document) and not name.startswith("_"):
                yield kind


def test_every_document_says_what_it_is_and_no_two_share_a_name():
    kinds = set(models()) - {Document}
    assert len({kind.__name__ for kind in kinds}) == len(kinds) > 40
    for kind in kinds:
        assert kind.__doc__ and kind.__doc__ != Document.__doc__
        assert kind.model_json_schema()["additionalProperties"] is False


def test_bytes_that_are_no_utf8_are_printed_as_they_came(tmp_path):
    document = indexing.Excluded(excluded=["a\udcff"])
    assert document.model_dump() == {"excluded": ["a\udcff"]}

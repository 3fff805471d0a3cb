"""The JSON documents of command line, HTTP API and Python: one pydantic model each, one file a subject.

A model has the fields in the order in which they are printed, a description of each, and a class method that makes it
from what the library returns. Values are rounded here and nowhere else. The OpenAPI document is made from the same
models; what requests carry is described in `ui/api/parameters.py`.

    from polyglance import Library
    from polyglance.answers.searching import Answer

    with Library.open() as library:
        print(Answer.from_search(library.search("snowy mountains")).model_dump_json())
"""

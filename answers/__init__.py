"""The JSON documents of command line, HTTP API and Python: a pydantic model for each, a file for each subject.

A model has the fields in the order in which they are printed, a description of each, and a class method that makes the
model from what the library returns. Values are rounded only here. The OpenAPI document is made from the same models;
`ui/api/parameters.py` describes parameters and bodies of requests.

    from polyglance import Library
    from polyglance.answers.searching import Answer

    with Library.open() as library:
        print(Answer.from_search(library.search("snowy mountains")).model_dump_json())
"""

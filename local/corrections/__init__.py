"""Corrections of MiniStack: where it differs from AWS in what this system relies on.

One module per AWS service. Each has a function `apply()`, which is called once before the server starts, and names for
every correction the page of docs.aws.amazon.com that it follows.

Two of them are there for speed: http_server, and stepfunctions_jsonata.
"""

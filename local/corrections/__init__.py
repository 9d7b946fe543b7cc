"""Corrections of MiniStack: the differences from AWS on which this system relies.

One module per AWS service. Each has a function `apply()`, which is called once before the server starts, and
documents for every correction the page of docs.aws.amazon.com that it follows.

Two corrections improve the speed: http_server and stepfunctions_jsonata.
"""

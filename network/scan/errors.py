"""Errors of scans beyond a wrong specification."""


class ScanError(Exception):
    """A scan cannot be run or read; the message says what can be done."""


INSTALL = "pip install 'bgnest[scan]', in a checkout pip install -c constraints.txt -e '.[scan]'"
"""How to get what scans need beyond the rest."""

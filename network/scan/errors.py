"""Errors of scans beyond a wrong specification."""


class ScanError(Exception):
    """A scan cannot be run or read; the message says what can be done."""

"""Results on disk: run folders, SONATA files, provenance; needs no simulator and no plotting library."""

from ..errors import RunBusyError, RunCorruptError, RunError, RunExistsError, RunIncompleteError, RunMissingError
from .folder import Run, RunFolder
from .merge import merge_reports, merge_spikes
from .record import collect_record, git_state, peak_memory_bytes
from .sonata import (
    Report,
    ReportWriter,
    Spikes,
    SpikeWriter,
    frames_from_events,
    read_report,
    read_spikes,
    spike_populations,
)

__all__ = [
    "Report",
    "ReportWriter",
    "Run",
    "RunBusyError",
    "RunCorruptError",
    "RunError",
    "RunExistsError",
    "RunFolder",
    "RunIncompleteError",
    "RunMissingError",
    "SpikeWriter",
    "Spikes",
    "collect_record",
    "frames_from_events",
    "git_state",
    "merge_reports",
    "merge_spikes",
    "peak_memory_bytes",
    "read_report",
    "read_spikes",
    "spike_populations",
]

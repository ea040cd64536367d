"""Results on disk: run folders, SONATA files, provenance; needs no simulator and no plotting library."""

from network.results.errors import (
    ResultsError,
    RunBusyError,
    RunCorruptError,
    RunExistsError,
    RunIncompleteError,
    RunMissingError,
)
from network.results.merge import merge_reports, merge_spikes
from network.results.record import collect_record, git_state, peak_memory_bytes
from network.results.run_folder import Run, RunFolder
from network.results.sonata import (
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
    "ResultsError",
    "Run",
    "RunBusyError",
    "RunCorruptError",
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

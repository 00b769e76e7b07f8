//! Snapshots of reports.

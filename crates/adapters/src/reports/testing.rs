//! Projects with reports in them, for tests. Judges nothing.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;
use towpath_core::check::{CheckAnswer, CheckResult};
use towpath_core::units::{Span, Timestamp};

use crate::question::testing::{Evidence, NOW, check, request, site};

/// A project that holds these files, all of them written an hour ago.
pub(crate) fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        written(&path, NOW.minus(Span::hours(1)));
    }
    folder
}

/// Makes it look as if `path` had been written at that time.
pub(crate) fn written(path: &Path, at: Timestamp) {
    let at = u64::try_from(at.0).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_micros(at)).unwrap();
}

/// What the check `name` answers in `folder`.
pub(crate) fn ask_in(folder: &Path, name: &str, settings: &Value) -> CheckAnswer {
    ask_within(folder, name, settings, Span::seconds(60))
}

/// As [`ask_in`], when the answer may take no longer than `timeout`.
pub(crate) fn ask_within(
    folder: &Path,
    name: &str,
    settings: &Value,
    timeout: Span,
) -> CheckAnswer {
    ask_of(Evidence::default(), folder, name, settings, timeout)
}

/// What the check `name` answers about these files, where the journal knows `evidence`.
pub(crate) fn ask_with(
    evidence: Evidence,
    name: &str,
    settings: &Value,
    files: &[(&str, &[u8])],
) -> CheckAnswer {
    ask_of(evidence, project(files).path(), name, settings, Span::seconds(60))
}

fn ask_of(
    evidence: Evidence,
    folder: &Path,
    name: &str,
    settings: &Value,
    timeout: Span,
) -> CheckAnswer {
    let check = check(name, settings, &site(folder, 1));
    let mut request = request(&[], evidence);
    request.timeout = timeout;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(check.ask(&request))
}

/// What the check `name` answers about these files.
pub(crate) fn ask(name: &str, settings: &Value, files: &[(&str, &[u8])]) -> CheckAnswer {
    ask_in(project(files).path(), name, settings)
}

/// The answer is this one: its result and its whole sentence.
#[track_caller]
pub(crate) fn says(answer: &CheckAnswer, result: CheckResult, sentence: &str) {
    assert_eq!((answer.sentence.as_str(), answer.result), (sentence, result));
}

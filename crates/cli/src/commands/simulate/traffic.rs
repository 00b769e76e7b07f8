//! The traffic that a rollout meets: described on the command line, or read from a file. Owns the
//! reading and its limits; the forms of files are `towpath-simulate`'s.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::sync::Arc;

use towpath_simulate::recording::{AccessLog, Form, Recording, Unusable, counts_from_csv};
use towpath_simulate::{Arrivals, Latency};

use crate::args::{Answers, SimulateArguments};
use crate::commands::matrix;
use crate::exit_code::{CliError, ExitCode};
use crate::report::simulation::{AnswersView, BrokenLine, TrafficView};

/// Longest line of a log that is looked at, in bytes: eight times what servers take as the first line
/// of a request.
const LONGEST_LINE: u64 = 64 * 1024;
/// Most lines of a log: a month at eighteen a second, or a day at 578.
const MOST_LINES: u64 = 50_000_000;
/// Largest file of counts, in bytes: a row for every second of a month.
const LARGEST_COUNTS: u64 = 128 * 1024 * 1024;
/// What is taken where nothing is said (analysis of the guard: the middle of its tables).
const USUAL_RATE: f64 = 100.0;
const USUAL_ERRORS: f64 = 0.005;

/// Traffic, and how the answer tells of it.
pub(super) struct Described {
    pub(super) arrivals: Arrivals,
    pub(super) latency: Latency,
    pub(super) view: TrafficView,
}

/// The traffic that was asked for. `needs_time` says that a fault is about how long answers take.
///
/// # Errors
/// `log-unreadable` and `counts-unreadable`: exit 5 where there is no such file, else 2.
pub(super) fn described(
    arguments: &SimulateArguments,
    needs_time: bool,
) -> Result<Described, CliError> {
    let answers = arguments.latency.or(needs_time.then_some(Answers::USUAL));
    let latency = match answers {
        None => Latency::AtOnce,
        Some(answers) => {
            Latency::LogNormal { median_us: answers.p50_s * 1e6, sigma: answers.sigma() }
        }
    };
    let mut view = TrafficView {
        answers: answers.map(|it| AnswersView { p50_seconds: it.p50_s, p99_seconds: it.p99_s }),
        ..TrafficView::default()
    };
    let arrivals = if let Some(file) = &arguments.log {
        Arrivals::Recorded(Arc::new(log(file, &mut view)?))
    } else if let Some(file) = &arguments.counts {
        Arrivals::Recorded(Arc::new(counts(file, &mut view)?))
    } else {
        Arrivals::Described {
            requests_per_s: arguments.rate.unwrap_or(USUAL_RATE),
            error_rate: arguments.errors.unwrap_or(USUAL_ERRORS),
        }
    };
    view.requests_per_second = arrivals.requests_per_s();
    view.error_rate = arrivals.error_rate();
    if let Arrivals::Recorded(recording) = &arrivals {
        view.recorded_seconds = Some(recording.seconds());
        view.recorded_requests = Some(recording.requests());
    }
    Ok(Described { arrivals, latency, view })
}

fn log(file: &Path, view: &mut TrafficView) -> Result<Recording, CliError> {
    let refused = |why: Unusable| unusable("log", file, &why);
    let mut log = AccessLog::default();
    let mut reader = BufReader::new(opened("log", file)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        let limited = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        let length = limited.map_err(|error| unreadable("log", file, &error))?;
        if length == 0 {
            break;
        }
        if log.lines() >= MOST_LINES {
            let what = format!("it has more than {MOST_LINES} lines");
            return Err(refused(Unusable { what, line: None }));
        }
        if line.ends_with(b"\n") || length < usize::try_from(LONGEST_LINE).unwrap_or(usize::MAX) {
            log.take(&line).map_err(refused)?;
        } else {
            log.pass_over();
            reader.skip_until(b'\n').map_err(|error| unreadable("log", file, &error))?;
        }
    }
    view.source = match log.form() {
        Form::Combined => "access-log",
        Form::Json => "json-log",
    };
    view.file = Some(matrix::name(file));
    view.broken_lines = Some(log.broken());
    let first = log.first_broken().iter();
    view.first_broken =
        first.map(|(line, why)| BrokenLine { line: *line, why: why.clone() }).collect();
    log.finish().map_err(refused)
}

fn counts(file: &Path, view: &mut TrafficView) -> Result<Recording, CliError> {
    view.source = "counts";
    view.file = Some(matrix::name(file));
    let mut text = Vec::new();
    let read = opened("counts", file)?.take(LARGEST_COUNTS + 1).read_to_end(&mut text);
    let length = read.map_err(|error| unreadable("counts", file, &error))?;
    let refused = |why: Unusable| unusable("counts", file, &why);
    if u64::try_from(length).is_ok_and(|length| length > LARGEST_COUNTS) {
        let what = format!("it has more than {} MiB", LARGEST_COUNTS / 1024 / 1024);
        return Err(refused(Unusable { what, line: None }));
    }
    counts_from_csv(&text).map_err(refused)
}

fn opened(what: &str, file: &Path) -> Result<File, CliError> {
    File::open(file).map_err(|error| unreadable(what, file, &error))
}

fn unreadable(what: &str, file: &Path, error: &std::io::Error) -> CliError {
    let exit = match error.kind() {
        std::io::ErrorKind::NotFound => ExitCode::NotFound,
        _ => ExitCode::Usage,
    };
    let message = format!("{} could not be read", matrix::name(file));
    CliError::new(exit, &format!("{what}-unreadable"), message)
        .because(error.to_string())
        .next("towpath simulate --help", "what traffic may be given as")
}

fn unusable(what: &str, file: &Path, why: &Unusable) -> CliError {
    let message = format!("{} holds no traffic that can be played", matrix::name(file));
    let error = CliError::new(ExitCode::Usage, &format!("{what}-unusable"), message)
        .because(why.what.clone());
    let error = match why.line {
        Some(line) => error.at(format!("{}:{line}", matrix::name(file))),
        None => error,
    };
    let (option, form) = match what {
        "log" => ("--counts counts.csv", "counts instead, with the columns time, requests, failed"),
        _ => ("--log access.log", "an access log instead: common, combined or JSON lines"),
    };
    error
        .next(format!("towpath simulate {option}"), form)
        .next("towpath simulate --rate 100/s --errors 0.5%", "traffic in two figures")
}

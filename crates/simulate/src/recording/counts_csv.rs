//! Counts as a monitoring system exports them: CSV with a line of names, a time, requests and
//! failures. Owns the columns; guesses nothing that is not there.

use csv::StringRecord;
use jiff::Timestamp;

use super::{LONGEST_S, Recording, Unusable};
use crate::arrivals::Counted;

/// Columns that must be there, by name; others are passed over.
const COLUMNS: [&str; 3] = ["time", "requests", "failed"];
/// Most requests in one interval: more than any single route serves in an hour, and sums of a whole
/// file stay exact.
const MOST_REQUESTS: u64 = 1_000_000_000_000;
/// Shortest interval, in seconds: what is finer is no traffic but single requests.
const SHORTEST_S: f64 = 1.0;
/// Most rows: a row per second over the longest time that is taken.
const MOST_ROWS: usize = LONGEST_S as usize;

/// Reads counts per interval. Times are RFC 3339 or seconds since 1970, in rising order and equally
/// far apart; the distance of the first two is the length of every interval.
///
/// # Errors
/// The first line that is wrong, with its number, or what is missing in the whole.
pub fn read(text: &[u8]) -> Result<Recording, Unusable> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    let columns = columns(&header)?;
    let mut rows: Vec<(f64, Counted)> = Vec::new();
    for record in reader.into_records() {
        let record = record.map_err(|error| broken(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let row = row(&record, columns).map_err(|what| Unusable::at(line, what))?;
        check_order(&rows, &row).map_err(|what| Unusable::at(line, what))?;
        if rows.len() >= MOST_ROWS {
            return Err(Unusable::at(line, format!("there are more than {MOST_ROWS} rows")));
        }
        rows.push(row);
    }
    let [first, second, ..] = rows.as_slice() else {
        return Err(Unusable::new(
            "it has fewer than two rows, so that nobody knows how long an interval is",
        ));
    };
    let interval_s = second.0 - first.0;
    if interval_s < SHORTEST_S {
        let what =
            format!("its first two rows are {interval_s} seconds apart; at least 1 is taken");
        return Err(Unusable::at(3, what));
    }
    Recording::new(interval_s, rows.iter().map(|(_, counted)| *counted).collect())
}

fn columns(header: &StringRecord) -> Result<[usize; 3], Unusable> {
    let place = |name: &str| header.iter().position(|it| it.eq_ignore_ascii_case(name));
    let places = COLUMNS.map(place);
    if let [Some(time), Some(requests), Some(failed)] = places {
        return Ok([time, requests, failed]);
    }
    let missing: Vec<&str> = COLUMNS
        .into_iter()
        .zip(places)
        .filter_map(|(name, place)| place.is_none().then_some(name))
        .collect();
    let what = format!(
        "the first line must name the columns {}; it does not name {}",
        COLUMNS.join(", "),
        missing.join(", ")
    );
    Err(Unusable::at(1, what))
}

fn row(record: &StringRecord, places: [usize; 3]) -> Result<(f64, Counted), String> {
    let [time, requests, failed] = places.map(|place| record.get(place).unwrap_or_default());
    let at_s = moment(time).ok_or_else(|| {
        format!("`{}` is no time such as 2026-11-20T14:00:00Z or 1763647200", shown(time))
    })?;
    let requests = count("requests", requests)?;
    let failed = count("failed", failed)?;
    if failed > requests {
        return Err(format!("{failed} of {requests} requests cannot have failed"));
    }
    Ok((at_s, Counted { answered: requests - failed, failed }))
}

fn check_order(rows: &[(f64, Counted)], row: &(f64, Counted)) -> Result<(), String> {
    let Some((last_s, _)) = rows.last() else { return Ok(()) };
    let apart_s = row.0 - last_s;
    if apart_s <= 0.0 {
        return Err("its time is not after that of the line before".to_owned());
    }
    if row.0 - rows[0].0 > f64::from(LONGEST_S) {
        return Err("it is more than 31 days after the first one".to_owned());
    }
    let Some(second) = rows.get(1) else { return Ok(()) };
    let interval_s = second.0 - rows[0].0;
    // A hundredth: exports round their times.
    if (apart_s - interval_s).abs() > interval_s / 100.0 {
        return Err(format!(
            "it is {apart_s} seconds after the line before, and the first two are {interval_s} apart"
        ));
    }
    Ok(())
}

/// Seconds since 1970.
fn moment(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse::<f64>() {
        // Up to the year 9999, in seconds.
        return (0.0..=253_402_300_800.0).contains(&seconds).then_some(seconds);
    }
    let at: Timestamp = text.parse().ok()?;
    Some(at.as_duration().as_secs_f64())
}

fn count(column: &str, text: &str) -> Result<u64, String> {
    let number = text.parse::<u64>().ok().filter(|number| *number <= MOST_REQUESTS);
    number.ok_or_else(|| {
        format!("`{}` is no count of {column} from 0 to {MOST_REQUESTS}", shown(text))
    })
}

/// A value as a message shows it.
fn shown(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}

fn broken(error: &csv::Error) -> Unusable {
    let line = error.position().map(csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} columns, and the first line {expected_len}")
        }
        _ => "it is not CSV".to_owned(),
    };
    Unusable { what, line }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "time,requests,failed,route\n2026-11-20T14:00:00Z,6000,30,/\n\
                        2026-11-20T14:01:00Z, 6100 ,28,/\n";

    #[test]
    fn counts_are_read_with_their_interval() {
        let recording = read(GOOD.as_bytes()).expect("it is right");
        assert_eq!((recording.requests(), recording.failed()), (12_100, 58));
        assert!((recording.interval_s() - 60.0).abs() < 1e-9);
        let epoch = read(b"failed,time,requests\n0,1763647200,5\n1,1763647260.0,5\n");
        assert_eq!(epoch.map(|it| (it.requests(), it.failed())), Ok((10, 1)));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let table = [
            (
                "",
                "the first line must name the columns time, requests, failed; it does not name time, requests, failed",
                Some(1),
            ),
            (
                "time,failed\n1,2\n",
                "the first line must name the columns time, requests, failed; it does not name requests",
                Some(1),
            ),
            (
                "time,requests,failed\n",
                "it has fewer than two rows, so that nobody knows how long an interval is",
                None,
            ),
            (
                "time,requests,failed\n60,1,0\n120,many,0\n",
                "`many` is no count of requests from 0 to 1000000000000",
                Some(3),
            ),
            (
                "time,requests,failed\n60,1,-1\n",
                "`-1` is no count of failed from 0 to 1000000000000",
                Some(2),
            ),
            ("time,requests,failed\n60,1,2\n", "2 of 1 requests cannot have failed", Some(2)),
            (
                "time,requests,failed\nsoon,1,0\n",
                "`soon` is no time such as 2026-11-20T14:00:00Z or 1763647200",
                Some(2),
            ),
            (
                "time,requests,failed\n60,1,0\n60,1,0\n",
                "its time is not after that of the line before",
                Some(3),
            ),
            (
                "time,requests,failed\n60,1,0\n120,1,0\n300,1,0\n",
                "it is 180 seconds after the line before, and the first two are 60 apart",
                Some(4),
            ),
            (
                "time,requests,failed\n60,1,0\n99999999999,1,0\n",
                "it is more than 31 days after the first one",
                Some(3),
            ),
            (
                "time,requests,failed\n60,1,0\n60.5,1,0\n",
                "its first two rows are 0.5 seconds apart; at least 1 is taken",
                Some(3),
            ),
            (
                "time,requests,failed\n60,1,0\n61,200001,0\n",
                "there are more than 200000 requests a second in it",
                None,
            ),
            ("time,requests,failed\n60,1\n", "it has 2 columns, and the first line 3", Some(2)),
            ("time,requests,failed\n60,0,0\n120,0,0\n", "there is no request in it", None),
        ];
        for (text, what, line) in table {
            let wrong = read(text.as_bytes()).expect_err(text);
            assert_eq!((wrong.what.as_str(), wrong.line), (what, line), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
            let _ = read(&[b"time,requests,failed\n", bytes.as_slice()].concat());
        }

        #[test]
        fn no_figures_make_it_panic(rows in prop::collection::vec(("[0-9.e:TZ+-]{0,24}", "[0-9-]{0,16}", "[0-9-]{0,16}"), 0..8)) {
            let lines = rows.iter().map(|(time, requests, failed)| format!("{time},{requests},{failed}\n"));
            let text: String = std::iter::once("time,requests,failed\n".to_owned()).chain(lines).collect();
            let _ = read(text.as_bytes());
        }
    }
}

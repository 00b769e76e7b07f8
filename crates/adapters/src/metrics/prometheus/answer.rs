//! Reads the answer to an instant query. Owns what of it is a figure and what is blindness; asks nobody.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use towpath_core::units::Timestamp;
use towpath_ports::metrics::{Blind, Measured};

use crate::printable::escaped;

/// Series that are named where there are too many; a person sees from three what tells them apart.
const SERIES_NAMED: usize = 3;
/// How much of what a server says is passed on, in bytes: a sentence of an error.
const SAID_MOST: usize = 300;

/// The one finite number in the body of an answer with this status. What is [`Blind::Unavailable`] goes
/// on after the name of who answered.
pub(super) fn read(status: u16, body: &[u8]) -> Result<Measured, Blind> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| match status {
        // What stands before the server and asks for the token seldom speaks its language.
        401 | 403 => Blind::Refused(format!("it answered {status}")),
        _ => {
            Blind::Unavailable(format!("answered {status} with nothing that Prometheus would say"))
        }
    })?;
    match answer.status.as_str() {
        "success" if (200..300).contains(&status) => {}
        "error" => return Err(refusal(status, &answer)),
        _ => return Err(Blind::Unavailable(format!("answered {status} and said no success"))),
    }
    // A warning says that something is missing, such as the answer of one of several stores.
    if let Some(warning) = answer.warnings.first() {
        return Err(Blind::Unavailable(format!("warns: {}", said(warning))));
    }
    let data = answer.data.ok_or_else(|| Blind::Empty("the answer holds nothing".to_owned()))?;
    match data.kind.as_str() {
        "scalar" => sample(&data.result),
        "vector" => only(&data.result),
        other => Err(Blind::Refused(format!(
            "the query stands for a {}, and a number or an instant vector is needed",
            said(other)
        ))),
    }
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    data: Option<Data>,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: Value,
}

/// A query that is wrong is wrong again; a server that is too busy may have time later (the statuses are
/// those of the API's documentation: 400 and 422 speak of the query, 503 of time).
fn refusal(status: u16, answer: &Answer) -> Blind {
    let why = said(&answer.error);
    match status {
        400 | 401 | 403 | 422 => Blind::Refused(format!("{why} ({status})")),
        _ => Blind::Unavailable(format!("answered {status}: {why}")),
    }
}

fn only(result: &Value) -> Result<Measured, Blind> {
    let series = result.as_array().map(Vec::as_slice).unwrap_or_default();
    match series {
        [] => Err(Blind::Empty("no series fits the query".to_owned())),
        [one] => match one.get("value") {
            Some(value) => sample(value),
            None => Err(Blind::NotANumber("a histogram".to_owned())),
        },
        several => {
            let named: Vec<_> = several.iter().take(SERIES_NAMED).map(labels).collect();
            let more = if several.len() > SERIES_NAMED { ", ..." } else { "" };
            Err(Blind::Ambiguous {
                count: several.len(),
                labels: format!("{}{more}", said(&named.join(", "))),
            })
        }
    }
}

fn sample(value: &Value) -> Result<Measured, Blind> {
    let odd = || Blind::NotANumber(said(&value.to_string()));
    let (seconds, text) = match value.as_array().map(Vec::as_slice) {
        Some([seconds, text]) => (seconds.as_f64(), text.as_str()),
        _ => return Err(odd()),
    };
    let (Some(seconds), Some(text)) = (seconds, text) else { return Err(odd()) };
    let number: f64 = text.parse().map_err(|_| odd())?;
    if !number.is_finite() {
        return Err(Blind::NotANumber(said(text)));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a cast of floats stops at the bounds")]
    let at = Timestamp((seconds * 1e6).round() as i64);
    Ok(Measured { value: number, at })
}

/// The labels of a series as PromQL writes them.
fn labels(series: &Value) -> String {
    let metric: BTreeMap<String, String> = series
        .get("metric")
        .and_then(|metric| BTreeMap::deserialize(metric).ok())
        .unwrap_or_default();
    let name = metric.get("__name__").cloned().unwrap_or_default();
    let rest = metric.iter().filter(|(label, _)| *label != "__name__");
    let rest: Vec<_> = rest.map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    format!("{name}{{{}}}", rest.join(","))
}

fn said(text: &str) -> String {
    let mut end = text.len().min(SAID_MOST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = if end < text.len() { "..." } else { "" };
    format!("{}{cut}", escaped(&text.as_bytes()[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(body: &str) -> Result<f64, Blind> {
        read(200, body.as_bytes()).map(|measured| measured.value)
    }

    fn success(kind: &str, result: &str) -> String {
        format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#)
    }

    #[test]
    fn one_finite_sample_is_a_figure_and_nothing_else_is() {
        let one = success("vector", r#"[{"metric":{},"value":[1700000000.25,"1204"]}]"#);
        let measured = read(200, one.as_bytes()).unwrap();
        assert_eq!(measured, Measured { value: 1204.0, at: Timestamp(1_700_000_000_250_000) });
        assert_eq!(value(&success("scalar", r#"[1700000000,"-0.5"]"#)), Ok(-0.5));
        for (number, shown) in
            [("NaN", "NaN"), ("+Inf", "+Inf"), ("-Inf", "-Inf"), ("1e999", "1e999")]
        {
            let result = format!(r#"[{{"metric":{{}},"value":[1,"{number}"]}}]"#);
            let blind = value(&success("vector", &result)).unwrap_err();
            assert_eq!(blind, Blind::NotANumber(shown.to_owned()));
        }
        assert!(matches!(value(&success("vector", "[]")), Err(Blind::Empty(_))));
        assert!(matches!(value(r#"{"status":"success"}"#), Err(Blind::Empty(_))));
        let histogram = r#"[{"metric":{},"histogram":[1,{"count":"5"}]}]"#;
        assert!(matches!(value(&success("vector", histogram)), Err(Blind::NotANumber(_))));
        for odd in ["[1]", "5", "null", r#"["1","2"]"#, "[1,2]", r#"[1,"two"]"#] {
            assert!(matches!(value(&success("scalar", odd)), Err(Blind::NotANumber(_))), "{odd}");
        }
        for kind in ["matrix", "string"] {
            assert!(matches!(value(&success(kind, "[]")), Err(Blind::Refused(_))));
        }
    }

    #[test]
    fn several_series_are_named_by_their_labels() {
        let series =
            r#"{"metric":{"__name__":"depth","zone":"b","queue":"x\u001b"},"value":[1,"1"]}"#;
        let five = [series; 5].join(",");
        let blind = value(&success("vector", &format!("[{five}]"))).unwrap_err().to_string();
        let one = "depth{queue=\"x\\u{1b}\",zone=\"b\"}";
        let wanted = format!("it answers 5 figures where one is needed: {one}, {one}, {one}, ...");
        assert_eq!(blind, wanted);
    }

    #[test]
    fn what_the_server_says_against_it_is_passed_on() {
        let error = br#"{"status":"error","errorType":"bad_data","error":"parse error\nhere"}"#;
        let refused = read(400, error).unwrap_err();
        assert_eq!(refused, Blind::Refused("parse error\\nhere (400)".to_owned()));
        assert!(matches!(read(503, error), Err(Blind::Unavailable(_))));
        assert!(matches!(read(200, error), Err(Blind::Unavailable(_))));
        let good = success("scalar", r#"[1,"1"]"#);
        assert!(matches!(read(500, good.as_bytes()), Err(Blind::Unavailable(_))));
        let partial = good.replace("\"status\"", "\"warnings\":[\"a store is away\"],\"status\"");
        let blind = value(&partial).unwrap_err();
        assert_eq!(blind, Blind::Unavailable("warns: a store is away".to_owned()));
        let long = format!(r#"{{"status":"error","error":"{}"}}"#, "ü".repeat(1000));
        assert!(read(400, long.as_bytes()).unwrap_err().to_string().len() < 400);
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_figure_by_chance(status in 0_u16..1000, body in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read(status, &body).is_err());
        }
    }
}

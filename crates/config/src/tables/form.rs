//! How one value of the matrix is written in a table for people. Owns words and units; knows no
//! table.

use serde_json::{Map, Value};
use towpath_core::units::Span;

/// How a cell is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it stands in the matrix.
    Plain,
    /// A fixed word, as a word of a sentence: `aws-secrets-manager` is `AWS Secrets Manager`.
    Word,
    /// `Yes` and `No`.
    YesNo,
    /// A duration: `7 days`, `1 hour`, `30 min`, `30s`.
    Time,
    /// A sum without its time, because the title says it: `$420`.
    Money,
    /// Several words, one after the other.
    Sum,
    /// A door: how far it opens, for whom, and what guards it.
    Door,
    /// What a promise says: `99.9%` for `>= 99.9%`, and `< 500ms` as it is.
    Promise,
}

/// What stands for nothing, as in the tables that people write.
pub(crate) const NOTHING: &str = "N/A";

/// The cell for `value`; `N/A` where the matrix says nothing.
pub(crate) fn cell(value: Option<&Value>, form: Form) -> String {
    let Some(value) = value.filter(|it| !it.is_null()) else { return NOTHING.to_owned() };
    match (value, form) {
        (Value::Bool(flag), Form::YesNo) => (if *flag { "Yes" } else { "No" }).to_owned(),
        (Value::Array(items), _) if items.is_empty() => NOTHING.to_owned(),
        (Value::Object(door), Form::Door) => door_cell(door),
        (Value::Array(items), _) => {
            let between = if form == Form::Sum { " + " } else { ", " };
            let one = if form == Form::Sum { Form::Word } else { form };
            items.iter().map(|item| cell(Some(item), one)).collect::<Vec<_>>().join(between)
        }
        (Value::String(text), form) => text_cell(text, form),
        (Value::Object(map), _) => {
            let pairs = map.iter().map(|(key, count)| format!("{} {key}", cell(Some(count), form)));
            pairs.collect::<Vec<_>>().join(" + ")
        }
        (value, _) => value.to_string(),
    }
}

/// `read-only for on-call, with approval, logged to syslog`.
fn door_cell(door: &Map<String, Value>) -> String {
    let said = |key: &str| door.get(key).map(|it| cell(Some(it), Form::Plain));
    let on = |key: &str| door.get(key) == Some(&Value::Bool(true));
    let mut parts = Vec::new();
    match (said("level"), said("by")) {
        (Some(level), Some(by)) => parts.push(format!("{level} for {by}")),
        (level, by) => parts.extend(level.or(by)),
    }
    parts.extend(said("via").map(|via| format!("via {via}")));
    parts.extend(on("approval").then(|| "with approval".to_owned()));
    if on("logged") {
        let place = said("log_to").map(|place| format!(" to {place}")).unwrap_or_default();
        let what = said("log_fields").map(|what| format!(" with {what}")).unwrap_or_default();
        parts.push(format!("logged{place}{what}"));
    }
    parts.join(", ")
}

fn text_cell(text: &str, form: Form) -> String {
    match form {
        Form::Word if text == "none" => "None".to_owned(),
        Form::YesNo if text == "none" => "No".to_owned(),
        Form::Word | Form::Sum | Form::YesNo => words(text),
        Form::Time => text.parse().map_or_else(|_| words(text), time),
        Form::Money => text.split('/').next().unwrap_or(text).to_owned(),
        Form::Promise => text.strip_prefix(">=").unwrap_or(text).trim().to_owned(),
        Form::Plain | Form::Door => text.to_owned(),
    }
}

/// As people say it: `7 days`, `1 hour`, `30 min`, `30s`.
pub(crate) fn time(span: Span) -> String {
    let seconds = span.milliseconds() / 1000;
    let whole = |size: u64| seconds >= size && seconds.is_multiple_of(size);
    let many = |size: u64, one: &str, more: &str| {
        let count = seconds / size;
        format!("{count} {}", if count == 1 { one } else { more })
    };
    if seconds == 0 {
        "None".to_owned()
    } else if whole(86_400) && seconds > 86_400 {
        many(86_400, "day", "days")
    } else if whole(3600) {
        many(3600, "hour", "hours")
    } else if whole(60) && seconds < 3600 {
        many(60, "min", "min")
    } else {
        span.to_string()
    }
}

/// `multi-zone` as `Multi Zone`, and names that are written in capitals so.
fn words(text: &str) -> String {
    /// Abbreviations.
    const CAPITALS: [&str; 8] = ["aws", "iam", "mfa", "s3", "sqs", "api", "gcp", "vpc"];
    /// Names that are written in a way of their own.
    const NAMES: [(&str, &str); 4] = [
        ("localstack", "LocalStack"),
        ("pagerduty", "PagerDuty"),
        ("dynamodb", "DynamoDB"),
        ("github", "GitHub"),
    ];
    let word = |word: &str| {
        if let Some((_, name)) = NAMES.iter().find(|(plain, _)| *plain == word) {
            return (*name).to_owned();
        }
        if CAPITALS.contains(&word) {
            return word.to_uppercase();
        }
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    };
    let spread = !text.chars().any(|it| it.is_ascii_digit() || it == '/' || it == '.');
    if spread { text.split('-').map(word).collect::<Vec<_>>().join(" ") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_written_as_people_write_them() {
        let written = |value: Value, form| cell(Some(&value), form);
        assert_eq!(written(json!("aws-secrets-manager"), Form::Word), "AWS Secrets Manager");
        assert_eq!(written(json!("us-east-1"), Form::Word), "us-east-1");
        assert_eq!(written(json!(["iam", "mfa", "audit"]), Form::Sum), "IAM + MFA + Audit");
        assert_eq!(written(json!(true), Form::YesNo), "Yes");
        assert_eq!(written(json!(true), Form::Plain), "true");
        for (text, shown) in [
            ("7d", "7 days"),
            ("1h", "1 hour"),
            ("30m", "30 min"),
            ("30s", "30s"),
            ("24h", "24 hours"),
        ] {
            assert_eq!(written(json!(text), Form::Time), shown);
        }
        assert_eq!(written(json!("manual"), Form::Time), "Manual");
        assert_eq!(written(json!("$420/month"), Form::Money), "$420");
        assert_eq!(
            written(json!({ "developer": 2, "business": 1 }), Form::Plain),
            "2 developer + 1 business"
        );
        let door = json!({
            "level": "emergency", "by": ["on-call"], "via": "bastion host", "approval": true,
            "logged": true, "log_to": "syslog", "log_fields": ["user", "ip"],
        });
        assert_eq!(
            written(door, Form::Door),
            "emergency for on-call, via bastion host, with approval, logged to syslog with user, ip"
        );
        assert_eq!(written(json!([]), Form::Word), "N/A");
        assert_eq!(written(json!(">= 99.9%"), Form::Promise), "99.9%");
        assert_eq!(
            (cell(None, Form::Word), written(json!(null), Form::Word)),
            ("N/A".into(), "N/A".into())
        );
    }
}

//! What is looked for in the journal, from an address and back into one, and how it is found: newest first, in pieces of
//! bounded size. Shows nothing.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::units::Timestamp;
use towpath_engine::Engine;
use towpath_ports::store::EventRow;

use crate::api::events::hide;
use crate::error::{Answer, ApiError};

/// How many events one page lists.
const LISTED: u32 = 25;
/// How many are looked through for one answer: what is older is one link away.
const LOOKED_THROUGH: u32 = 5_000;

/// What is looked for; all of it is in the address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wanted {
    /// Words that all stand in an event.
    pub(super) q: String,
    /// The name of the event, or the beginning of it.
    pub(super) kind: String,
    /// Part of the name of who caused it.
    pub(super) who: String,
    /// Where.
    pub(super) environment: String,
    /// Of which promotion.
    pub(super) promotion: String,
    /// A day in UTC, or a moment.
    pub(super) since: String,
    /// Likewise; a day counts whole.
    pub(super) until: String,
    /// Only those before this event.
    before: Option<u64>,
    pub(super) verify: Option<String>,
    /// Of an export.
    pub(super) format: String,
}

/// The same, understood.
pub(super) struct Sought {
    words: Vec<String>,
    kind: String,
    who: String,
    environment: String,
    promotion: Option<u64>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// A page of what was found.
pub(super) struct Found {
    /// Newest first.
    pub(super) rows: Vec<EventRow>,
    /// The event before which there is more to look through; none: that was all.
    pub(super) oldest: Option<u64>,
}

impl Wanted {
    /// Whether anything is looked for at all.
    pub(super) fn asks(&self) -> bool {
        self.fields().iter().any(|(_, value)| !value.is_empty())
    }

    fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("q", &self.q),
            ("kind", &self.kind),
            ("who", &self.who),
            ("environment", &self.environment),
            ("promotion", &self.promotion),
            ("since", &self.since),
            ("until", &self.until),
        ]
    }

    /// The query of an address of the same, from `before` on.
    pub(super) fn query(&self, before: Option<u64>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.fields().into_iter().filter(|(_, value)| !value.is_empty()));
        if let Some(before) = before {
            query.append_pair("before", &before.to_string());
        }
        query.finish()
    }

    /// What is meant.
    pub(super) fn sought(&self) -> Answer<Sought> {
        let promotion = self.promotion.trim();
        let number = promotion.parse().ok();
        if !promotion.is_empty() && number.is_none() {
            return Err(wrong("promotion", "it is not the number of a promotion"));
        }
        Ok(Sought {
            words: self.q.to_lowercase().split_whitespace().map(str::to_owned).collect(),
            kind: self.kind.trim().to_lowercase(),
            who: self.who.trim().to_lowercase(),
            environment: self.environment.trim().to_owned(),
            promotion: number,
            since: moment(&self.since, false).map_err(|()| {
                wrong("since", "it is neither a day such as 2027-01-31 nor a moment in RFC 3339")
            })?,
            until: moment(&self.until, true).map_err(|()| {
                wrong("until", "it is neither a day such as 2027-01-31 nor a moment in RFC 3339")
            })?,
        })
    }
}

fn wrong(name: &str, cause: &str) -> ApiError {
    let message = "nothing was looked for";
    Refusal::new(RefusalKind::Usage, "bad-query", message, cause.to_owned())
        .at(format!("query: {name}"))
        .next("towpath history", "what happened, in the terminal")
        .into()
}

/// A moment, or the first or last one of a day; none of an empty text.
pub(in crate::pages) fn moment(text: &str, at_its_end: bool) -> Result<Option<Timestamp>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Some(Timestamp(at.as_microsecond())));
    }
    // A date and nothing behind it: a time without its zone could mean several moments.
    if text.contains([' ', 'T', 't']) {
        return Err(());
    }
    let day: Date = text.parse().map_err(|_| ())?;
    let day = if at_its_end { day.tomorrow().map_err(|_| ())? } else { day };
    let begins = day.to_zoned(TimeZone::UTC).map_err(|_| ())?.timestamp().as_microsecond();
    Ok(Some(Timestamp(if at_its_end { begins - 1 } else { begins })))
}

impl Sought {
    /// Whether events of the same time can differ in being looked for.
    fn chooses(&self) -> bool {
        let texts = [&self.kind, &self.who, &self.environment];
        !self.words.is_empty() || self.promotion.is_some() || texts.iter().any(|it| !it.is_empty())
    }

    /// Whether an event is what is looked for.
    pub(super) fn is(&self, row: &EventRow) -> bool {
        self.promotion.is_none_or(|number| row.promotion.is_some_and(|own| own.0 == number))
            && row.kind.starts_with(&self.kind)
            && (self.who.is_empty() || row.actor.to_lowercase().contains(&self.who))
            && self.is_there(row)
            && self.since.is_none_or(|since| row.at >= since)
            && self.until.is_none_or(|until| row.at <= until)
            && self.says(row)
    }

    /// Whether it happened in the environment that is looked for, or is about it, as a freeze is.
    fn is_there(&self, row: &EventRow) -> bool {
        let here = |name: &str| name == self.environment;
        self.environment.is_empty()
            || row.lane.as_ref().is_some_and(|lane| here(lane.environment.as_str()))
            || row.body["scope"]["environment"].as_str().is_some_and(here)
    }

    /// Whether all words stand in what readers are shown of it.
    fn says(&self, row: &EventRow) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let lane = row.lane.as_ref().map(ToString::to_string).unwrap_or_default();
        let number = row.promotion.map(|number| number.to_string()).unwrap_or_default();
        let mut body = row.body.clone();
        hide(&mut body);
        let text = format!("{} {} {lane} promotion {number} {body}", row.kind, row.actor);
        let text = text.to_lowercase();
        self.words.iter().all(|word| text.contains(word.as_str()))
    }

    /// The events that can be it by their time alone: after the first number, before the second.
    pub(super) async fn bounds(&self, engine: &Engine) -> Answer<(u64, u64)> {
        let last = engine.last_event().await?;
        let after = match self.since {
            Some(since) => first_from(engine, last, since).await?.saturating_sub(1),
            None => 0,
        };
        let before = match self.until {
            Some(until) => first_from(engine, last, Timestamp(until.0.saturating_add(1))).await?,
            None => last + 1,
        };
        Ok((after, before))
    }
}

/// The first event that was written at `moment` or later; one after the last where there is none. Times do not go back
/// along the chain, so that halving finds it.
async fn first_from(engine: &Engine, last: u64, moment: Timestamp) -> Answer<u64> {
    let (mut low, mut high) = (1, last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let is_before = match engine.events(middle - 1, 1).await?.first() {
            Some(row) => row.at < moment,
            None => false,
        };
        if is_before {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The newest of what is looked for, before where the address goes on.
pub(super) async fn found(engine: &Engine, wanted: &Wanted) -> Answer<Found> {
    let sought = wanted.sought()?;
    let (after, end) = sought.bounds(engine).await?;
    let before = wanted.before.unwrap_or(u64::MAX).min(end);
    // Where nothing is looked for, each is one.
    let most = if sought.chooses() { LOOKED_THROUGH } else { LISTED + 1 };
    let looked = engine.latest_events(Some(before), most).await?;
    // Thousands of bodies are searched for words: not on a thread that answers others.
    let searched = tokio::task::spawn_blocking(move || {
        let looked: Vec<EventRow> = looked.into_iter().filter(|row| row.seq > after).collect();
        let last = looked.last().map(|row| row.seq);
        let rows: Vec<EventRow> = looked.into_iter().filter(|row| sought.is(row)).collect();
        (rows, last)
    });
    let (mut rows, last) = searched.await.map_err(|_| ApiError::broken())?;
    let is_more = rows.len() > LISTED as usize;
    rows.truncate(LISTED as usize);
    let oldest = if is_more { rows.last().map(|row| row.seq) } else { last };
    Ok(Found { rows, oldest: oldest.filter(|seq| *seq > after + 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_whole_and_a_moment_is_itself() {
        let of = |text, end| moment(text, end).map(|at| at.map(|at| at.0));
        assert_eq!(of("2027-01-15", false), Ok(Some(1_799_971_200_000_000)));
        assert_eq!(of("2027-01-15", true), Ok(Some(1_800_057_599_999_999)));
        assert_eq!(of(" 2027-01-15T08:00:00Z ", true), Ok(Some(1_800_000_000_000_000)));
        assert_eq!(of("", true), Ok(None));
        for wrong in ["yesterday", "2027-13-01", "2027-01-15 08:00", "<script>"] {
            assert_eq!(of(wrong, false), Err(()), "{wrong}");
        }
    }

    #[test]
    fn an_address_says_again_what_was_looked_for() {
        let wanted =
            Wanted { q: "a&b=c d".to_owned(), environment: "prod".to_owned(), ..Wanted::default() };
        assert_eq!(wanted.query(Some(7)), "q=a%26b%3Dc+d&environment=prod&before=7");
        assert!(wanted.asks() && !Wanted::default().asks());
    }
}

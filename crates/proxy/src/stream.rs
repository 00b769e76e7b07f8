//! What subscribers are told: outcomes and events of one route, in one numbered sequence. Owns the
//! bounded ring; counts stay exact elsewhere when it overflows.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use towpath_guard::{Arm, ErrorKind, Outcome, StatusClass};

use crate::Judged;

/// Entries that a route keeps for subscribers that come back: four seconds of outcomes at 16,000
/// requests/s, the tenth part of what one core forwards, at some 3 MB.
pub const RING_ENTRIES: usize = 65_536;
/// Outcomes in one message, so that a line stays below a megabyte.
const MAX_BATCH: usize = 8_192;

/// One message to a subscriber.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamItem {
    /// Where reading begins: sent first for every route of a subscription.
    Started {
        /// Name of the route.
        route: String,
        /// Where the next item of this route begins.
        position: Position,
    },
    /// Outcomes of requests.
    Outcomes(OutcomeBatch),
    /// Something happened to the route.
    Event {
        /// Name of the route.
        route: String,
        /// Its place in the route's sequence.
        sequence: u64,
        /// What happened.
        event: RouteEvent,
    },
    /// Entries that left the ring before they could be sent. The counts include them.
    Missed {
        /// Name of the route.
        route: String,
        /// Place of the first one that is missing.
        first_sequence: u64,
        /// How many are missing.
        count: u64,
    },
}

/// A place in the stream of one route, for coming back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which sequence is meant: a restart of the proxy begins another one.
    pub incarnation: u64,
    /// The first entry wanted, from 1.
    pub sequence: u64,
}

/// Outcomes in unbroken sequence that were assigned under the same two arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeBatch {
    /// Name of the route.
    pub route: String,
    /// Place of the first outcome in the route's sequence; the others follow it.
    pub first_sequence: u64,
    /// The arms that blue and green stand for here.
    pub arms: Arms,
    /// What happened, in order of completion.
    #[serde(with = "compact")]
    pub outcomes: Vec<Outcome>,
}

/// What blue and green were when a request was assigned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arms {
    /// Epoch of the route.
    pub epoch: u64,
    /// Revision of the route.
    pub revision: u64,
    /// Deployment of the default arm.
    pub blue: Option<String>,
    /// Deployment of the candidate.
    pub green: Option<String>,
}

/// Something that happened to a route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteEvent {
    /// A spec took effect.
    Applied {
        /// Its epoch.
        epoch: u64,
        /// Its revision.
        revision: u64,
    },
    /// The lease ended; all traffic went back to the default arm.
    Lapsed,
    /// The lease ended; the weight stays.
    Frozen,
    /// The guard has proven a deployment healthy, or found it unhealthy; an unhealthy candidate has
    /// no weight any more where the guard acts and the default arm can take the traffic.
    Judged(Box<Judged>),
    /// An endpoint refused connections and rests for a while.
    EndpointEjected {
        /// Its deployment.
        deployment: String,
        /// Its id.
        endpoint: String,
    },
    /// An endpoint takes connections again.
    EndpointReturned {
        /// Its deployment.
        deployment: String,
        /// Its id.
        endpoint: String,
    },
}

/// What the ring holds.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Outcome(Arc<Arms>, Outcome),
    Event(RouteEvent),
}

/// The last entries of one route, numbered from 1.
#[derive(Debug)]
pub(crate) struct Ring {
    incarnation: u64,
    entries: VecDeque<Entry>,
    /// Sequence number of the first kept entry.
    first: u64,
}

impl Ring {
    pub(crate) fn new(incarnation: u64) -> Self {
        Self { incarnation, entries: VecDeque::new(), first: 1 }
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        if self.entries.len() == RING_ENTRIES {
            self.entries.pop_front();
            self.first += 1;
        }
        self.entries.push_back(entry);
    }

    /// Leaves out `count` numbers, for entries that were given up before they came here.
    pub(crate) fn skip(&mut self, count: u64) {
        if count > 0 {
            self.first = self.next() + count;
            self.entries.clear();
        }
    }

    /// Where a reader begins: at its place, or at the first kept entry if its place was in another
    /// sequence, or at what comes next if it names none.
    pub(crate) fn begin(&self, wanted: Option<Position>) -> Position {
        let sequence = match wanted {
            None => self.next(),
            Some(place) if place.incarnation != self.incarnation => self.first,
            Some(place) => place.sequence.clamp(1, self.next()),
        };
        Position { incarnation: self.incarnation, sequence }
    }

    /// The number that the next entry gets.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The next message for a reader that wants everything from `from` on, and where it goes on.
    pub(crate) fn read(&self, route: &str, from: u64) -> Option<(StreamItem, u64)> {
        if from < self.first {
            let count = self.first - from;
            let missed =
                StreamItem::Missed { route: route.to_owned(), first_sequence: from, count };
            return Some((missed, self.first));
        }
        let start = usize::try_from(from - self.first).ok()?;
        match self.entries.get(start)? {
            Entry::Event(event) => {
                let event = event.clone();
                let item = StreamItem::Event { route: route.to_owned(), sequence: from, event };
                Some((item, from + 1))
            }
            Entry::Outcome(arms, _) => {
                let outcomes = self.batch(start, arms);
                let next = from + outcomes.len() as u64;
                let arms = Arms::clone(arms);
                let route = route.to_owned();
                let batch = OutcomeBatch { route, first_sequence: from, arms, outcomes };
                Some((StreamItem::Outcomes(batch), next))
            }
        }
    }

    fn batch(&self, start: usize, under: &Arc<Arms>) -> Vec<Outcome> {
        let same = self.entries.range(start..).take(MAX_BATCH).map_while(|entry| match entry {
            Entry::Outcome(arms, outcome) if Arc::ptr_eq(arms, under) => Some(*outcome),
            Entry::Outcome(..) | Entry::Event(_) => None,
        });
        same.collect()
    }
}

/// An outcome as an array of its fields: a third of the size of an object.
mod compact {
    use super::{Arm, Deserialize, ErrorKind, Outcome, Serialize, StatusClass};
    use serde::{Deserializer, Serializer};

    type Row = (u64, Arm, f32, StatusClass, ErrorKind, u32, bool);

    pub(super) fn serialize<S: Serializer>(
        outcomes: &[Outcome],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let rows = outcomes.iter().map(|outcome| -> Row {
            (
                outcome.order,
                outcome.arm,
                outcome.green_probability,
                outcome.status,
                outcome.error,
                outcome.latency_us,
                outcome.pinned,
            )
        });
        rows.collect::<Vec<Row>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Outcome>, D::Error> {
        let rows = Vec::<Row>::deserialize(deserializer)?;
        let outcomes = rows.into_iter().map(|row| {
            let (order, arm, green_probability, status, error, latency_us, pinned) = row;
            Outcome { order, arm, green_probability, status, error, latency_us, pinned }
        });
        Ok(outcomes.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(order: u64) -> Outcome {
        Outcome {
            order,
            arm: Arm::Green,
            green_probability: 0.25,
            status: StatusClass::Success,
            error: ErrorKind::None,
            latency_us: 700,
            pinned: false,
        }
    }

    fn sequence_of(item: &StreamItem) -> (u64, u64) {
        match item {
            StreamItem::Outcomes(batch) => (batch.first_sequence, batch.outcomes.len() as u64),
            StreamItem::Event { sequence, .. } => (*sequence, 1),
            StreamItem::Missed { first_sequence, count, .. } => (*first_sequence, *count),
            StreamItem::Started { position, .. } => (position.sequence, 0),
        }
    }

    #[test]
    fn a_reader_gets_every_entry_once_and_in_sequence() {
        let mut ring = Ring::new(7);
        let (one, two) = (Arc::new(Arms::default()), Arc::new(Arms::default()));
        ring.push(Entry::Outcome(Arc::clone(&one), outcome(1)));
        ring.push(Entry::Outcome(one, outcome(2)));
        ring.push(Entry::Event(RouteEvent::Lapsed));
        ring.push(Entry::Outcome(two, outcome(3)));
        let (mut from, mut seen) = (1, Vec::new());
        while let Some((item, next)) = ring.read("r", from) {
            seen.push(sequence_of(&item));
            from = next;
        }
        assert_eq!(seen, [(1, 2), (3, 1), (4, 1)]);
    }

    #[test]
    fn an_overflow_says_how_many_are_missing() {
        let mut ring = Ring::new(7);
        let arms = Arc::new(Arms::default());
        for order in 0..RING_ENTRIES as u64 + 10 {
            ring.push(Entry::Outcome(Arc::clone(&arms), outcome(order)));
        }
        let (item, next) = ring.read("r", 3).unwrap();
        assert_eq!((sequence_of(&item), next), ((3, 8), 11));
    }

    #[test]
    fn a_reader_of_an_earlier_incarnation_starts_at_what_there_is() {
        let mut ring = Ring::new(7);
        ring.push(Entry::Event(RouteEvent::Frozen));
        let sequence_for = |wanted| ring.begin(wanted).sequence;
        assert_eq!(sequence_for(None), 2);
        assert_eq!(sequence_for(Some(Position { incarnation: 6, sequence: 900 })), 1);
        assert_eq!(sequence_for(Some(Position { incarnation: 7, sequence: 900 })), 2);
    }

    #[test]
    fn outcomes_survive_being_written_and_read() {
        let batch = StreamItem::Outcomes(OutcomeBatch {
            route: "r".into(),
            first_sequence: 9,
            arms: Arms { epoch: 1, revision: 2, blue: None, green: Some("g".into()) },
            outcomes: vec![outcome(4), outcome(5)],
        });
        let text = serde_json::to_string(&batch).unwrap();
        assert_eq!(serde_json::from_str::<StreamItem>(&text).unwrap(), batch);
    }
}

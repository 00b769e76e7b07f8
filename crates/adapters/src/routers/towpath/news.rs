//! From the proxy's stream to news of a lane. Owns the bounded channel, what is counted when nobody
//! takes the news, and where a stream that was cut off goes on; knows nothing of what the news mean.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use tokio::sync::mpsc::{self, error::TrySendError};
use towpath_core::ids::{PromotionNumber, Revision};
use towpath_guard::Arm;
use towpath_ports::router::{RouterError, RouterNews};
use towpath_proxy::{OutcomeBatch, Position, RouteEvent, StreamItem};

use super::number;

/// Batches that wait for a slow watcher, each of at most 8,192 outcomes.
const WAITING_MOST: usize = 256;

/// How long the proxy may take to begin the stream of a route that it knows.
const BEGINS_WITHIN: Duration = Duration::from_secs(5);

/// Where a watch was cut off by the loss of its connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CutOff {
    /// The first item that was not passed on.
    pub(super) place: Position,
    /// The revision in force there.
    revision: Revision,
}

/// Where the watches of each route were cut off. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct CutOffs(Arc<Mutex<BTreeMap<String, CutOff>>>);

impl CutOffs {
    /// Where the last watch of a route was cut off; none when whoever watched it ended it.
    pub(super) fn of(&self, route: &str) -> Option<CutOff> {
        self.0.lock().expect("no holder of this lock panics").get(route).copied()
    }

    /// The end of one watch of a route.
    pub(super) fn for_route(&self, route: String) -> Ends {
        Ends { all: self.clone(), route }
    }
}

/// Notes how the watch of one route ends.
pub(super) struct Ends {
    all: CutOffs,
    route: String,
}

impl Ends {
    fn note(&self, cut_off: Option<CutOff>) {
        let mut all = self.all.0.lock().expect("no holder of this lock panics");
        match cut_off {
            Some(cut_off) => all.insert(self.route.clone(), cut_off),
            None => all.remove(&self.route),
        };
    }
}

/// Waits until the proxy says that the stream of a known route begins, and answers where.
pub(super) async fn begin(
    items: &mut (impl Stream<Item = StreamItem> + Unpin),
) -> Result<Position, RouterError> {
    match tokio::time::timeout(BEGINS_WITHIN, items.next()).await {
        Ok(Some(StreamItem::Started { position, .. })) => Ok(position),
        Ok(_) | Err(_) => Err(RouterError::Unavailable("its stream does not begin".to_owned())),
    }
}

/// Passes on `items` until they end or nobody listens any more. `revision` is the one in force, and
/// `place` that of the next item, if the route is known yet.
pub(super) fn pass_on(
    items: impl Stream<Item = StreamItem> + Send + 'static,
    revision: Revision,
    place: Option<Position>,
    ends: Ends,
) -> mpsc::Receiver<RouterNews> {
    let (sender, receiver) = mpsc::channel(WAITING_MOST);
    // Whatever was cut off before is behind this watch.
    ends.note(None);
    tokio::spawn(Passing { sender, revision, place, missed: 0 }.run(items, ends));
    receiver
}

/// The same from where a watch was cut off, which is said first.
pub(super) fn go_on(
    items: impl Stream<Item = StreamItem> + Send + 'static,
    cut_off: CutOff,
    ends: Ends,
) -> mpsc::Receiver<RouterNews> {
    let (sender, receiver) = mpsc::channel(WAITING_MOST);
    sender.try_send(RouterNews::Resumed).expect("a new channel has room");
    ends.note(None);
    let CutOff { place, revision } = cut_off;
    tokio::spawn(Passing { sender, revision, place: Some(place), missed: 0 }.run(items, ends));
    receiver
}

struct Passing {
    sender: mpsc::Sender<RouterNews>,
    revision: Revision,
    /// Of the next item.
    place: Option<Position>,
    missed: u64,
}

impl Passing {
    async fn run(mut self, items: impl Stream<Item = StreamItem> + Send, ends: Ends) {
        let mut items = pin!(items);
        loop {
            tokio::select! {
                () = self.sender.closed() => return,
                item = items.next() => match item {
                    Some(item) => {
                        let next = self.after(&item);
                        self.take(item).await;
                        self.place = next;
                    }
                    None => break,
                },
            }
        }
        let revision = self.revision;
        // Noted before the channel ends, so that whoever watches again finds it.
        ends.note(self.place.map(|place| CutOff { place, revision }));
    }

    /// Where the stream goes on behind `item`.
    fn after(&self, item: &StreamItem) -> Option<Position> {
        let sequence = match item {
            StreamItem::Started { position, .. } => return Some(*position),
            StreamItem::Outcomes(batch) => batch.first_sequence + batch.outcomes.len() as u64,
            StreamItem::Event { sequence, .. } => sequence + 1,
            StreamItem::Missed { first_sequence, count, .. } => first_sequence + count,
        };
        self.place.map(|place| Position { sequence, ..place })
    }

    async fn take(&mut self, item: StreamItem) {
        match item {
            StreamItem::Outcomes(batch) => self.outcomes(&batch),
            StreamItem::Missed { count, .. } => self.missed += count,
            StreamItem::Event { event: RouteEvent::Applied { revision, .. }, .. } => {
                self.revision = Revision(revision);
            }
            // Waited for, not dropped: a lapse must not be missed because of outcomes.
            StreamItem::Event { event: RouteEvent::Lapsed, .. } => {
                let _nobody_listens = self.sender.send(RouterNews::Lapsed(self.revision)).await;
            }
            StreamItem::Event { event: RouteEvent::Frozen, .. } => {
                let _nobody_listens = self.sender.send(RouterNews::Frozen(self.revision)).await;
            }
            StreamItem::Event { event: RouteEvent::Judged(judged), .. } => {
                if let Some(deployment) = number(&judged.deployment) {
                    let news = RouterNews::Judged(deployment, Box::new(judged.verdict));
                    let _nobody_listens = self.sender.send(news).await;
                }
            }
            StreamItem::Event {
                event: RouteEvent::EndpointEjected { .. } | RouteEvent::EndpointReturned { .. },
                ..
            }
            | StreamItem::Started { .. } => {}
        }
        self.tell_missed();
    }

    fn outcomes(&mut self, batch: &OutcomeBatch) {
        let named = |deployment: &Option<String>| deployment.as_deref().and_then(number);
        let (blue, green) = (named(&batch.arms.blue), named(&batch.arms.green));
        let told: Vec<(PromotionNumber, _)> = batch
            .outcomes
            .iter()
            .filter_map(|outcome| {
                let deployment = match outcome.arm {
                    Arm::Blue => blue,
                    Arm::Green => green,
                };
                deployment.map(|deployment| (deployment, *outcome))
            })
            .collect();
        let count = told.len() as u64;
        if let Err(TrySendError::Full(_)) = self.sender.try_send(RouterNews::Outcomes(told)) {
            self.missed += count;
        }
    }

    fn tell_missed(&mut self) {
        if self.missed > 0 && self.sender.try_send(RouterNews::Missed(self.missed)).is_ok() {
            self.missed = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use towpath_guard::{ErrorKind, Outcome, StatusClass};
    use towpath_proxy::Arms;

    fn batch(size: usize) -> StreamItem {
        let outcome = Outcome {
            order: 1,
            arm: Arm::Green,
            green_probability: 0.1,
            status: StatusClass::Success,
            error: ErrorKind::None,
            latency_us: 1000,
            pinned: false,
        };
        StreamItem::Outcomes(OutcomeBatch {
            route: "api/staging".to_owned(),
            first_sequence: 1,
            arms: Arms { epoch: 1, revision: 3, blue: Some("6".into()), green: Some("7".into()) },
            outcomes: vec![outcome; size],
        })
    }

    fn event(event: RouteEvent) -> StreamItem {
        StreamItem::Event { route: "api/staging".to_owned(), sequence: 1, event }
    }

    #[tokio::test]
    async fn a_lapse_names_the_revision_that_lapsed() {
        let applied = event(RouteEvent::Applied { epoch: 1, revision: 4 });
        let items = stream::iter([batch(2), applied, event(RouteEvent::Lapsed)]);
        let mut news = pass_on(items, Revision(3), None, CutOffs::default().for_route("r".into()));
        let Some(RouterNews::Outcomes(told)) = news.recv().await else { panic!("outcomes first") };
        assert_eq!(told.iter().map(|(deployment, _)| deployment.0).collect::<Vec<_>>(), [7, 7]);
        assert_eq!(news.recv().await, Some(RouterNews::Lapsed(Revision(4))));
        assert_eq!(news.recv().await, None);
    }

    #[tokio::test]
    async fn what_a_slow_watcher_misses_is_counted() {
        let items = stream::iter((0..WAITING_MOST + 10).map(|_| batch(3))).chain(stream::pending());
        let mut news = pass_on(items, Revision(1), None, CutOffs::default().for_route("r".into()));
        tokio::task::yield_now().await;
        let mut taken = 0;
        while let Ok(RouterNews::Outcomes(_)) = news.try_recv() {
            taken += 1;
        }
        assert_eq!(taken, WAITING_MOST);
    }

    #[tokio::test]
    async fn a_watch_that_was_cut_off_is_noted_behind_its_last_item_and_an_ended_one_is_not() {
        let begin = Some(Position { incarnation: 9, sequence: 5 });
        let cut_offs = CutOffs::default();
        let items = stream::iter([StreamItem::Outcomes(OutcomeBatch {
            first_sequence: 5,
            ..match batch(3) {
                StreamItem::Outcomes(batch) => batch,
                other => panic!("{other:?}"),
            }
        })]);
        let mut news = pass_on(items, Revision(3), begin, cut_offs.for_route("r".into()));
        while news.recv().await.is_some() {}
        let cut_off = cut_offs.of("r").unwrap();
        assert_eq!(cut_off.place, Position { incarnation: 9, sequence: 8 });
        let items = stream::iter([event(RouteEvent::Lapsed)]);
        let mut news = go_on(items, cut_off, cut_offs.for_route("r".into()));
        assert_eq!(news.recv().await, Some(RouterNews::Resumed));
        assert_eq!(news.recv().await, Some(RouterNews::Lapsed(Revision(3))));
        let news = go_on(stream::pending(), cut_off, cut_offs.for_route("r".into()));
        drop(news);
        tokio::task::yield_now().await;
        assert_eq!(cut_offs.of("r"), None);
    }
}

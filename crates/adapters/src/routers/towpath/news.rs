//! From the proxy's stream to news of a lane. Owns the bounded channel and what is counted when
//! nobody takes the news.

use std::pin::pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use tokio::sync::mpsc::{self, error::TrySendError};
use towpath_core::ids::{PromotionNumber, Revision};
use towpath_guard::Arm;
use towpath_ports::router::{RouterError, RouterNews};
use towpath_proxy::{OutcomeBatch, RouteEvent, StreamItem};

use super::number;

/// Batches that wait for a slow watcher, each of at most 8,192 outcomes.
const WAITING_MOST: usize = 256;

/// How long the proxy may take to begin the stream of a route that it knows.
const BEGINS_WITHIN: Duration = Duration::from_secs(5);

/// Waits until the proxy says that the stream of a known route begins.
pub(super) async fn begin(
    items: &mut (impl Stream<Item = StreamItem> + Unpin),
) -> Result<(), RouterError> {
    match tokio::time::timeout(BEGINS_WITHIN, items.next()).await {
        Ok(Some(StreamItem::Started { .. })) => Ok(()),
        Ok(_) | Err(_) => Err(RouterError::Unavailable("its stream does not begin".to_owned())),
    }
}

/// Passes on `items` until they end or nobody listens any more. `revision` is the one in force.
pub(super) fn pass_on(
    items: impl Stream<Item = StreamItem> + Send + 'static,
    revision: Revision,
) -> mpsc::Receiver<RouterNews> {
    let (sender, receiver) = mpsc::channel(WAITING_MOST);
    tokio::spawn(async move {
        let mut items = pin!(items);
        let mut passing = Passing { sender, revision, missed: 0 };
        loop {
            tokio::select! {
                () = passing.sender.closed() => return,
                item = items.next() => match item {
                    Some(item) => passing.take(item).await,
                    None => return,
                },
            }
        }
    });
    receiver
}

struct Passing {
    sender: mpsc::Sender<RouterNews>,
    revision: Revision,
    missed: u64,
}

impl Passing {
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
        let mut news = pass_on(items, Revision(3));
        let Some(RouterNews::Outcomes(told)) = news.recv().await else { panic!("outcomes first") };
        assert_eq!(told.iter().map(|(deployment, _)| deployment.0).collect::<Vec<_>>(), [7, 7]);
        assert_eq!(news.recv().await, Some(RouterNews::Lapsed(Revision(4))));
        assert_eq!(news.recv().await, None);
    }

    #[tokio::test]
    async fn what_a_slow_watcher_misses_is_counted() {
        let items = stream::iter((0..WAITING_MOST + 10).map(|_| batch(3))).chain(stream::pending());
        let mut news = pass_on(items, Revision(1));
        tokio::task::yield_now().await;
        let mut taken = 0;
        while let Ok(RouterNews::Outcomes(_)) = news.try_recv() {
            taken += 1;
        }
        assert_eq!(taken, WAITING_MOST);
    }
}

//! Target `process` when whoever starts a deployment goes away midway: what was begun is ended by the
//! next stop, and nothing is begun after it.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use tokio::runtime::{Builder, Runtime};
use towpath_core::ids::PromotionNumber;

use crate::support::{World, request};
use crate::{settings, stop};

/// Polls `work` until it is done, at most `times`, then drops it. Answers whether it was done.
async fn leave_after<T>(times: usize, work: impl Future<Output = T>) -> bool {
    let mut work = pin!(work);
    let mut polls = 0;
    std::future::poll_fn(|context| {
        polls += 1;
        match work.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if polls >= times => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A runtime whose work that blocks is done in order, one after the other.
fn one_after_the_other() -> Runtime {
    Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap()
}

#[test]
fn nothing_is_begun_after_the_stop_that_follows_a_start_that_was_given_up() {
    let world = World::new();
    let target = world.target(&settings());
    let request = request("serve");
    let (starting, stopping) = (one_after_the_other(), one_after_the_other());
    let mut start = Box::pin(target.ensure_running(&request));
    assert!(!starting.block_on(leave_after(1, start.as_mut())), "it looks for plans first");
    starting.block_on(starting.spawn_blocking(|| ())).unwrap();
    // There are none. The work that begins waits in the queue until the stop is over.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let busy = starting.spawn_blocking(move || wait.recv().is_ok());
    assert!(!starting.block_on(leave_after(1, start)));
    stopping.block_on(stop(&*target, &request));
    go.send(()).unwrap();
    assert!(starting.block_on(busy).unwrap());
    starting.block_on(starting.spawn_blocking(|| ())).unwrap();
    assert!(!world.instance(&request, 1).exists(), "the work came last and changed nothing");
    assert_eq!(world.processes(), Vec::<i32>::new());
}

#[test]
fn a_start_that_is_given_up_at_any_point_is_ended_by_the_next_stop() {
    /// A start is looked at every 50 ms and has 20 s.
    const MOST_POINTS: usize = 1000;
    let world = World::new();
    let target = world.target(&settings());
    let mut request = request("serve");
    request.instances = 2;
    for point in 1..=MOST_POINTS {
        request.deployment = PromotionNumber(point as u64);
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let done = runtime.block_on(async {
            let done = leave_after(point, target.ensure_running(&request)).await;
            stop(&*target, &request).await;
            done
        });
        // Ends when the last work that blocks has.
        drop(runtime);
        for instance in [1, 2] {
            let plan = world.instance(&request, instance).join("plan.json");
            assert!(!plan.exists(), "left at point {point}: a plan stays");
        }
        assert_eq!(world.processes(), Vec::<i32>::new(), "left at point {point}");
        if done {
            return;
        }
    }
    panic!("no start came to its end");
}

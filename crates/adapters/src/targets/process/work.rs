//! Work on folders and processes that may block. Owns that it changes nothing once nobody waits for
//! it; what the work is, is its caller's affair.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use towpath_core::ids::Epoch;
use towpath_ports::target::{TargetError, TargetErrorKind};

use super::transient;

/// Does file work where it may block. Errors of the disk may pass.
///
/// When the returned future is dropped the work goes on, because a thread cannot be stopped; it is
/// told by [`Caller::still_waits`], and must ask before each change, under the lock under which it
/// makes the change. Whoever takes that lock after the drop then sees all that was changed, and
/// nothing is added later.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce(&Caller) -> Result<T, Stopped> + Send + 'static,
) -> Result<T, TargetError> {
    let caller = Caller { left: Arc::default() };
    let _leaves_when_dropped = Leaving(Arc::clone(&caller.left));
    match tokio::task::spawn_blocking(move || work(&caller)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(stopped)) => Err(stopped.into()),
        Err(error) => Err(transient(format!("the work on the folder of the instances: {error}"))),
    }
}

/// Who waits for the work.
pub(super) struct Caller {
    left: Arc<AtomicBool>,
}

impl Caller {
    /// # Errors
    /// [`Stopped::GivenUp`] when nobody waits any more: change nothing.
    pub(super) fn still_waits(&self) -> Result<(), Stopped> {
        if self.left.load(Ordering::SeqCst) { Err(Stopped::GivenUp) } else { Ok(()) }
    }
}

struct Leaving(Arc<AtomicBool>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Why work ended early.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The disk said no.
    Disk(io::Error),
    /// Nobody waits for it any more, so nobody reads this either.
    GivenUp,
    /// A newer owner of the journal changes what runs here.
    Stale {
        /// Who asked.
        own: Epoch,
        /// Who is obeyed.
        current: Epoch,
    },
    /// What was to be ended has been started again.
    StartedAgain,
    /// Something is missing that it needs.
    Failed(TargetError),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<Stopped> for TargetError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Disk(error) => transient(format!("the folder of the instances: {error}")),
            Stopped::GivenUp => transient("nobody waits for it any more".to_owned()),
            Stopped::Stale { own, current } => TargetError {
                sentence: format!(
                    "refused: the instances of this machine obey epoch {current}, and this is \
                     epoch {own}; another engine owns them, or the journal is an older copy"
                ),
                said: Vec::new(),
                kind: TargetErrorKind::Stale,
            },
            Stopped::Failed(error) => error,
            Stopped::StartedAgain => {
                transient("it was started again while it was stopped".to_owned())
            }
        }
    }
}

//! Reads the secrets that a release is handed, and what has to be known of them to mask them. Every
//! reading is in the journal before anybody gets a value. Decides nothing about releases.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::oneshot;
use towpath_core::ids::{LaneId, Person, PromotionNumber};
use towpath_core::journal::{Event, SecretsRead};
use towpath_core::matrix::{AdapterSpec, LaneSpec};
use towpath_ports::secret::{SHORTEST, Secret};

use crate::delivery::Record;
use crate::executor::deployments_of;
use crate::run_loop::Message;
use crate::shared::Shared;

/// How long a store may take for one secret: a file takes microseconds, a server a second.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// How long a target may take to say what runs there was started with.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

/// The secrets of a release that is started in `lane`, as they are now, after the journal says which
/// were read, where, and on whose order. Safe to repeat; each time is another reading.
///
/// # Errors
/// One sentence that names the secret and its place, and holds nothing of it: it cannot be read, cannot
/// be a variable, or is too short to be masked. The release goes without none.
pub(crate) async fn of_release(
    shared: &Shared,
    lane: &LaneId,
    deployment: PromotionNumber,
    section: &LaneSpec,
) -> Result<BTreeMap<String, Secret>, String> {
    let (mut handed, mut refused) = (BTreeMap::new(), None);
    let mut record = SecretsRead {
        number: deployment,
        by: whoever_ordered(shared, lane, deployment),
        secrets: BTreeMap::new(),
    };
    for (name, place) in &section.secrets {
        let value = match read(shared, name, place).await {
            Ok(value) => value,
            Err(why) => {
                refused = Some(format!("the secret {name} of {lane} cannot be read: {why}"));
                break;
            }
        };
        record.secrets.insert(name.clone(), place.clone());
        if let Some(why) = unfit(&value) {
            refused = Some(format!("the secret {name} of {lane}, in {}, {why}", place.kind));
            break;
        }
        handed.insert(name.clone(), value);
    }
    if !record.secrets.is_empty() {
        keep(shared, lane, record).await?;
    }
    refused.map_or(Ok(handed), Err)
}

/// Reads one secret, which nothing shows from then on.
///
/// # Errors
/// One sentence that holds nothing of it.
pub(crate) async fn read(
    shared: &Shared,
    name: &str,
    place: &AdapterSpec,
) -> Result<Secret, String> {
    let store = shared.setup.adapters.secrets(place)?;
    let value = match tokio::time::timeout(READ_WITHIN, store.read(name)).await {
        Ok(read) => read?,
        Err(_) => return Err(format!("{} did not answer within {READ_WITHIN:?}", place.kind)),
    };
    shared.setup.known.learn([&value]);
    Ok(value)
}

/// Why a release cannot be handed this; none when it can.
fn unfit(value: &Secret) -> Option<String> {
    if value.reveal().contains('\0') {
        return Some("holds a zero byte, which no variable can".to_owned());
    }
    (value.reveal().len() < SHORTEST).then(|| {
        format!(
            "has fewer than {SHORTEST} bytes and could not be kept out of logs and answers: take a \
             longer one, or make it one of the `settings` if it is no secret"
        )
    })
}

fn whoever_ordered(shared: &Shared, lane: &LaneId, number: PromotionNumber) -> Person {
    let by = shared.read(|project| {
        let active = project.lanes.get(lane)?.active.as_ref()?;
        (active.number == number).then(|| active.by.clone())
    });
    by.unwrap_or_else(Person::automatic)
}

/// Nobody gets a secret whose reading could not be written down.
async fn keep(shared: &Shared, lane: &LaneId, read: SecretsRead) -> Result<(), String> {
    let record = Record {
        actor: "engine".to_owned(),
        lane: Some(lane.clone()),
        events: vec![Event::SecretsRead(Box::new(read))],
        ..Record::default()
    };
    let (reply, answer) = oneshot::channel();
    let message = Message::Record { record: Box::new(record), reply: Some(reply) };
    let unkept = |why: String| format!("that its secrets were read cannot be written down: {why}");
    let sent = shared.inputs.send(message).await;
    sent.map_err(|_| unkept("the engine has stopped".to_owned()))?;
    match answer.await {
        Ok(kept) => kept.map(drop).map_err(|error| unkept(error.to_string())),
        Err(_) => Err(unkept("the engine has stopped".to_owned())),
    }
}

/// Makes known what the matrix in force names and the program has in its memory anyway: a check may
/// print the variables that it was started with. Reads no store.
pub(crate) fn learn_what_is_at_hand(shared: &Shared) {
    let places: Vec<(String, AdapterSpec)> = shared.read(|project| {
        let Some(matrix) = &project.common.matrix else { return Vec::new() };
        let lanes = matrix.environments.iter().flat_map(|one| one.lanes.values());
        let handed = lanes.flat_map(|lane| &lane.secrets);
        let handed = handed.map(|(name, place)| (name.clone(), place.clone()));
        let channels = matrix.notifiers.values().flat_map(|channel| channel.secrets.values());
        handed.chain(channels.map(|place| (place.name.clone(), place.store.clone()))).collect()
    });
    let stores = places
        .into_iter()
        .filter_map(|(name, place)| shared.setup.adapters.secrets(&place).ok()?.at_hand(&name));
    shared.setup.known.learn(&stores.collect::<Vec<_>>());
}

/// Makes known what runs was started with, by an engine that is gone: it may be other than what the
/// stores hold now. What a target cannot tell stays unknown.
pub(crate) async fn learn_what_runs(shared: &Shared) {
    for (lane, section, deployment, _) in deployments_of(shared) {
        let Ok(target) = shared.setup.adapters.target(&section.target) else { continue };
        let told = tokio::time::timeout(TOLD_WITHIN, target.handed(&lane, deployment.number));
        if let Ok(secrets) = told.await {
            shared.setup.known.learn(&secrets);
        } else {
            tracing::warn!(%lane, "what runs here may say secrets that are not known");
        }
    }
}

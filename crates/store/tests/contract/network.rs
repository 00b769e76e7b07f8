//! A network that fails exactly at a COMMIT, where only the database knows what happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use towpath_core::units::Timestamp;
use towpath_ports::store::{Store as _, StoreError};
use towpath_store::SqlStore;

use crate::ground::{Ground, identity, state, turn};

const FORWARD: u8 = 0;
const CUT_BEFORE_COMMIT: u8 = 1;
const CUT_BEFORE_ITS_ANSWER: u8 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_an_answer_is_unknown_until_the_database_is_asked() {
    let Some(ground) = Ground::postgres("network_cut").await else { return };
    let plan = Arc::new(AtomicU8::new(FORWARD));
    let location = through_network(&ground.location, &plan).await;
    let store = SqlStore::open(&location, &identity()).await.expect("the store opens through it");
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let mut version = 0;
    for (round, cut) in [CUT_BEFORE_ITS_ANSWER, CUT_BEFORE_COMMIT].repeat(5).iter().enumerate() {
        plan.store(*cut, Ordering::SeqCst);
        let id = format!("t{round}");
        let mut next = turn(&id, 1);
        next.states = vec![state("a", version + 1)];
        let error = store.commit(epoch, &next).await.unwrap_err();
        assert!(matches!(error, StoreError::Unknown(_)), "round {round}: {error:?}");
        let written = store.has_turn(&id).await.unwrap();
        assert_eq!(written, *cut == CUT_BEFORE_ITS_ANSWER, "round {round}");
        if !written {
            store.commit(epoch, &next).await.expect("nothing was written, so that it may be again");
        }
        version += 1;
    }
    assert_eq!(store.states().await.unwrap(), [state("a", version)]);
    let report = store.verify().await.unwrap();
    assert_eq!((report.events, report.broken), (version, None));
    store.close().await;
    ground.clear().await;
}

/// The same server behind a port that follows `plan`.
async fn through_network(location: &str, plan: &Arc<AtomicU8>) -> String {
    let server: sqlx::postgres::PgConnectOptions = location.parse().expect("a PostgreSQL URL");
    let server = (server.get_host().to_owned(), server.get_port());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let plan = Arc::clone(plan);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let upstream = TcpStream::connect(server.clone()).await.expect("the server is there");
            tokio::spawn(forward(client, upstream, Arc::clone(&plan)));
        }
    });
    format!("{location}&host=127.0.0.1&port={port}&sslmode=disable")
}

/// Ends, and with it the connection, when one side ends or the plan says so.
async fn forward(client: TcpStream, server: TcpStream, plan: Arc<AtomicU8>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = requests(from_client, to_server, &plan) => {}
        () = answers(from_server, to_client, &plan) => {}
    }
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, plan: &AtomicU8) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        let is_commit = bytes[..length].windows(6).any(|window| window == b"COMMIT");
        let cut = CUT_BEFORE_COMMIT;
        let cut_now = is_commit
            && plan.compare_exchange(cut, FORWARD, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if cut_now || to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, plan: &AtomicU8) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        let is_answer = bytes[..length].windows(6).any(|window| window == b"COMMIT");
        let cut = CUT_BEFORE_ITS_ANSWER;
        let cut_now = is_answer
            && plan.compare_exchange(cut, FORWARD, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if cut_now || to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}

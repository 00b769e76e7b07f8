//! Places that cannot hold a journal, or not now: each says what is wrong and loses nothing.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use towpath_core::ids::{Epoch, Name, PromotionNumber};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::store::{IntervalRow, Store as _, StoreError, StoreIdentity, Turn};
use towpath_store::{OpenError, SCHEMA_VERSION, SqlStore};

use crate::ground::{Ground, identity, lane, lock_file, run_on_file, skip, state, turn};

on_both_databases! {
    a_newer_schema_is_refused,
    a_schema_that_was_changed_is_refused,
    the_journal_of_another_project_or_speed_is_refused,
    a_place_is_opened_by_several_at_once,
}

async fn a_newer_schema_is_refused(ground: &Ground) {
    ground.open().await.close().await;
    ground.raw("INSERT INTO schema_versions VALUES (99, 'the future', 'x')").await;
    let error = SqlStore::open(&ground.location, &identity()).await.unwrap_err();
    assert!(
        matches!(error, OpenError::Newer { found: 99, known: SCHEMA_VERSION, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("was made by a newer towpath"), "{error}");
    ground.raw("DELETE FROM schema_versions WHERE version = 99").await;
    ground.open().await.close().await;
}

async fn a_schema_that_was_changed_is_refused(ground: &Ground) {
    ground.open().await.close().await;
    ground.raw("UPDATE schema_versions SET digest = 'another'").await;
    let error = SqlStore::open(&ground.location, &identity()).await.unwrap_err();
    assert!(matches!(error, OpenError::Refused { .. }), "{error:?}");
}

async fn the_journal_of_another_project_or_speed_is_refused(ground: &Ground) {
    ground.open().await.close().await;
    let other = StoreIdentity { project: Name::new("another").unwrap(), ..identity() };
    let error = SqlStore::open(&ground.location, &other).await.unwrap_err();
    assert!(matches!(&error, OpenError::OtherProject { found, .. } if found == "soundbite"));
    let faster = StoreIdentity { speed: 60, ..identity() };
    let error = SqlStore::open(&ground.location, &faster).await.unwrap_err();
    assert!(matches!(error, OpenError::OtherSpeed { found: 1, wanted: 60, .. }), "{error:?}");
    ground.open().await.close().await;
}

async fn a_place_is_opened_by_several_at_once(ground: &Ground) {
    // Each from a task of its own, so that several threads meet half-way through.
    let open = |_| {
        let location = ground.location.clone();
        tokio::spawn(async move { SqlStore::open(&location, &identity()).await.unwrap() })
    };
    let stores = futures_util::future::join_all((0..12).map(open)).await;
    let stores: Vec<SqlStore> = stores.into_iter().map(Result::unwrap).collect();
    let epoch = stores[5].take_ownership(Timestamp(1)).await.unwrap();
    stores[0].commit(epoch, &turn("t1", 1)).await.unwrap();
    for store in &stores {
        assert_eq!(store.events(0, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_file_that_another_program_locks_is_unavailable_and_then_usable_again() {
    let ground = Ground::sqlite();
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let mut other = lock_file(Path::new(&ground.location)).await;
    // Waits the five real seconds of patience that the store has.
    let error = store.commit(epoch, &turn("t1", 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert!(!store.has_turn("t1").await.unwrap());
    assert_eq!(store.commit(epoch, &turn("t1", 1)).await.unwrap(), [1]);
    store.close().await;
}

#[tokio::test]
async fn file_and_directory_are_their_owners_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a b%/ü?/journal.db");
    let store = SqlStore::open(path.to_str().unwrap(), &identity()).await.unwrap();
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    store.commit(epoch, &turn("t1", 1)).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
    store.close().await;
}

#[tokio::test]
async fn what_is_no_journal_is_refused_and_left_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("notes.txt");
    std::fs::write(&text, "just some notes, long enough to be no header of anything\n".repeat(99))
        .unwrap();
    let foreign = directory.path().join("foreign.db");
    std::fs::write(&foreign, "").unwrap();
    run_on_file(&foreign, "CREATE TABLE theirs (a)").await;
    for path in [text.as_path(), foreign.as_path(), directory.path()] {
        let before = std::fs::read(path).ok();
        let error = SqlStore::open(path.to_str().unwrap(), &identity()).await.unwrap_err();
        assert!(matches!(error, OpenError::Foreign { .. }), "{}: {error:?}", path.display());
        assert_eq!(std::fs::read(path).ok(), before, "{}", path.display());
    }
}

#[tokio::test]
async fn a_location_that_is_neither_path_nor_url_is_refused_without_its_secrets() {
    for location in ["", ":memory:", "mysql://anna:geheim@host/db", "postgres://anna:geheim@[::/x"]
    {
        let error = SqlStore::open(location, &identity()).await.unwrap_err();
        assert!(matches!(error, OpenError::Location { .. }), "{location}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("geheim"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let location = format!("postgres://anna:geheim@127.0.0.1:{port}/towpath");
    let error = SqlStore::open(&location, &identity()).await.unwrap_err();
    assert!(matches!(error, OpenError::Unavailable { .. }), "{error:?}");
    assert!(!error.to_string().contains("geheim"), "{error}");
}

#[tokio::test]
async fn a_full_disk_refuses_turns_and_takes_them_again_when_there_is_space() {
    let Some(disk) = SmallDisk::mount("a full disk") else { return };
    let reserve = disk.path().join("reserve");
    std::fs::write(&reserve, vec![1; 512 << 10]).unwrap();
    let location = disk.path().join("journal.db").display().to_string();
    let store = SqlStore::open(&location, &identity()).await.unwrap();
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let mut written = 0;
    let error = loop {
        let mut next = turn(&format!("t{written}"), 1);
        next.states = vec![state("a", written + 1)];
        next.events[0].body = serde_json::Value::String("x".repeat(20_000));
        match store.commit(epoch, &next).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1_000, "two megabytes cannot hold this");
    };
    assert!(matches!(&error, StoreError::Full(why) if why.contains("full")), "{error:?}");
    assert_eq!(store.verify().await.unwrap().events, written, "reading goes on");
    std::fs::remove_file(&reserve).unwrap();
    let id = format!("t{written}");
    assert!(!store.has_turn(&id).await.unwrap());
    let mut next = turn(&id, 1);
    next.states = vec![state("a", written + 1)];
    store.commit(epoch, &next).await.expect("there is space again");
    assert_eq!(store.verify().await.unwrap().broken, None);
    store.close().await;
    let full = disk.path().join("full");
    let mut size = 2 << 20;
    while size > 0 && std::fs::write(&full, vec![1; size]).is_err() {
        size -= 4096;
    }
    let fresh = disk.path().join("fresh.db").display().to_string();
    let error = SqlStore::open(&fresh, &identity()).await.unwrap_err();
    assert!(matches!(error, OpenError::Full { .. }), "{error:?}");
}

#[tokio::test]
async fn on_a_full_disk_urgent_turns_are_written_from_the_reserve_until_there_is_space_again() {
    let Some(disk) = SmallDisk::mount("the reserve of a full disk") else { return };
    let location = disk.path().join("journal.db").display().to_string();
    let own = identity();
    let open = || SqlStore::open_with_reserve(&location, &own, 512 << 10);
    let store = open().await.unwrap();
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    assert_eq!(store.shortage(), None);
    disk.fill();
    let mut written = 0;
    let error = fill_journal(&store, epoch, &mut written).await;
    assert!(matches!(&error, StoreError::Full(why) if why.contains("MiB more are free")));
    for number in 0..4 {
        let urgent = Turn { urgent: true, ..large(&format!("urgent-{number}")) };
        store.commit(epoch, &urgent).await.expect("the reserve is given up for it");
        written += 1;
        let error = store.commit(epoch, &turn(&format!("new-{number}"), 1)).await.unwrap_err();
        assert!(matches!(error, StoreError::Full(_)), "the space is not for this: {error:?}");
    }
    assert!(store.keep_intervals(&[interval()]).await.is_err(), "nor for telemetry");
    assert!(store.shortage().unwrap().contains("rollbacks, aborts and what runs go on"));
    assert_eq!(store.verify().await.unwrap().events, written, "reading goes on");
    store.close().await;
    let store = open().await.expect("a new program opens it as it is");
    let epoch = store.take_ownership(Timestamp(2)).await.expect("and takes over");
    assert!(store.commit(epoch, &turn("new", 1)).await.is_err(), "it knows as well");
    disk.make_space();
    store.commit(epoch, &turn("new", 1)).await.expect("without a restart");
    assert_eq!(store.shortage(), None);
    let reserve = std::fs::metadata(disk.path().join("journal.db-reserve")).unwrap();
    assert_eq!(reserve.len(), 512 << 10, "and it is there for the next time");
    assert_eq!(store.verify().await.unwrap().broken, None);
    store.close().await;
}

/// Writes turns that are not urgent until one is refused.
async fn fill_journal(store: &SqlStore, epoch: Epoch, written: &mut u64) -> StoreError {
    for number in 0..1_000 {
        match store.commit(epoch, &large(&format!("t{number}"))).await {
            Ok(_) => *written += 1,
            Err(error) => return error,
        }
    }
    panic!("two megabytes cannot hold this");
}

/// A turn of some pages.
fn large(id: &str) -> Turn {
    let mut large = turn(id, 1);
    large.events[0].body = serde_json::Value::String("x".repeat(20_000));
    large
}

fn interval() -> IntervalRow {
    IntervalRow {
        lane: lane("api/production"),
        deployment: PromotionNumber(1),
        source: "visitors".to_owned(),
        start: Timestamp(0),
        width: Span::minutes(1),
        total: 1,
        failed: 0,
        p99_us: None,
        latency: None,
    }
}

#[tokio::test]
async fn a_read_only_directory_is_refused() {
    let Some(disk) = SmallDisk::mount("a read-only directory") else { return };
    let location = disk.path().join("journal.db").display().to_string();
    SqlStore::open(&location, &identity()).await.unwrap().close().await;
    disk.make_read_only();
    for place in [location, disk.path().join("new/journal.db").display().to_string()] {
        let error = SqlStore::open(&place, &identity()).await.unwrap_err();
        assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
        assert!(error.to_string().contains("make the file and its directory writable"));
    }
}

/// A file system of two megabytes, gone when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// None when this user may not mount.
    fn mount(name: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "towpath-test"])
            .arg(directory.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(directory));
        }
        skip(name, "this user may not mount a small file system");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves some hundred kilobytes beside a reserve.
    fn fill(&self) {
        std::fs::write(self.path().join("ballast"), vec![1; 1200 << 10]).unwrap();
    }

    fn make_space(&self) {
        std::fs::remove_file(self.path().join("ballast")).unwrap();
    }

    fn make_read_only(&self) {
        let status = Command::new("mount").args(["-o", "remount,ro"]).arg(self.path()).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "the small disk stays mounted");
    }
}

//! What the store promises, with real files.

use super::*;

fn world() -> (tempfile::TempDir, Artifacts) {
    let root = tempfile::tempdir().unwrap();
    let store = Artifacts::new(&root.path().join("state"));
    (root, store)
}

#[tokio::test]
async fn a_kept_file_is_given_out_with_its_mode_under_the_digest_of_its_bytes() {
    let (root, store) = world();
    let path = root.path().join("app");
    fs::write(&path, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let artifact = store.keep_file(&path).await.unwrap();
    assert_eq!(artifact.digest, Digest::of(b"#!/bin/sh\n"));
    assert_eq!((artifact.size, artifact.form), (10, ArtifactForm::File));
    fs::write(&path, "changed since").unwrap();
    let kept = store.path(&artifact).await.unwrap();
    assert_eq!(fs::read_to_string(&kept).unwrap(), "#!/bin/sh\n");
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o555);
    assert_eq!(fs::read_dir(store.root.join("temporary")).unwrap().count(), 0);
}

#[tokio::test]
async fn changed_bytes_are_never_given_out_and_keeping_again_repairs_them() {
    let (root, store) = world();
    let path = root.path().join("app");
    fs::write(&path, "good").unwrap();
    let artifact = store.keep_file(&path).await.unwrap();
    let kept = store.kept(&artifact.digest);
    fs::remove_file(&kept).unwrap();
    assert!(matches!(store.path(&artifact).await, Err(ArtifactError::Missing(_))));
    fs::write(&kept, "evil").unwrap();
    assert!(matches!(store.path(&artifact).await, Err(ArtifactError::Damaged(_))));
    store.keep_file(&path).await.unwrap();
    assert_eq!(store.path(&artifact).await.unwrap(), kept);
}

#[tokio::test]
async fn a_changed_folder_is_unpacked_anew() {
    let (root, store) = world();
    let folder = root.path().join("site");
    fs::create_dir_all(folder.join("sub")).unwrap();
    fs::write(folder.join("sub/page"), "hello").unwrap();
    let artifact = store.keep_directory(&folder).await.unwrap();
    let given = store.path(&artifact).await.unwrap();
    fs::remove_file(given.join("sub/page")).unwrap();
    fs::write(given.join("sub/page"), "evil").unwrap();
    assert_eq!(store.path(&artifact).await.unwrap(), given);
    assert_eq!(fs::read_to_string(given.join("sub/page")).unwrap(), "hello");
}

#[tokio::test]
async fn a_changed_folder_is_put_aside_for_as_long_as_one_that_is_new() {
    let (root, store) = world();
    let folder = root.path().join("site");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("page"), "hello").unwrap();
    let artifact = store.keep_directory(&folder).await.unwrap();
    let given = store.path(&artifact).await.unwrap();
    fs::remove_file(given.join("page")).unwrap();
    fs::write(given.join("page"), "evil").unwrap();
    File::open(&given).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    store.path(&artifact).await.unwrap();
    store.sweep(&Named::default()).await.unwrap();
    let aside = fs::read_dir(store.root.join("temporary")).unwrap();
    let aside: Vec<_> = aside.map(|entry| entry.unwrap().path().join("page")).collect();
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(fs::read_to_string(&aside[0]).unwrap(), "evil");
}

#[tokio::test]
async fn what_a_program_writes_beside_its_files_is_no_damage() {
    let (root, store) = world();
    let folder = root.path().join("site");
    fs::create_dir_all(folder.join("sub")).unwrap();
    fs::write(folder.join("sub/page"), "hello").unwrap();
    let artifact = store.keep_directory(&folder).await.unwrap();
    let given = store.path(&artifact).await.unwrap();
    let cache = given.join("sub/__pycache__");
    fs::create_dir(&cache).unwrap();
    std::os::unix::fs::symlink("/tmp", given.join("link")).unwrap();
    assert_eq!(store.path(&artifact).await.unwrap(), given);
    assert!(cache.is_dir(), "the folder was left alone");
    fs::remove_dir_all(given.join("sub")).unwrap();
    assert_eq!(store.path(&artifact).await.unwrap(), given);
    assert!(given.join("sub/page").exists(), "a file that is gone is damage");
}

#[tokio::test]
async fn a_folder_stays_in_place_while_it_cannot_be_unpacked_anew() {
    let (_root, store) = world();
    let bytes = [b'x'; 1024];
    let digest = Digest::of(&bytes);
    let kept = store.kept(&digest);
    let given = store.root.join("unpacked").join(digest.hex());
    for (path, bytes) in [(kept, &bytes[..]), (given.join("app"), b"runs")] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let (form, source) = (ArtifactForm::Directory, "site".to_owned());
    let artifact = Artifact { digest, form, source, size: 1024 };
    assert!(matches!(store.path(&artifact).await, Err(ArtifactError::Io { .. })));
    assert_eq!(fs::read_to_string(given.join("app")).unwrap(), "runs");
    assert_eq!(fs::read_dir(store.root.join("temporary")).unwrap().count(), 0);
}

#[test]
fn a_folder_that_cannot_be_replaced_is_put_back() {
    let root = tempfile::tempdir().unwrap();
    let [folder, absent, aside] = ["folder", "absent", "aside"].map(|it| root.path().join(it));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("app"), "runs").unwrap();
    replace_folder(&folder, &absent, &aside).unwrap_err();
    assert!(folder.join("app").exists() && !aside.exists());
}

#[tokio::test]
async fn the_journal_is_not_part_of_the_folder_that_holds_it() {
    let (root, store) = world();
    fs::write(root.path().join("page"), "hello").unwrap();
    let first = store.keep_directory(root.path()).await.unwrap();
    let second = store.keep_directory(root.path()).await.unwrap();
    assert_eq!(first.digest, second.digest);
    assert!(!store.path(&first).await.unwrap().join("state").exists());
}

/// Answers one request with these bytes and closes.
async fn server(answer: String) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/app", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let _request = connection.read(&mut [0; 4096]).await;
        connection.write_all(answer.as_bytes()).await.unwrap();
    });
    url
}

#[tokio::test]
async fn a_download_is_kept_whole_or_not_at_all() {
    let (_root, store) = world();
    let page = |status: &str, length: usize| {
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n#!/bin/sh\n")
    };
    let artifact = store.keep_url(&server(page("200 OK", 10)).await).await.unwrap();
    assert_eq!(artifact.digest, Digest::of(b"#!/bin/sh\n"));
    let mode = store.path(&artifact).await.unwrap().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o555, "it begins as a program does");
    for (status, length, wanted) in [("404 No", 10, "404"), ("200 OK", 11, "")] {
        let error = store.keep_url(&server(page(status, length)).await).await.unwrap_err();
        assert!(matches!(&error, KeepError::Download { .. }), "{error}");
        assert!(error.to_string().contains(wanted), "{error}");
    }
    let there = "HTTP/1.1 302 X\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
    assert!(store.keep_url(&server(there.to_owned()).await).await.is_err());
    assert_eq!(fs::read_dir(store.root.join("sha256")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(store.root.join("temporary")).unwrap().count(), 0);
}

#[tokio::test]
async fn secrets_of_an_address_are_neither_kept_nor_told() {
    let (_root, store) = world();
    let good = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
    let gone = "HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n";
    let with_secrets = |url: String| url.replace("http://", "http://user:hush@") + "?sig=hush#hush";
    let url = server(good.to_owned()).await;
    let artifact = store.keep_url(&with_secrets(url.clone())).await.unwrap();
    assert_eq!(artifact.source, url);
    let mut bad = vec![
        with_secrets(server(gone.to_owned()).await),
        with_secrets(server("no HTTP\r\n\r\n".to_owned()).await),
    ];
    bad.extend(["ftp://user:hush@host/x?sig=hush", "http://user:hush@:x/"].map(str::to_owned));
    for url in bad {
        let error = store.keep_url(&url).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
    }
}

#[tokio::test]
async fn what_is_no_file_or_may_not_be_asked_is_refused() {
    let (root, store) = world();
    assert!(store.keep_file(root.path()).await.is_err());
    assert!(store.keep_file(&root.path().join("absent")).await.is_err());
    assert!(matches!(store.keep_url("http://169.254.169.254/x").await, Err(KeepError::Refused(_))));
    assert!(matches!(store.keep_url("file:///etc/passwd").await, Err(KeepError::Refused(_))));
}

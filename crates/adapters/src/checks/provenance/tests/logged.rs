//! Bundles with entries of a transparency log, as peers let pass what they should not have (B27 of the
//! threat model: advisories of Cosign and Rekor).

use super::*;

/// The entry that the log would make of an envelope.
fn entry(log: &Signer, envelope: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
    let mut body = json!({
        "apiVersion": "0.0.1", "kind": "dsse",
        "spec": {
            "payloadHash": { "algorithm": "sha256", "value": Digest::of(&payload).hex() },
            "signatures": [{ "signature": envelope["signatures"][0]["sig"], "verifier": "x" }],
        },
    });
    change(&mut body);
    let body = STANDARD.encode(body.to_string());
    let promised =
        format!(r#"{{"body":"{body}","integratedTime":360000,"logID":"c0ffee","logIndex":25}}"#);
    json!({
        "logIndex": "25", "logId": { "keyId": STANDARD.encode([0xc0, 0xff, 0xee]) },
        "kindVersion": { "kind": "dsse", "version": "0.0.1" }, "integratedTime": "360000",
        "inclusionPromise": { "signedEntryTimestamp": STANDARD.encode(log.sign(promised.as_bytes())) },
        "canonicalizedBody": body,
    })
}

fn bundle(envelope: &Value, entries: &Value) -> String {
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": { "publicKey": { "hint": "x" }, "tlogEntries": entries },
        "dsseEnvelope": envelope,
    });
    bundle.to_string()
}

/// What is said of a file where the log's word is demanded.
fn ask_logged(log: &Signer, text: &str) -> CheckAnswer {
    let mut settings = settings();
    settings["log_key"] = "keys/log.pub".into();
    let (pem, log) = (Signer::edwards(1).pem(), log.pem());
    let files: [(&str, &[u8]); 3] = [
        ("keys/builder.pub", pem.as_bytes()),
        ("keys/log.pub", log.as_bytes()),
        ("proof/bundle.json", text.as_bytes()),
    ];
    ask_with(known(), "provenance", &settings, &files)
}

#[test]
fn cve_b27_the_promise_of_the_log_must_be_about_this_very_envelope() {
    let log = Signer::nist();
    let envelope = enveloped(&Signer::edwards(1), &statement().to_string());
    let other = enveloped(&Signer::edwards(1), &older().to_string());
    let good = entry(&log, &envelope, |_| {});
    let answer = ask_logged(&log, &bundle(&envelope, &json!([good])));
    assert_eq!(answer.result, Pass, "{answer:?}");
    let elsewhere = "its entry of the log is about something else";
    let nothing = "none of its entries is promised by the log";
    let mut moved = good.clone();
    moved["logIndex"] = "26".into();
    let mut swapped = good.clone();
    swapped["canonicalizedBody"] = entry(&log, &other, |_| {})["canonicalizedBody"].clone();
    let mut bare = good.clone();
    bare.as_object_mut().unwrap().remove("inclusionPromise");
    for (what, entries, wanted) in [
        ("of another artefact", json!([entry(&log, &other, |_| {})]), elsewhere),
        (
            "of the payload with another signature",
            json!([entry(&log, &envelope, |body| {
                body["spec"]["signatures"] = json!([{ "signature": STANDARD.encode(b"x") }]);
            })]),
            elsewhere,
        ),
        (
            "without signatures",
            json!([entry(&log, &envelope, |body| {
                body["spec"]["signatures"] = json!([]);
            })]),
            elsewhere,
        ),
        (
            "of another kind",
            json!([entry(&log, &envelope, |body| {
                body["kind"] = "hashedrekord".into();
            })]),
            elsewhere,
        ),
        ("of another log", json!([entry(&Signer::nist(), &envelope, |_| {})]), nothing),
        ("at another place", json!([moved]), nothing),
        ("with another body", json!([swapped]), nothing),
        ("without the promise", json!([bare]), nothing),
        ("that is empty", json!([{}]), nothing),
        ("that is missing", json!([]), "it has no entry of the log"),
        ("that is null", Value::Null, "it has no entry of the log"),
    ] {
        let answer = ask_logged(&log, &bundle(&envelope, &entries));
        assert_eq!(answer.result, Fail, "an entry {what}: {answer:?}");
        assert!(answer.sentence.contains(wanted), "an entry {what}: {answer:?}");
    }
    let alone = ask_logged(&log, &envelope.to_string());
    assert_eq!(alone.result, Fail, "an envelope without a bundle: {alone:?}");
}

#[test]
fn cve_b27_what_is_compressed_is_never_unpacked() {
    // 10 MiB of zeros in gzip, a thousandth of that in bytes, as anybody may upload it.
    let mut child = std::process::Command::new("gzip")
        .arg("-9")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        std::io::Write::write_all(&mut pipe, &vec![0; 10 * 1024 * 1024]).unwrap();
    });
    let bomb = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    let pem = Signer::edwards(1).pem();
    let files: [(&str, &[u8]); 2] = [("keys/builder.pub", pem.as_bytes()), ("proof/0.gz", &bomb)];
    let answer = ask_with(known(), "provenance", &settings(), &files);
    assert_eq!(answer.result, Inconclusive, "{answer:?}");
    assert!(answer.sentence.contains("proof/0.gz"), "{answer:?}");
    let settings = json!({ "path": "proof/0.gz", "allow": { "high": 0 } });
    let answer = ask_with(known(), "cyclonedx", &settings, &files);
    assert_eq!(answer.result, Inconclusive, "{answer:?}");
}

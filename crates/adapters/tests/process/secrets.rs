//! Secrets of a release: in its environment, in the one file that starts it again, and nowhere else.

use std::collections::BTreeMap;

use towpath_core::deployment::Endpoint;
use towpath_ports::secret::Secret;
use towpath_ports::target::{DeployRequest, Target};

use crate::support::{World, eventually, kill, request};
use crate::{get, settings, stop};

#[tokio::test]
async fn a_release_has_its_secrets_and_nothing_else_does() {
    let world = World::new();
    let target = world.target(&settings());
    let value = "corr\"ect horse/battery";
    let mut request = request("tell");
    request.settings.insert("DB_PASSWORD".to_owned(), "a setting".to_owned());
    let secret = Secret::new(value.to_owned()).unwrap();
    request.secrets = Some(BTreeMap::from([("DB_PASSWORD".to_owned(), secret.clone())]));
    let endpoint = target.ensure_running(&request).await.unwrap().remove(0);
    assert_eq!(get(&endpoint, "/env/DB_PASSWORD").await, value, "secrets win over settings");
    assert_eq!(target.handed(&request.lane, request.deployment).await, [secret]);
    let lines = target.logs(&request.lane, request.deployment, 10).await.unwrap();
    let text: Vec<&str> = lines.iter().map(|line| &*line.text).collect();
    assert!(text.contains(&"it is ***, so it is"), "over two writes: {text:?}");
    assert!(text.contains(&"{\"password\": \"***\"}"), "{text:?}");
    assert_eq!(holding(&world, value), ["secrets.json"]);

    // Who starts it again has them, without a store.
    let supervisor = world.status(&request)["supervisor"]["pid"].as_i64().unwrap();
    kill(i32::try_from(supervisor).unwrap());
    let _ends = get_or_nothing(&endpoint, "/exit").await;
    let again = eventually_again(&*target, &request, &endpoint).await;
    assert_eq!(again, value);

    stop(&*target, &request).await;
    assert_eq!(holding(&world, value), Vec::<String>::new(), "gone with what was started");
    request.secrets = None;
    let refused = target.ensure_running(&request).await.unwrap_err();
    assert!(refused.sentence.contains("its secrets were not read again"), "{refused}");
}

/// The variable as the program has it that was started again.
async fn eventually_again(
    target: &dyn Target,
    request: &DeployRequest,
    endpoint: &Endpoint,
) -> String {
    let mut value = String::new();
    eventually("it is there again", async || {
        let seen = target.observe(&request.lane, request.deployment).await.unwrap();
        value = get_or_nothing(endpoint, "/env/DB_PASSWORD").await;
        seen.iter().any(|one| one.running) && !value.is_empty()
    })
    .await;
    value
}

/// What the program answers; nothing while it is away.
async fn get_or_nothing(endpoint: &Endpoint, path: &str) -> String {
    let answer = reqwest::get(format!("http://{}{path}", endpoint.address)).await;
    match answer {
        Ok(answer) => answer.text().await.unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// Names of the files below the state that hold this text, as it is or in JSON.
fn holding(world: &World, text: &str) -> Vec<String> {
    let escaped = text.replace('"', "\\\"");
    let mut found = Vec::new();
    let mut folders = vec![world.site.state.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let bytes = std::fs::read(entry.path()).unwrap();
                let bytes = String::from_utf8_lossy(&bytes);
                if bytes.contains(text) || bytes.contains(&escaped) {
                    found.push(entry.file_name().to_string_lossy().into_owned());
                }
            }
        }
    }
    found
}

//! What the tests of adapters with real processes share: a site in a temporary folder, and releases
//! in it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use towpath_adapters::targets;
use towpath_core::ids::{Digest, Epoch, LaneId, Name, PromotionNumber, Version};
use towpath_core::release::{Artifact, ArtifactForm, ChangeType, Release};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::artifacts::{ArtifactError, ArtifactStore};
use towpath_ports::target::{DeployRequest, Target};
use towpath_ports::{Family, Site, settings};

/// A site whose artefacts are files of its folder, by source.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) site: Site,
}

struct Sources(PathBuf);

#[async_trait]
impl ArtifactStore for Sources {
    async fn path(&self, artifact: &Artifact) -> Result<PathBuf, ArtifactError> {
        let path = self.0.join(&artifact.source);
        if path.exists() { Ok(path) } else { Err(ArtifactError::Missing(artifact.source.clone())) }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        std::fs::copy(env!("CARGO_BIN_EXE_adapters-test-app"), root.join("app")).unwrap();
        let artifacts = Arc::new(Sources(root.clone()));
        let program = PathBuf::from(env!("CARGO_BIN_EXE_adapters-test-program"));
        let site = Site { state: root.join("state"), root, program, artifacts, speed: 1 };
        Self { folder, site }
    }

    pub(crate) fn target(&self, settings: &Value) -> Arc<dyn Target> {
        let catalogue = towpath_adapters::catalogue();
        let entry = catalogue.find(Family::Target, "process").unwrap();
        let checked = settings::check(entry, settings).unwrap();
        towpath_adapters::build(targets::KINDS, "process", &checked, &self.site).unwrap()
    }

    pub(crate) fn instance(&self, request: &DeployRequest, instance: u32) -> PathBuf {
        let lane = self.site.state.join("instances").join(request.lane.to_string());
        lane.join(request.deployment.to_string()).join(instance.to_string())
    }

    /// What a supervisor wrote about the instance.
    pub(crate) fn status(&self, request: &DeployRequest) -> Value {
        let status = std::fs::read(self.instance(request, 1).join("status.json")).unwrap();
        serde_json::from_slice(&status).unwrap()
    }

    /// Ids of all running processes that were started for this site.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let marks = self.marks();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
            let environ = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            let state = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let is_zombie = state.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'));
            let mut entries = environ.split(|byte| *byte == 0);
            if !is_zombie && entries.any(|entry| marks.iter().any(|mark| mark.as_bytes() == entry))
            {
                found.push(pid);
            }
        }
        found
    }

    fn marks(&self) -> Vec<String> {
        let mut marks = Vec::new();
        let mut folders = vec![self.site.state.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else if name == "plan.json" || name == "ended.json" {
                    let plan: Value =
                        serde_json::from_slice(&std::fs::read(entry.path()).unwrap()).unwrap();
                    marks.push(format!("TOWPATH_INSTANCE_ID={}", plan["id"].as_str().unwrap()));
                }
            }
        }
        marks
    }
}

impl Drop for World {
    /// A failed test shall leave nothing behind: supervisors first, then what they started.
    fn drop(&mut self) {
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let own = self.folder.path().to_string_lossy().into_owned();
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.contains("supervise") && line.contains(&own) {
                kill(entry.file_name().to_string_lossy().parse().unwrap_or_default());
            }
        }
        for pid in self.processes() {
            kill(pid);
        }
    }
}

pub(crate) fn kill(pid: i32) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

pub(crate) fn lane() -> LaneId {
    LaneId { service: Name::new("api").unwrap(), environment: Name::new("staging").unwrap() }
}

pub(crate) fn release(source: &str, form: ArtifactForm) -> Release {
    let artifact = Artifact {
        digest: Digest::of(source.as_bytes()),
        form,
        source: source.to_owned(),
        size: 1,
    };
    Release {
        service: Name::new("api").unwrap(),
        version: Version::new("1.0.0").unwrap(),
        digest: Digest::of(b"release"),
        artifacts: BTreeMap::from([(Name::new("api").unwrap(), artifact)]),
        settings: BTreeMap::new(),
        migrations: Vec::new(),
        commit: None,
        branch: None,
        author: None,
        change_type: ChangeType::Feature,
        type_by: None,
        evidence: std::collections::BTreeMap::new(),
        snapshot: false,
        created_by: None,
        behind: Vec::new(),
        created_at: Timestamp(0),
    }
}

/// Deployment 7 of the test app with a behaviour.
pub(crate) fn request(behaviour: &str) -> DeployRequest {
    DeployRequest {
        lane: lane(),
        epoch: Epoch(1),
        deployment: PromotionNumber(7),
        release: release("app", ArtifactForm::File),
        instances: 1,
        settings: BTreeMap::from([("BEHAVIOUR".to_owned(), behaviour.to_owned())]),
        secrets: Some(BTreeMap::new()),
        ready_path: Some("/ready".to_owned()),
        ready_within: Span::seconds(20),
    }
}

pub(crate) fn make_executable(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Looks every 20 ms until `condition` holds; fails the test after 20 s.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("never happened: {what}");
}
